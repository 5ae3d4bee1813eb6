"""Stretches of holding, from events alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from opinion.reports.spans import Moment, month_of, spans
from tests.factories.world import World
from workflows.models import Case


def moments(case: Case) -> list[Moment]:
    events = case.events.order_by("seq")
    return [Moment(event.unit_id, event.target, event.happened_at) for event in events]


def test_spans_follow_unit_and_step_and_stop_at_closing(county: World, at: datetime):
    case = county.walk("closed", at)
    minute = timedelta(minutes=1)
    found = [
        (span.unit_id, span.step, span.started_at - at, span.lasted(at=at))
        for span in spans(case.definition_id, moments(case))
    ]
    desk, lead = county.desk.pk, county.housing.pk
    assert found == [
        (desk, "登记", 0 * minute, minute),
        (lead, "交办", minute, minute),
        (lead, "签收", 2 * minute, minute),
        (lead, "办理", 3 * minute, minute),
        (lead, "审核", 4 * minute, minute),
        (desk, "审核", 5 * minute, minute),
        (desk, "答复", 6 * minute, minute),
        (desk, "回访", 7 * minute, minute),
    ]


def test_time_between_closing_and_reopening_is_nobodys(county: World, at: datetime):
    case = county.walk("closed", at)
    county.do(case, "reopen", at=at + timedelta(days=3))
    found = spans(case.definition_id, moments(case))
    assert (found[-2].step, found[-2].ended_at) == ("回访", at + timedelta(minutes=8))
    assert (found[-1].step, found[-1].started_at, found[-1].ended_at) == (
        "办理",
        at + timedelta(days=3),
        None,
    )


def test_an_event_entered_late_makes_no_negative_stretch(county: World, at: datetime):
    case = county.walk("handling", at)
    desk, lead = county.desk.pk, county.housing.pk
    found = spans(
        case.definition_id,
        [
            Moment(desk, "registered", at),
            Moment(lead, "assigned", at - timedelta(hours=1)),
            Moment(lead, "accepted", at),
        ],
    )
    assert [span.lasted(at=at).total_seconds() for span in found] == [0, 3600, 0]


def test_month_is_the_local_one(at: datetime):
    assert month_of(at.replace(day=1, hour=0, minute=30)).isoformat() == "2026-11-01"
