"""A redo against the sweep that closes the rating window: one of them happens, the other finds it done."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opinion.models import Rating
from tests.factories.world import make_world
from tests.workflows.racing import claim_all, race, sweep_often
from workflows.models import Case, Event
from workflows.verifying import verify

CASES = 12
SAID = {"satisfaction": "bad", "solved": 1, "manner": 2, "speed": 2, "remark": "没有解决"}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_redo_against_the_end_of_the_rating_window(at: datetime):
    county = make_world()
    cases = [county.walk("called_back", at + timedelta(minutes=number)) for number in range(CASES)]
    ids = [case.pk for case in cases]
    later = max(case.clocks.get(kind="rating").due_at for case in cases) + timedelta(minutes=1)
    outcomes, _ = race([(claim_all, (ids, "redo", county.caller.pk, later, SAID)), (sweep_often, (later, 3))])
    assert len(outcomes) == CASES
    for case_id, (outcome, sentence) in zip(ids, outcomes, strict=True):
        case = Case.objects.get(pk=case_id)
        ended = list(
            Event.objects.filter(case=case, transition__in=("redo", "close_unrated")).values_list(
                "transition", flat=True
            )
        )
        said = list(Rating.objects.filter(case=case).values_list("satisfaction", "automatic"))
        if outcome == "Event":
            assert (case.state, ended, said) == ("redo", ["redo"], [("bad", False)])
        else:
            assert (case.state, ended, said) == ("closed", ["close_unrated"], [("unrated", True)])
            assert (outcome, "系统" in sentence) == ("Already", True)
    assert verify(as_of=later).problems == []
