"""Whatever is done to a message, in whatever order and by whomever, its rows go on agreeing with each other."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
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
        if name == "bar_unit":
            said["unit"] = getattr(world, draws.draw(st.sampled_from(OFFICES))).pk
        if "reply" in name:
            # Drawn by hypothesis rather than by the operating system, or a failure could not be repeated.
            drawing.CHANCE = random.Random(draws.draw(st.integers(0, 9)))
        if name == "classify":
            said.update({fact: draws.draw(st.sampled_from(codes)) for fact, codes in FACTS.items()})
        return said

    people = [getattr(world, field.name) for field in fields(world)]
    return Scene([*(p for p in people if isinstance(p, User)), User.objects.system()], world.register, data)


@WALKS
@given(draws=st.data())
def test_walk_keeps_every_invariant_of_a_message(county, at, draws):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "CHANCE", drawing.CHANCE)
        walk(message_scene(county), draws, at)
