"""Whatever is done to a message, in whatever order and by whomever, its rows go on agreeing with each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opinion import drawing
from tests.factories.world import STEPS, World
from tests.workflows.walking import WALKS, Scene, walk
from workflows.models import Case, User

OFFICES = ("housing", "water", "street", "housing_office")
FACTS = {
    "type": ["consult", "help", "complaint", "suggest"],
    "urgency": ["normal", "urgent", "critical"],
    "complexity": ["plain", "complex", "investigate", "hard"],
}


def message_scene(world: World) -> Scene:
    def data(draws: st.DataObject, case: Case, name: str, at: datetime) -> dict[str, Any]:
        said = STEPS[name].data(world, at) if name in STEPS else {}
        if "lead" in said:
            said["lead"] = getattr(world, draws.draw(st.sampled_from(OFFICES))).pk
        if "assisting" in said:
            said["assisting"] = [
                getattr(world, name).pk for name in draws.draw(st.sets(st.sampled_from(OFFICES), min_size=1))
            ]
        if name == "merge":
            said["master"] = world.register(at, subject="主案件").pk
        if "person" in said:
            said["person"] = draws.draw(st.sampled_from(people)).pk
        if name == "bar_unit":
            said["unit"] = getattr(world, draws.draw(st.sampled_from(OFFICES))).pk
        if "reply" in name:
            # Drawn by hypothesis rather than by the operating system, or a failure could not be repeated.
            drawing.CHANCE = random.Random(draws.draw(st.integers(0, 9)))
        if name == "classify":
            said.update({fact: draws.draw(st.sampled_from(codes)) for fact, codes in FACTS.items()})
        return said

    found = [getattr(world, field.name) for field in fields(world)]
    people = [person for person in found if isinstance(person, User)]
    return Scene([*people, User.objects.system()], world.register, data)


@contextmanager
def seeded_draws() -> Iterator[None]:
    """What the scene puts in place of the operating system's chance is gone with the walk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "CHANCE", drawing.CHANCE)
        yield


@pytest.mark.no_cover
@WALKS
@given(draws=st.data())
def test_walk_keeps_every_invariant_of_a_message(county, at, draws):
    with seeded_draws():
        walk(message_scene(county), draws, at)


@pytest.mark.no_cover
@settings(WALKS, max_examples=6)
@given(draws=st.data(), state=st.sampled_from(["handling", "drafted", "redo", "final_drafted"]))
def test_walk_keeps_every_invariant_among_signatures(county, at, draws, state):
    """From where the approvals are, with most steps in one of them."""

    def found(moment: datetime) -> Case:
        return county.walk(state, moment - timedelta(hours=1))

    with seeded_draws():
        walk(replace(message_scene(county), open=found, signs=True), draws, at)
