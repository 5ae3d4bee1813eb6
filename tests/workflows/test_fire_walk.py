"""Whatever moves a case makes, in whatever order and by whomever, its rows go on agreeing with each other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.toy.world import ToyWorld
from tests.workflows.walking import WALKS, Scene, walk
from workflows.models import Case, User

REMARKS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def toy_scene(world: ToyWorld) -> Scene:
    def data(draws: st.DataObject, case: Case, name: str, at: datetime) -> dict[str, Any]:
        if name == "give":
            return {"lead": draws.draw(st.sampled_from([world.office.pk, world.other.pk]))}
        if name == "regrade":
            return {"grade": draws.draw(st.sampled_from(["plain", "hard"]))}
        if name == "remark":
            return {"remark": draws.draw(REMARKS)}
        return {}

    people = [world.clerk, world.worker, world.other_worker, world.watcher, User.objects.system()]
    return Scene(people, world.case, data)


@pytest.mark.no_cover
@WALKS
@given(draws=st.data())
def test_walk_keeps_every_invariant_of_the_toy(world, at, draws):
    walk(toy_scene(world), draws, at)
