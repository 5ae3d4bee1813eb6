"""A holiday more while a hundred thousand clocks run: every one moved, each case with an event."""

from __future__ import annotations

import datetime as dt
import time

from django.db import connection, transaction

from bench.desk.world import BEGAN, make_desk, settle
from bench.timing import Figure, Table, Target
from workflows.calendars import CalendarException, CalendarSpec, DayKind
from workflows.models import CalendarVersion, Clock, Event, User
from workflows.publishing import publish
from workflows.redating import Redated, preview, redate

OURS, RAW = "redate", "three set statements in one transaction, same tables"
CLOCKS_A_CASE = 2
# Working days within the windows of both clocks of a case.
DAYS = [dt.date(2026, 11, 25), dt.date(2026, 11, 26)]


def running(*, quick: bool) -> list[Table]:
    """Two clocks a case, both meeting the changed day; each round adds another holiday."""
    desk = make_desk()
    cases, rounds = (1000, 1) if quick else (50_000, 1)
    desk.cases(cases)
    settle()
    clocks = Clock.objects.going().count()
    seconds, raw_seconds, foreseen, longest = [], [], [], 0.0
    for day in DAYS[: rounds + 1]:
        spec = _with_holiday(day)
        began = time.perf_counter()
        preview(spec, at=BEGAN)
        foreseen.append(time.perf_counter() - began)
        done, spent = _redate(spec, desk.clerk)
        if done.clocks != clocks:
            raise RuntimeError(f"{done.clocks} clocks moved, {clocks} run")
        seconds.append(spent)
        longest = max(longest, done.longest_seconds)
        raw_seconds.append(_raw())
    best, raw = sorted(seconds)[len(seconds) // 2], sorted(raw_seconds)[len(raw_seconds) // 2]
    note = f"preview {clocks / min(foreseen):,.0f}/s; longest lock {longest * 1000:.0f} ms"
    # SQLite has one writer at a time, and no promise was made for it.
    promised = connection.vendor == "postgresql" and not quick
    targets = [
        Target("seconds for 100,000 clocks", best * 100_000 / clocks, 5.0, at_most=True),
        Target("longest lock, ms", longest * 1000, 300, at_most=True),
    ]
    return [
        Table(
            title=f"a holiday more: {clocks:,} running clocks of {cases:,} cases moved, an event a case",
            unit="clocks/s",
            figures=[Figure(OURS, clocks / best, note), Figure(RAW, clocks / raw)],
            targets=targets if promised else [],
        )
    ]


def _with_holiday(day: dt.date) -> CalendarSpec:
    spec: CalendarSpec = CalendarVersion.objects.latest_of("china").parsed
    row = CalendarException(date=day, kind=DayKind.HOLIDAY, name="测速", source="测速")
    return spec.model_copy(update={"exceptions": (*spec.exceptions, row)})


def _redate(spec: CalendarSpec, by: User) -> tuple[Redated, float]:
    published = publish(spec.model_dump_json(), "bench", by=by, at=BEGAN)
    version = CalendarVersion.objects.get(pk=published.document.pk)
    began = time.perf_counter()
    return redate(version, by=by, at=BEGAN), time.perf_counter() - began


def _raw() -> float:
    """The same rows written by the database alone, without reckoning, hashing or letting anybody else in; undone."""
    day = "interval '1 day'" if connection.vendor == "postgresql" else None
    later = f"due_at + {day}" if day else "datetime(due_at, '+1 day')"
    names = ", ".join(str(f.column) for f in Event._meta.concrete_fields if f.column not in {"id", "seq"})
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE workflows_clock SET due_at = {later}, next_at = {later} WHERE state = 'running'"
        )
        cursor.execute(
            f"INSERT INTO workflows_event (seq, {names}) SELECT seq + 100000, {names} FROM workflows_event WHERE seq = 1"
        )
        cursor.execute(f"UPDATE workflows_case SET due_at = {later}, rev = rev + 1 WHERE closed_at IS NULL")
        spent = time.perf_counter() - began
        transaction.set_rollback(True)
    return spent
