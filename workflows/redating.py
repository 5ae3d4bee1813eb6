"""A new calendar version and the clocks that run by an older one: seen beforehand, then moved, each with an event.

Only going clocks whose window, from start to deadline, meets a day that changed; finished ones stay as they were
reckoned. Chunks are short transactions that take the case first, leave what somebody else holds for a later turn, and
grow or shrink so that no lock lasts. A run cut short is simply started again: what was moved is on the new version.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from workflows import rows
from workflows.aiming import consumed_in, look_again, pauses_of
from workflows.calendars import CalendarSpec, Due, Pause, WorkingCalendar, compile_calendar
from workflows.calendars.changes import ChangedDays
from workflows.dues import due_of
from workflows.locking import lock_many
from workflows.models import CalendarVersion, Case, Clock, ClockInterval, Event, Extension, User
from workflows.published import calendar
from workflows.recording import append

EVENT = "clock.redated"
GOING = (Clock.State.RUNNING.value, Clock.State.PAUSED.value)
# A chunk begins so big and is then sized by how long the last one held its locks.
FIRST_CHUNK, LEAST_CHUNK, MOST_CHUNK = 250, 20, 1000
HELD_SECONDS = 0.06
READ = 2000
EXAMPLES = 50
CHANGES = ["due_at", "next_at", "provisional", "calendar_id", "consumed_seconds"]


@dataclass(frozen=True)
class Shift:
    """One clock before and after."""

    case_id: int
    kind: str
    before: datetime
    after: datetime
    was_provisional: bool
    provisional: bool
    number: str = ""

    @property
    def moved(self) -> timedelta:
        return self.after - self.before


@dataclass
class Foreseen:
    """What a change would do. met: clocks whose window it meets; days: local days moved → how many clocks.

    firmed: provisional before and not afterwards. late_at_once: in time before, past the deadline afterwards.
    examples: those that move most.
    """

    met: int = 0
    later: int = 0
    earlier: int = 0
    firmed: int = 0
    late_at_once: int = 0
    days: Counter[int] = field(default_factory=Counter)
    examples: list[Shift] = field(default_factory=list)

    @property
    def moved(self) -> int:
        return self.later + self.earlier

    @property
    def by_days(self) -> list[tuple[int, int]]:
        """(days moved, how many clocks), from earliest to latest."""
        return sorted(self.days.items())

    def add(self, shift: Shift, *, at: datetime) -> None:
        self.met += 1
        self.firmed += shift.was_provisional and not shift.provisional
        if not shift.moved:
            return
        self.later += shift.moved > timedelta(0)
        self.earlier += shift.moved < timedelta(0)
        self.late_at_once += shift.after < at <= shift.before
        self.days[(timezone.localdate(shift.after) - timezone.localdate(shift.before)).days] += 1
        self.examples.append(shift)
        if len(self.examples) > 4 * EXAMPLES:
            self._keep_the_largest()

    def close(self) -> Foreseen:
        """Sort the examples and give them their numbers."""
        self._keep_the_largest()
        numbers = dict(
            Case.objects.filter(pk__in=[s.case_id for s in self.examples]).values_list("pk", "number")
        )
        self.examples = [
            Shift(s.case_id, s.kind, s.before, s.after, s.was_provisional, s.provisional, numbers[s.case_id])
            for s in self.examples
        ]
        return self

    def _keep_the_largest(self) -> None:
        self.examples.sort(key=lambda shift: (-abs(shift.moved), shift.case_id, shift.kind))
        del self.examples[EXAMPLES:]


@dataclass
class Redated:
    """What was done. cases: with an event; clocks: with another deadline or no longer provisional.

    longest_seconds: the longest that one chunk held its locks.
    """

    cases: int = 0
    clocks: int = 0
    longest_seconds: float = 0.0


class CalendarChange:
    """A calendar as it would be, against every older version that some clock may still run by."""

    def __init__(self, spec: CalendarSpec, *, version: CalendarVersion | None = None) -> None:
        self.new = calendar(version.pk) if version else compile_calendar(spec)
        self.version = version
        older = CalendarVersion.objects.filter(code=spec.code)
        if version is not None:
            older = older.filter(version__lt=version.version)
        used = Clock.objects.filter(state__in=GOING).values("calendar_id").distinct()
        self.numbers = dict(older.filter(pk__in=used).values_list("id", "version"))
        found = {pk: ChangedDays(calendar(pk), self.new) for pk in self.numbers}
        self.days = {pk: days for pk, days in found.items() if days}

    @classmethod
    def to(cls, version: CalendarVersion) -> CalendarChange:
        """The change to a published version."""
        return cls(version.parsed, version=version)

    def meets(self, clock: Clock) -> bool:
        days = self.days.get(clock.calendar_id)
        return days is not None and days.meet(clock.started_at, clock.due_at)

    def candidates(self) -> Iterator[tuple[int, int]]:
        """(case id, clock id) of the clocks whose window meets the change, by case."""
        for pk, days in self.days.items():
            first, last = days.span
            found = Clock.objects.filter(
                state__in=GOING,
                calendar_id=pk,
                due_at__gte=_midnight(first.isoformat(), self.new),
                started_at__lt=_midnight(last.isoformat(), self.new) + timedelta(days=1),
            ).values_list("case_id", "id", "started_at", "due_at")
            with transaction.atomic():  # a cursor that streams needs one on PostgreSQL
                for case_id, clock_id, started_at, due_at in found.iterator(chunk_size=READ):
                    if days.meet(started_at, due_at):
                        yield case_id, clock_id


def preview(spec: CalendarSpec, *, at: datetime, version: CalendarVersion | None = None) -> Foreseen:
    """What a calendar, published or not, would do to the going clocks; changes nothing. Raises NoWorkingTime."""
    change, foreseen = CalendarChange(spec, version=version), Foreseen()
    ids = [clock_id for _, clock_id in change.candidates()]
    for part in (ids[start : start + READ] for start in range(0, len(ids), READ)):
        clocks = list(Clock.objects.filter(pk__in=part).order_by("id"))
        histories = histories_of([clock.pk for clock in clocks])
        for clock in clocks:
            due = _due(clock, change.new, histories)
            shift = Shift(clock.case_id, clock.kind, clock.due_at, due.at, clock.provisional, due.provisional)
            foreseen.add(shift, at=at)
    return foreseen.close()


def redate(version: CalendarVersion, *, by: User, at: datetime, pause: float = 0.05) -> Redated:
    """Bring every clock that the change meets to this version. Whether `by` may is the caller's question.

    pause: seconds to wait before coming back to cases somebody else held. Raises NoWorkingTime.
    """
    if timezone.is_naive(at):
        raise ValueError("at 必须带时区")
    change, done = CalendarChange.to(version), Redated()
    waiting = list(dict.fromkeys(case_id for case_id, _ in change.candidates()))
    size = FIRST_CHUNK
    while waiting:
        held: list[int] = []
        position = 0
        while position < len(waiting):
            chunk = waiting[position : position + size]
            position += len(chunk)
            began = time.perf_counter()
            with transaction.atomic():
                began = time.perf_counter()
                cases = lock_many(chunk, skip_locked=True)
                _move(cases, change, done, by=by, at=at)
            spent = time.perf_counter() - began
            done.longest_seconds = max(done.longest_seconds, spent)
            held += [pk for pk in chunk if pk not in cases]
            size = _sized(size, len(chunk), spent)
        waiting = held
        if waiting:
            time.sleep(pause)
    return done


def _sized(size: int, used: int, spent: float) -> int:
    """The next chunk, by how long this one held its locks; never more than doubled at once."""
    if not spent or used < size:
        return size
    return max(LEAST_CHUNK, min(MOST_CHUNK, 2 * size, int(size * HELD_SECONDS / spent)))


def _move(
    cases: Mapping[int, Case], change: CalendarChange, done: Redated, *, by: User, at: datetime
) -> None:
    """One chunk of locked cases: clocks, events and cases, a statement a table."""
    assert change.version is not None
    clocks = _going(list(cases))
    met = [clock for clock in clocks if change.meets(clock)]
    histories = histories_of([clock.pk for clock in met])
    recorded_at = timezone.now()
    moved: dict[int, dict[str, list[str]]] = defaultdict(dict)
    source: dict[int, int] = {}
    for clock in met:
        due = _due(clock, change.new, histories)
        if due.at != clock.due_at or due.provisional != clock.provisional:
            moved[clock.case_id][clock.kind] = [clock.due_at.isoformat(), due.at.isoformat()]
            source[clock.case_id] = change.numbers[clock.calendar_id]
        closed, _ = histories.get(clock.pk, NOTHING)
        if closed:
            clock.consumed_seconds = consumed_in(closed, change.new, clock.limit)
        clock.calendar_id, clock.due_at, clock.provisional = change.version.pk, due.at, due.provisional
        if clock.state == Clock.State.RUNNING:
            look_again(clock)
    earliest = _earliest(clocks)
    events: list[Event] = []
    for case_id, shifts in moved.items():
        case, first = cases[case_id], earliest.get(case_id)
        data = {"calendar": [source[case_id], change.version.version], "clocks": shifts}
        event = append(
            case, name=EVENT, transition="", actor_id=by.pk, source=case.state, target=case.state, data=data,
            happened_at=at, recorded_at=recorded_at,
        )  # fmt: skip
        events.append(event)
        case.due_at, case.provisional = (first.due_at, first.provisional) if first else (None, False)
    rows.update(met, CHANGES)
    rows.insert(events)
    rows.update([cases[case_id] for case_id in moved], ["rev", "head", "due_at", "provisional"])
    done.cases += len(moved)
    done.clocks += sum(map(len, moved.values()))


def _going(case_ids: Sequence[int]) -> list[Clock]:
    if not case_ids:
        return []
    where, params = rows.among("k.case_id", case_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {rows.columns(Clock, 'k')} FROM workflows_clock k WHERE {where}"  # noqa: S608  # our own names
            " AND k.state IN ('running', 'paused')",
            params,
        )
        return rows.build(Clock, cursor.fetchall())


def _earliest(clocks: Sequence[Clock]) -> dict[int, Clock]:
    """Case id → its running clock that is due first."""
    found: dict[int, Clock] = {}
    for clock in clocks:
        best = found.get(clock.case_id)
        if clock.state == Clock.State.RUNNING and (best is None or clock.due_at < best.due_at):
            found[clock.case_id] = clock
    return found


# Closed intervals in order, and the amounts granted in order.
History = tuple[list[ClockInterval], list[str]]
NOTHING: History = ([], [])


def histories_of(clock_ids: Sequence[int]) -> dict[int, History]:
    """Of the clocks that have any; two statements."""
    found: dict[int, History] = {}
    closed = ClockInterval.objects.filter(clock__in=clock_ids, ended_at__isnull=False)
    for interval in closed.order_by("clock_id", "started_at", "id"):
        found.setdefault(interval.clock_id, ([], []))[0].append(interval)
    granted = Extension.objects.filter(clock__in=clock_ids, state=Extension.State.GRANTED)
    for clock_id, amount in granted.order_by("decided_at", "id").values_list("clock_id", "amount"):
        found.setdefault(clock_id, ([], []))[1].append(amount)
    return found


def _due(clock: Clock, on: WorkingCalendar, histories: Mapping[int, History]) -> Due:
    closed, extended = histories.get(clock.pk, NOTHING)
    paused: list[Pause] = pauses_of(closed) if closed else []
    return due_of(on, clock.started_at, clock.limit, paused=paused, extended=extended)


def _midnight(day: str, on: WorkingCalendar) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=on.zone)
