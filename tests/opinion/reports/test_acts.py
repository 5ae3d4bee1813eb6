"""Declines and what came of them, transfers, redos and call-backs: whose they are, and what the rates leave out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opinion.models import Act, Rating
from opinion.reports.area import Area
from opinion.reports.drill import Drill
from opinion.reports.months import Line, month_table
from opinion.reports.spans import month_of
from tests.factories.world import PATHS, World
from workflows.models import Case, User
from workflows.relay import relay

DAY = timedelta(days=1)


def acts(case: Case) -> set[tuple[str, str]]:
    return set(Act.objects.filter(case=case).values_list("unit__code", "kind"))


def line_of(county: World, unit: str, at: datetime) -> Line:
    area = Area.of(User.objects.get(pk=county.supervisor.pk))
    groups = month_table(area, month_of(at), at=at)
    return next(line for group in groups for line in group.lines if line.unit == getattr(county, unit))


def test_each_decline_is_settled_at_the_unit_that_declined(county: World, at: datetime):
    case = county.along(("assign", "decline", "reassign"), at)
    county.do(case, "decline", at=at, by=county.other_head)
    county.do(case, "uphold_decline", at=at)
    county.do(case, "assign", at=at, lead=county.street.pk)
    county.do(case, "decline", at=at, by=county.street_head)
    county.do(case, "designate", at=at, lead=county.water.pk)
    relay(at=at)
    assert acts(case) == {
        ("housing", "assigned"), ("housing", "declined"), ("housing", "upheld"),
        ("water", "assigned"), ("water", "declined"), ("water", "upheld"),
        ("street", "assigned"), ("street", "declined"), ("street", "designated"),
    }  # fmt: skip


def test_a_rejected_decline_stays_rejected_whatever_the_leader_says(county: World, at: datetime):
    case = county.along(("assign", "decline", "reject_decline", "raise_dispute", "arbitrate"), at)
    relay(at=at)
    assert acts(case) == {
        ("housing", "assigned"), ("housing", "declined"), ("housing", "rejected"), ("housing", "disputed"),
        ("water", "assigned"),
    }  # fmt: skip


def test_a_transfer_is_charged_to_the_unit_that_hands_on(county: World, at: datetime):
    case = county.along(("assign", "accept", "transfer"), at)
    relay(at=at)
    assert acts(case) == {("housing", "assigned"), ("housing", "transferred"), ("water", "assigned")}


def test_reach_counts_whom_somebody_tried_to_reach(county: World, at: datetime):
    tried, reached = county.walk("replied", at), county.walk("called_back", at)
    county.do(tried, "record_unreached", at=at + timedelta(hours=1))
    county.walk("replied", at)
    relay(at=at)
    line = line_of(county, "housing", at)
    counts = {kind: line.acts[kind] for kind in ("replied", "drawn", "called", "reached")}
    assert counts == {"replied": 3, "drawn": 3, "called": 2, "reached": 1}
    drill = Drill("reached", unit=county.housing.pk, month=month_of(at))
    area = Area.of(User.objects.get(pk=county.supervisor.pk))
    assert set(drill.cases(county.supervisor, area, at=at)) == {Case.objects.get(pk=reached.pk)}


def test_redo_and_reopen_are_told_apart(county: World, at: datetime):
    case = county.walk("closed", at)
    county.do(case, "reopen", at=at + timedelta(hours=1))
    redone = county.walk("redo", at)
    relay(at=at)
    assert ("housing", "reopened") in acts(case)
    assert ("housing", "reopened") not in acts(redone)
    assert {("housing", "redone")} <= acts(case) & acts(redone)


@pytest.mark.parametrize("satisfaction", ["unrated", "unreachable", "default"])
def test_no_rate_counts_what_nobody_said(county: World, at: datetime, satisfaction: str):
    """Kept by any way in, and marked as automatic; only the two who spoke are counted."""
    for code in ("good", "bad"):
        spoken = county.along(PATHS["called_back"], at)
        move = "rate" if code == "good" else "redo"
        county.do(spoken, move, at=at + timedelta(hours=1), satisfaction=code)
    silent = county.walk("replied", at)
    Rating.objects.create(
        case=silent,
        seq=silent.rev,
        satisfaction=satisfaction,
        automatic=True,
        rated_at=at,
        recorder=county.caller,
    )
    lapsed = county.walk("replied", at)
    county.do(lapsed, "close_unrated", at=at + timedelta(hours=1))
    relay(at=at)
    rated = line_of(county, "housing", silent.clocks.get(kind="resolve").due_at).satisfied
    assert (rated.part.count, rated.whole.count) == (1, 2)


def test_a_satisfaction_nobody_can_say_is_automatic(county: World, at: datetime):
    case = county.walk("replied", at)
    county.do(case, "close", at=at + timedelta(hours=1), reason="c6", satisfaction="unrated")
    assert list(Rating.objects.filter(case=case).values_list("satisfaction", "automatic")) == [
        ("unrated", True)
    ]
