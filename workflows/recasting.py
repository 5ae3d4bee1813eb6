"""Going clocks reckoned anew in bulk, because a calendar or a policy changed: each case that moves with an event.

A chunk is read and reckoned without a lock; then, in one short transaction, those of its cases that nobody holds and
nobody has moved since (their `rev` says so) are locked and written, a statement a table. The others come back in a
later turn, read afresh. So a lock lasts as long as the writing, and chunks grow or shrink by how long that was.
A run cut short is simply started again: what was moved is not met any more.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db import connection, connections, models, transaction
from django.utils import timezone

from workflows import rows
from workflows.aiming import NOTHING, History, aim, earliest, worst_level
from workflows.calendars import WorkingCalendar
from workflows.clock_rules import lapses
from workflows.clocks import Miss
from workflows.following import follows, leader
from workflows.foreseeing import Before, Foreseen, Shift
from workflows.locking import lock_unchanged
from workflows.models import Case, Clock, ClockInterval, Event, Extension, User
from workflows.published import calendar, lifecycle
from workflows.recording import append, miss_event

M = TypeVar("M", bound=models.Model)

GOING = (Clock.State.RUNNING.value, Clock.State.PAUSED.value)
# A chunk, in cases, begins so big and is then sized by how long the last one held its locks.
FIRST_CHUNK, LEAST_CHUNK, MOST_CHUNK = 250, 20, 500
HELD_SECONDS = 0.05
READ = 1000


@dataclass(slots=True)
class Plan:
    """What becomes of one case, in memory. rev: of the case as it was read.

    touched: clocks to be written; ended: intervals that end; misses: deadlines that had passed, to be logged first;
    shifts: what is seen of it; data: of the event, if any.
    """

    case: Case
    rev: int
    clocks: list[Clock]
    touched: list[Clock] = field(default_factory=list)
    ended: list[ClockInterval] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    data: dict[str, Any] | None = None
    events: list[Event] = field(default_factory=list)
    reckoned_on: dict[int, WorkingCalendar] = field(default_factory=dict)

    def note_miss(self, clock: Clock, *, at: datetime) -> bool:
        """A promise already broken is logged before its deadline moves; whether it was."""
        late = clock.state == Clock.State.RUNNING and at > clock.due_at and clock.missed_at is None
        if late and not lapses(lifecycle(self.case.definition_id), clock.kind):
            clock.missed_at = clock.due_at
            self.misses.append(Miss(clock, clock.due_at, self.case.unit_id))
            return True
        return False

    def reckon(
        self, clock: Clock, on: WorkingCalendar, history: History, *, was: Before, at: datetime
    ) -> None:
        """Of a clock whose calendar, limit or ladder was just changed. Raises NoWorkingTime."""
        self.reckoned_on[clock.pk] = on
        aim(clock, on, history, at=at)
        self.keep(clock, was=was)

    def follow(self, histories: Mapping[int, History], *, at: datetime) -> None:
        """Clocks due a stretch before others move with them. To be called when the others are reckoned.

        Raises NoWorkingTime.
        """
        spec = lifecycle(self.case.definition_id)
        for clock in self.clocks if self.touched else ():
            if clock.state != Clock.State.RUNNING or not follows(spec, clock.kind):
                continue
            reckoned = next((n for n, shift in enumerate(self.shifts) if shift.kind == clock.kind), None)
            missed = reckoned is None and self.note_miss(clock, at=at)
            first, was = leader(spec, clock.kind, self.clocks), Before.of(clock)
            aim(
                clock, self._calendar_of(clock), histories.get(clock.pk, NOTHING), at=at, first=first,
                first_on=self._calendar_of(first) if first else None,
            )  # fmt: skip
            if reckoned is not None:
                self.shifts[reckoned] = self.shifts[reckoned].on_to(clock)
            elif missed or (clock.due_at, clock.provisional) != (was.due_at, was.provisional):
                self.keep(clock, was=was)

    def _calendar_of(self, clock: Clock) -> WorkingCalendar:
        """By which it was reckoned here: one that is only previewed has no version yet."""
        return self.reckoned_on.get(clock.pk) or calendar(clock.calendar_id)

    def keep(self, clock: Clock, *, was: Before) -> None:
        """Of a clock that the change concerns: another limit, ladder or calendar, whether it moves it or not; or void."""
        self.write(clock)
        self.shifts.append(Shift.between(self.case.number, clock, was))

    def write(self, clock: Clock) -> None:
        """Of a clock that only names its rule anew: written, and not counted."""
        if not any(touched is clock for touched in self.touched):
            self.touched.append(clock)

    @property
    def moved(self) -> dict[str, list[str | None]]:
        """Clock kind → before and after, as the event tells it."""
        return {shift.kind: shift.codes for shift in self.shifts if shift.changes}


@dataclass
class Recast:
    """What was done. cases: with an event; clocks: with another deadline, none any more, or no longer provisional.

    seen: of the `total` cases that may be concerned, how many are done with. longest_seconds: the longest that one
    chunk held its locks.
    """

    total: int = 0
    seen: int = 0
    cases: int = 0
    clocks: int = 0
    longest_seconds: float = 0.0


Committing = Callable[[Recast], None]
"""Told of what will be done with each chunk, inside its transaction: what it raises undoes the chunk and ends the run."""


class Change(Protocol):
    """A change to the documents that going clocks are reckoned by."""

    event: str
    clock_fields: Sequence[str]
    case_fields: Sequence[str]

    def cases(self) -> list[int]:
        """Ids of the cases that may be concerned, in order."""

    def plan(self, plan: Plan, histories: Mapping[int, History], *, at: datetime) -> None:
        """Change the clocks of one case in memory. Raises NoWorkingTime."""


def foresee(change: Change, *, at: datetime) -> Foreseen:
    """What `recast` would do; changes nothing. Raises NoWorkingTime."""
    foreseen = Foreseen()
    for part in rows.parts(change.cases(), READ):
        for plan in _plans(part, change, at=at):
            foreseen.cases += plan.data is not None
            for shift in plan.shifts:
                foreseen.add(shift, at=at)
    return foreseen.close()


def recast(
    change: Change, *, by: User, at: datetime, pause: float = 0.05, committing: Committing | None = None
) -> Recast:
    """Carry the change out. Whether `by` may is the caller's question.

    pause: seconds to wait before coming back to cases somebody else held. Raises NoWorkingTime.
    """
    if timezone.is_naive(at):
        raise ValueError("at 必须带时区")
    waiting, size = change.cases(), FIRST_CHUNK
    done = Recast(total=len(waiting))
    with Writer(change, done, committing) as writer:
        while waiting:
            position = 0
            while position < len(waiting):
                chunk = waiting[position : position + size]
                position += len(chunk)
                plans = _plans(chunk, change, at=at)
                _tell(plans, change.event, by=by, at=at)
                written = writer.write(plans, len(chunk))
                size = _sized(size, *written)
            waiting = writer.rest()
            if waiting:
                time.sleep(pause)
    return done


def _sized(size: int, used: int, spent: float) -> int:
    """The next chunk, by how long the last one held its locks; never more than doubled at once."""
    if not spent or not used:
        return size
    return max(LEAST_CHUNK, min(MOST_CHUNK, 2 * size, int(used * HELD_SECONDS / spent)))


# ---- without a lock


def _plans(case_ids: Sequence[int], change: Change, *, at: datetime) -> list[Plan]:
    """The case is read before its clocks: had one of them moved in between, `rev` would tell."""
    found = [Plan(case, case.rev, []) for case in _read(Case, "id", case_ids)]
    by_case = {plan.case.pk: plan for plan in found}
    clocks = _read(Clock, "case_id", list(by_case), " AND state IN ('running', 'paused')")
    for clock in clocks:
        by_case[clock.case_id].clocks.append(clock)
    histories = _histories([clock.pk for clock in clocks], change)
    for plan in found:
        change.plan(plan, histories, at=at)
    return [plan for plan in found if plan.touched or plan.data is not None]


def _histories(clock_ids: Sequence[int], change: Change) -> Mapping[int, History]:
    """Of the clocks that have one; two statements. Open intervals only where the change may end clocks."""
    found: dict[int, History] = defaultdict(History)
    closed_only = "" if "finished_at" in change.clock_fields else " AND ended_at IS NOT NULL"
    for interval in _read(
        ClockInterval, "clock_id", clock_ids, f"{closed_only} ORDER BY clock_id, started_at, id"
    ):
        if interval.ended_at is None:
            found[interval.clock_id].open = interval
        else:
            found[interval.clock_id].closed.append(interval)
    granted = " AND state = 'granted' ORDER BY clock_id, decided_at, id"
    for extension in _read(Extension, "clock_id", clock_ids, granted):
        found[extension.clock_id].extended.append(extension.amount)
    return found


def _read(model: type[M], column: str, ids: Sequence[int], more: str = "") -> list[M]:
    """more: our own SQL."""
    if not ids:
        return []
    where, params = rows.among(f"t.{column}", ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {rows.columns(model, 't')} FROM {rows.quote(model)} t WHERE {where}{more}",  # noqa: S608
            params,
        )
        return rows.build(model, cursor.fetchall())


def _tell(plans: Sequence[Plan], name: str, *, by: User, at: datetime) -> None:
    """The events, and what the cases show of their clocks afterwards."""
    recorded_at = timezone.now()
    for plan in plans:
        case = plan.case
        for miss in plan.misses:
            plan.events.append(miss_event(case, miss, state=case.state, recorded_at=recorded_at))
        if plan.data is None:
            continue
        first = earliest(plan.clocks, lifecycle(case.definition_id))
        event = append(
            case, name=name, transition="", actor_id=by.pk, source=case.state, target=case.state, data=plan.data,
            happened_at=at, recorded_at=recorded_at,
        )  # fmt: skip
        plan.events.append(event)
        case.due_at, case.provisional = (first.due_at, first.provisional) if first else (None, False)
        case.rung = worst_level(clock for clock in plan.clocks if clock.is_going)


# ---- under the lock


class Writer:
    """Writes chunks in order, one at a time. On PostgreSQL in a thread with a connection of its own, so that the next
    chunk is reckoned while the server works; within a transaction, and on SQLite, at once.
    """

    def __init__(self, change: Change, done: Recast, committing: Committing | None) -> None:
        self._change, self._done, self._committing = change, done, committing
        self._left: list[int] = []
        self._last: Future[float] | None = None
        self._used = 0
        beside = connection.vendor == "postgresql" and not connection.in_atomic_block
        self._pool = ThreadPoolExecutor(1, "recast") if beside else None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.submit(connections.close_all)
            self._pool.shutdown()

    def write(self, plans: Sequence[Plan], read: int) -> tuple[int, float]:
        """Begin to write; returns size and lock time of the chunk last finished, (0, 0.0) where there is none.

        read: cases in the chunk, also those without a plan. Raises what writing the one before raised.
        """
        if self._pool is None:
            return len(plans), self._carry_out(plans, read)
        before = self._finish()
        self._used, self._last = len(plans), self._pool.submit(self._carry_out, plans, read)
        return before

    def rest(self) -> list[int]:
        """Ids of the cases that could not be written so far, once everything is written or was left."""
        self._finish()
        left, self._left = self._left, []
        return left

    def _finish(self) -> tuple[int, float]:
        if self._last is None:
            return 0, 0.0
        spent, self._last = self._last.result(), None
        return self._used, spent

    def _carry_out(self, plans: Sequence[Plan], read: int) -> float:
        """Lock and write what nobody touched meanwhile; returns how long that was."""
        change, done = self._change, self._done
        with transaction.atomic():
            began = time.perf_counter()
            locked = lock_unchanged({plan.case.pk: plan.rev for plan in plans})
            mine = [plan for plan in plans if plan.case.pk in locked]
            told = [plan for plan in mine if plan.events]
            rows.update([clock for plan in mine for clock in plan.touched], change.clock_fields)
            rows.update([interval for plan in mine for interval in plan.ended], ["ended_at"])
            rows.insert([event for plan in told for event in plan.events])
            rows.update(
                [plan.case for plan in told], ["rev", "head", "due_at", "provisional", *change.case_fields]
            )
            left = [plan.case.pk for plan in plans if plan.case.pk not in locked]
            done.seen += read - len(left)
            done.cases += len(told)
            done.clocks += sum(shift.changes for plan in told for shift in plan.shifts)
            if self._committing is not None:
                self._committing(done)
        spent = time.perf_counter() - began
        done.longest_seconds = max(done.longest_seconds, spent)
        self._left += left
        return spent
