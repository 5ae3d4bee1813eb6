"""A holiday more while a hundred thousand clocks run: every one moved, each case with an event."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from itertools import count

from django.db import connection, transaction

from bench.desk.world import BEGAN, Desk, make_desk, settle
from bench.timing import Figure, Table, Target, interleave
from workflows.calendars import CalendarException, CalendarSpec, DayKind, WorkingCalendar, compile_calendar
from workflows.dues import due_of
from workflows.models import CalendarVersion, Case, Clock, Event
from workflows.publishing import publish
from workflows.recasting import Recast
from workflows.recording import append
from workflows.redating import preview, redate

OURS = "redate"
ONE_BY_ONE = "ORM: case by case, save() and create()"
BULK = "ORM: bulk_update and bulk_create, 500 cases a transaction"
RAW = "three set statements in one transaction, no reckoning, no chain"
BULK_CASES = 500
# Working days within the windows of both clocks of a case: one a round, the first round is not counted.
DAYS = [dt.date(2026, 11, 25), dt.date(2026, 11, 26), dt.date(2026, 11, 27)]


def running(*, quick: bool) -> list[Table]:
    """Two clocks a case, both meeting the changed day; each round adds another holiday.

    What is not ours is undone after its round. The ORM gets a part of the cases: it is slow enough to tell.
    """
    desk = make_desk()
    desk.cases(1000 if quick else 50_000)
    settle()
    clocks, cases = Clock.objects.going().count(), Case.objects.open().count()
    days, done = iter(DAYS), list[Recast]()

    def ours() -> int:
        done.append(_redate(next(days), desk))
        if done[-1].clocks != clocks:
            raise RuntimeError(f"{done[-1].clocks} clocks moved, {clocks} run")
        return clocks

    some = list(Case.objects.open().order_by("id").values_list("id", flat=True)[: 200 if quick else 2000])
    on = compile_calendar(_with_holiday(dt.date(2026, 12, 1)))
    rates = interleave(
        {
            OURS: ours,
            ONE_BY_ONE: _undone(lambda: _one_by_one(some, on, desk)),
            BULK: _undone(lambda: _in_bulk(some, on, desk)),
            RAW: _undone(_raw),
        },
        rounds=len(DAYS) - 1,
    )
    began = time.perf_counter()
    preview(_with_holiday(dt.date(2026, 11, 30)), at=BEGAN)
    longest = max(each.longest_seconds for each in done) * 1000
    note = f"preview {clocks / (time.perf_counter() - began):,.0f}/s; longest lock {longest:.0f} ms"
    # SQLite has one writer at a time, and no promise was made for it.
    promised = connection.vendor == "postgresql" and not quick
    targets = [
        Target("seconds for 100,000 clocks", 100_000 / rates[OURS], 5.0, at_most=True),
        Target("longest lock, ms", longest, 300, at_most=True),
    ]
    return [
        Table(
            title=f"a holiday more: {clocks:,} running clocks of {cases:,} cases moved, an event a case",
            unit="clocks/s",
            figures=[Figure(label, rate, note if label == OURS else "") for label, rate in rates.items()],
            targets=targets if promised else [],
        )
    ]


def _with_holiday(day: dt.date) -> CalendarSpec:
    spec: CalendarSpec = CalendarVersion.objects.latest_of("china").parsed
    row = CalendarException(date=day, kind=DayKind.HOLIDAY, name="测速", source="测速")
    return spec.model_copy(update={"exceptions": (*spec.exceptions, row)})


def _redate(day: dt.date, desk: Desk) -> Recast:
    spec = _with_holiday(day)
    published = publish(spec.model_dump_json(), "bench", by=desk.clerk, at=BEGAN)
    return redate(CalendarVersion.objects.get(pk=published.document.pk), by=desk.clerk, at=BEGAN)


def _undone(variant: Callable[[], int]) -> Callable[[], int]:
    """The same, leaving no rows behind for the next."""

    def run() -> int:
        with transaction.atomic():
            units = variant()
            transaction.set_rollback(True)
        return units

    return run


def _one_by_one(case_ids: Sequence[int], on: WorkingCalendar, desk: Desk) -> int:
    """As one would write it first, with the same chained event."""
    moved = 0
    for pk in case_ids:
        with transaction.atomic():
            case = Case.objects.select_for_update().get(pk=pk)
            clocks = list(Clock.objects.going().filter(case=case))
            event = _moved(case, clocks, on, desk)
            for clock in clocks:
                clock.save(update_fields=["due_at", "next_at"])
            event.save(force_insert=True)
            case.save(update_fields=["rev", "head", "due_at"])
        moved += len(clocks)
    return moved


def _in_bulk(case_ids: Sequence[int], on: WorkingCalendar, desk: Desk) -> int:
    moved = 0
    for start in range(0, len(case_ids), BULK_CASES):
        with transaction.atomic():
            part = Case.objects.select_for_update().filter(pk__in=case_ids[start : start + BULK_CASES])
            cases = {case.pk: case for case in part}
            clocks: dict[int, list[Clock]] = {pk: [] for pk in cases}
            for clock in Clock.objects.going().filter(case__in=cases):
                clocks[clock.case_id].append(clock)
            events = [_moved(case, clocks[pk], on, desk) for pk, case in cases.items()]
            every = [clock for group in clocks.values() for clock in group]
            Clock.objects.bulk_update(every, ["due_at", "next_at"])
            Event.objects.bulk_create(events)
            Case.objects.bulk_update(cases.values(), ["rev", "head", "due_at"])
        moved += len(every)
    return moved


def _moved(case: Case, clocks: list[Clock], on: WorkingCalendar, desk: Desk) -> Event:
    shifts = {}
    for clock in clocks:
        due = due_of(on, clock.started_at, clock.limit)
        shifts[clock.kind] = [clock.due_at.isoformat(), due.at.isoformat()]
        clock.due_at = clock.next_at = due.at
    case.due_at = min(clock.due_at for clock in clocks)
    return append(
        case, name="clock.redated", transition="", actor_id=desk.clerk.pk, source=case.state, target=case.state,
        data={"clocks": shifts}, happened_at=BEGAN, recorded_at=BEGAN,
    )  # fmt: skip


_rounds = count(1)


def _raw() -> int:
    """The same rows written by the database alone, letting nobody else in meanwhile."""
    day = "interval '1 day'" if connection.vendor == "postgresql" else None
    later = f"due_at + {day}" if day else "datetime(due_at, '+1 day')"
    names = ", ".join(str(f.column) for f in Event._meta.concrete_fields if f.column not in {"id", "seq"})
    apart = next(_rounds) * 100_000
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE workflows_clock SET due_at = {later}, next_at = {later} WHERE state = 'running'"
        )
        moved = cursor.rowcount
        cursor.execute(
            f"INSERT INTO workflows_event (seq, {names}) SELECT seq + {apart}, {names} FROM workflows_event WHERE seq = 1"
        )
        cursor.execute(f"UPDATE workflows_case SET due_at = {later}, rev = rev + 1 WHERE closed_at IS NULL")
    return int(moved)
