"""Figures derived as events go by are those derived anew from everything stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from opinion.models import Act, ActSum, CaseFigure, Held, HeldSum, MonthSum, OpenCase, OpenSum
from opinion.reports.keeping import refresh
from opinion.reports.sums import SUMS
from tests.factories.world import PATHS, World
from workflows.models import Case, Clock, Event
from workflows.relay import relay
from workflows.sweeper import sweep

KEPT = (OpenCase, CaseFigure, Held, Act)
SUM_TABLES = (OpenSum, MonthSum, HeldSum, ActSum)


def rows_of(model: Any) -> set[tuple[Any, ...]]:
    """Without made-up ids; sums that came down to nothing say nothing."""
    names = [f.attname for f in model._meta.concrete_fields if f.attname != "id"]
    amounts = SUMS[model][1] if model in SUMS else ()
    found = model.objects.values(*names)
    return {tuple(row.values()) for row in found if not amounts or any(row[name] for name in amounts)}


def everything() -> dict[str, set[tuple[Any, ...]]]:
    return {model.__name__: rows_of(model) for model in (*KEPT, *SUM_TABLES)}


def live(county: World, at: datetime) -> list[Case]:
    """A case in every state, one declined and reassigned, one redone twice, some late, and a restricted one."""
    cases = [county.walk(state, at + timedelta(seconds=n)) for n, state in enumerate(PATHS)]
    declined = county.walk("declined", at)
    county.do(declined, "reassign", at=at + timedelta(hours=2))
    county.walk("handling", at - timedelta(days=40))
    redone = county.walk("redo", at)
    county.do(redone, "draft_reply", at=at + timedelta(hours=2))
    reopened = county.walk("closed", at)
    county.do(reopened, "reopen", at=at + timedelta(hours=3))
    county.walk("handling", at, restricted=True, by=county.officer)
    return cases


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_figures_kept_event_by_event_equal_those_made_anew(county: World, at: datetime, batch: int):
    live(county, at)
    relay(at=at, batch=batch)
    sweep(at=at + timedelta(days=1))
    relay(at=at + timedelta(days=1), batch=batch)
    kept = everything()
    assert all(kept.values()), {name for name, rows in kept.items() if not rows}
    for model in (*KEPT, *SUM_TABLES):
        model.objects.all().delete()
    call_command("rebuild_figures", chunk=5)
    assert everything() == kept


def test_rebuilding_mends_sums_that_were_tampered_with(county: World, at: datetime):
    live(county, at)
    relay(at=at)
    kept = everything()
    OpenSum.objects.update(cases=99)
    MonthSum.objects.all().delete()
    HeldSum.objects.update(seconds=0)
    CaseFigure.objects.filter(on_time=True).update(on_time=False)
    call_command("rebuild_figures")
    assert everything() == kept


def test_an_event_handed_on_twice_counts_once(county: World, at: datetime):
    case = county.walk("closed", at)
    relay(at=at)
    kept = everything()
    refresh([case.pk])
    refresh([case.pk, case.pk])
    assert everything() == kept


def test_a_failed_relay_leaves_neither_figures_nor_marks(county: World, at: datetime, monkeypatch: Any):
    county.walk("handling", at)

    def fail(*_: Any) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("opinion.reports.sums.add", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        relay(at=at)
    assert Event.objects.filter(relayed_at=None).count() == 4
    assert OpenCase.objects.count() == 0


def test_a_case_that_becomes_restricted_leaves_the_figures(county: World, at: datetime):
    case = county.walk("handling", at)
    relay(at=at)
    assert OpenCase.objects.filter(case=case).count() == 1
    county.do(case, "bar_unit", at=at + timedelta(hours=1))
    relay(at=at)
    assert [model.objects.filter(case=case).count() for model in KEPT] == [0, 0, 0, 0]
    assert {name: rows for name, rows in everything().items() if rows} == {}


def test_case_figure_says_how_the_resolve_clock_ended_and_who_answers_for_it(county: World, at: datetime):
    case = county.walk("closed", at)
    relay(at=at)
    figure = CaseFigure.objects.get(case=case)
    clock = Clock.objects.get(case=case, kind="resolve")
    assert (figure.unit, figure.state, figure.due_at) == (county.housing, "met", clock.due_at)
    assert (figure.on_time, figure.original_on_time, figure.satisfied) == (True, True, True)
    # One minute a step: assigned at 1, accepted at 2, contacted at 3, replied at 6.
    assert (figure.accept_seconds, figure.contact_seconds, figure.resolve_seconds) == (60, 60, 360)


def test_a_late_reply_is_late_by_either_deadline_and_counts_in_the_month_it_was_due(
    county: World, at: datetime
):
    began = at - timedelta(days=60)
    case = county.walk("handling", began)
    for number, name in enumerate(("draft_reply", "approve", "reply")):
        county.do(case, name, at=at + number * timedelta(minutes=1))
    relay(at=at)
    figure = CaseFigure.objects.get(case=case)
    assert (figure.on_time, figure.original_on_time) == (False, False)
    assert (figure.month.year, figure.month.month) == (2026, 10)
    assert MonthSum.objects.get(basis="due", unit=county.housing).late == 1


def test_what_the_system_filled_in_is_no_rating(county: World, at: datetime):
    case = county.walk("replied", at)
    county.do(case, "close_unrated", at=at + timedelta(days=31))
    relay(at=at)
    assert CaseFigure.objects.get(case=case).satisfied is None


def test_a_withdrawn_message_was_neither_kept_nor_missed(county: World, at: datetime):
    case = county.walk("withdrawn", at)
    relay(at=at)
    assert CaseFigure.objects.filter(case=case).count() == 0


def test_a_decline_is_charged_to_the_unit_that_declined_and_a_redo_to_the_one_that_redoes(
    county: World, at: datetime
):
    declined, redone = county.walk("declined", at), county.walk("redo", at)
    relay(at=at)
    kinds = ("declined", "redone")
    found = set(Act.objects.filter(kind__in=kinds).values_list("case_id", "unit_id", "kind", "times"))
    assert found == {
        (declined.pk, county.housing.pk, "declined", 1),
        (redone.pk, county.housing.pk, "redone", 1),
    }
