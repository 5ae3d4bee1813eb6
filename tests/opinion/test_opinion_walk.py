"""Whatever is done to an event, in whatever order and by whomever, its rows go on agreeing with each other."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.grading import GRADES
from tests.factories.events import EVENT_STEPS, Events
from tests.factories.world import World
from tests.workflows.walking import WALKS, Scene, walk
from workflows.models import Case, User

OFFICES = ("housing", "water", "street", "housing_office")


def event_scene(world: World, hours_before: int) -> Scene:
    """Events seen some hours before they are entered, so that some hours are over by then."""
    events = Events(world)

    def data(draws: st.DataObject, case: Case, name: str, at: datetime) -> dict[str, Any]:
        said = EVENT_STEPS[name].data(world, at) if name in EVENT_STEPS else {}
        if "lead" in said:
            said["lead"] = getattr(world, draws.draw(st.sampled_from(OFFICES))).pk
        if name in {"bar_unit", "set_task"}:
            said["unit"] = getattr(world, draws.draw(st.sampled_from(OFFICES))).pk
        if name == "set_task":
            said["due_on"] = at.date() + timedelta(days=draws.draw(st.sampled_from([-1, 0, 1, 30, 500])))
        if "grade" in said:
            said["grade"] = draws.draw(st.sampled_from(GRADES))
            said["legacy"] = draws.draw(st.sampled_from(["yes", "no"]))
        if name == "unlink_matter":
            tied = case.links_out.filter(ended_at=None).values_list("to_case", flat=True)
            said["other"] = draws.draw(st.sampled_from([*tied, case.pk]))
        return said

    def found(at: datetime) -> Case:
        return events.find(at, found=at - timedelta(hours=hours_before))

    people = [getattr(world, field.name) for field in fields(world)]
    return Scene([*(p for p in people if isinstance(p, User)), User.objects.system()], found, data)


@pytest.mark.no_cover
@WALKS
@given(draws=st.data(), hours_before=st.sampled_from([0, 1, 6, 60]))
def test_walk_keeps_every_invariant_of_an_event(county, at, draws, hours_before):
    walk(event_scene(county, hours_before), draws, at)
