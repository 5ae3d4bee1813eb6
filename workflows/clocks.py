"""Starting, pausing and stopping the clocks of a case as it moves.

Which clocks run is said by the lifecycle (a state's `clocks` and `pauses`), how long by the policy, until when by
the calendar. Everything here happens under the lock of the case, inside the door's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from workflows import rows
from workflows.calendars import WorkingCalendar
from workflows.ladders import next_moment
from workflows.limits import Limit, LimitUnit
from workflows.models import CalendarVersion, Case, Clock, ClockInterval, LadderVersion
from workflows.moves import Move
from workflows.published import calendar, ladder, policy
from workflows.sheaf import Sheaf
from workflows.spec import LifecycleSpec


@dataclass(frozen=True)
class Miss:
    """A deadline found to have passed: logged once, dated at the deadline."""

    clock: Clock
    unit_id: int


@dataclass
class _Going:
    clock: Clock
    interval: ClockInterval


@dataclass
class ClockBook:
    """The clocks of some locked cases, and the changes to them not yet written."""

    going: dict[int, dict[str, _Going]] = field(default_factory=lambda: defaultdict(dict))
    cycles: dict[tuple[int, str], int] = field(default_factory=dict)
    _finished: dict[tuple[int, str], Sequence[Any]] = field(default_factory=dict)
    _calendars: dict[str, int] = field(default_factory=dict)
    _ladders: dict[str, int] = field(default_factory=dict)
    _new: list[_Going] = field(default_factory=list)
    _opened: list[ClockInterval] = field(default_factory=list)
    _closed: list[ClockInterval] = field(default_factory=list)
    _changed: dict[int, Clock] = field(default_factory=dict)

    @classmethod
    def of(cls, case_ids: Sequence[int], policies: Collection[int] = ()) -> ClockBook:
        """Read them, and the newest versions of the calendars and ladders that new clocks may need; one statement.

        policies: ids of the policy versions by which clocks may begin.
        """
        book = cls()
        where, params = rows.among("k.case_id", case_ids)
        rules = [policy(pk) for pk in sorted(policies)]
        calendars = sorted({spec.calendar for spec in rules})
        ladders = sorted({code for spec in rules for code in spec.ladders})
        newest = _NEWEST_CALENDAR * len(calendars) + _NEWEST_LADDER * len(ladders)
        with connection.cursor() as cursor:
            cursor.execute(_read_sql(newest, where, connection.vendor), [*calendars, *ladders, *params])
            found = cursor.fetchall()
        for row in found:
            slot = (row[_CASE], row[_KIND])
            book.cycles[slot] = max(book.cycles.get(slot, 0), row[_CYCLE])
            if row[_FINISHED] is not None and row[_CYCLE] == book.cycles[slot]:
                book._finished[slot] = row
        going = [row for row in found if row[_FINISHED] is None]
        intervals = rows.build(ClockInterval, going, skip=_WIDTH)
        for clock, interval in zip(rows.build(Clock, going), intervals, strict=True):
            book.going[clock.case_id][clock.kind] = _Going(clock, interval)
        if found:
            ids = found[0][_WIDTH + _INTERVAL_WIDTH :]
            book._calendars = dict(zip(calendars, ids[: len(calendars)], strict=True))
            book._ladders = dict(zip(ladders, ids[len(calendars) :], strict=True))
        return book

    def turn(self, move: Move, target: str) -> list[Miss]:
        """Apply a move from `move.source` to `target`; returns the misses it brings to light."""
        case, spec = move.case, move.lifecycle
        state = spec.states[target]
        misses: list[Miss] = []
        for kind, going in list(self.going[case.pk].items()):
            if (
                kind in move.transition.restarts
                or _met(move, kind)
                or kind not in {*state.clocks, *state.pauses}
            ):
                misses += self._finish(going, move)
            elif kind in state.pauses:
                self._pause(going, move)
            else:
                self._resume(going, move.at)
        for kind in state.clocks:
            if kind not in self.going[case.pk] and self._begins(move, kind):
                self.start(case, kind, at=move.at)
        if "facts" in move.changed:
            self._rerate(move)
        self._show_earliest(case, move)
        return misses

    def start(self, case: Case, kind: str, *, at: datetime) -> None:
        """A new cycle of a clock, unless the policy sets it no limit for this case.

        The policy version is the case's; the calendar the newest published.
        """
        rules = policy(case.policy_id)
        rule = rules.rule(kind, case.facts)
        if rule.parsed_limit is None:
            return
        calendar_id = self._calendar_id(rules.calendar)
        due = calendar(calendar_id).due(at, rule.parsed_limit)
        cycle = self.cycles.get((case.pk, kind), 0) + 1
        self.cycles[case.pk, kind] = cycle
        clock = rows.make(
            Clock, case_id=case.pk, kind=kind, cycle=cycle, state=Clock.State.RUNNING.value, limit=rule.limit, rule=rule.row,
            policy_id=case.policy_id, calendar_id=calendar_id, ladder_id=self._ladder_id(rule.ladder),
            started_at=at, due_at=due.at, original_due_at=due.at, provisional=due.provisional,
        )  # fmt: skip
        look_again(clock)
        going = _Going(clock, rows.make(ClockInterval, kind=ClockInterval.Kind.RUN.value, started_at=at))
        self.going[case.pk][kind] = going
        self._new.append(going)

    def due(self, case_id: int, *, at: datetime) -> list[Clock]:
        """Running clocks whose next moment has come."""
        running = (g.clock for g in self.going[case_id].values() if g.clock.state == Clock.State.RUNNING)
        return [clock for clock in running if clock.next_at is not None and clock.next_at <= at]

    def earliest(self, case_id: int) -> Clock | None:
        """The running clock that is due first."""
        running = [g.clock for g in self.going[case_id].values() if g.clock.state == Clock.State.RUNNING]
        return min(running, key=lambda clock: clock.due_at, default=None)

    def level(self, case_id: int) -> int:
        """How grave the worst colour among its clocks is, standing still or not: a position in `ladders.LEVELS`."""
        climbing = (g.clock for g in self.going[case_id].values() if g.clock.ladder_id)
        return max((ladder(clock.ladder_id).level(clock.rung) for clock in climbing), default=0)

    def write(self, sheaf: Sheaf | None = None) -> None:
        """Store every change, now or with the rest of `sheaf`."""
        into = sheaf or Sheaf()
        into.update(list(self._changed.values()), _CLOCK_CHANGES)
        into.update(self._closed, ["ended_at"])
        if self._opened or self._begins_anew():
            # A clock has one open interval and a case one going clock of a kind: the old must be gone first.
            into.barrier()
        new = [going.clock for going in self._new]
        into.insert(new)
        into.insert([going.interval for going in self._new], link="clock_id", owners=new)
        into.insert(self._opened)
        if sheaf is None:
            into.write()
        self._new, self._opened, self._closed, self._changed = [], [], [], {}

    def _begins_anew(self) -> bool:
        changed = {(clock.case_id, clock.kind) for clock in self._changed.values()}
        return any((going.clock.case_id, going.clock.kind) in changed for going in self._new)

    def note_miss(self, clock: Clock) -> None:
        """Remember that the miss is in the log; what is left of its ladder is still to come."""
        clock.missed_at = clock.due_at
        look_again(clock)
        self._touch(clock)

    def note_lapse(self, clock: Clock) -> None:
        """A window has closed: nothing to log, nothing more to wait for."""
        clock.next_at = None
        self._touch(clock)

    def _begins(self, move: Move, kind: str) -> bool:
        """A step clock begins with every entry, a whole one once, a called one only where a transition restarts it."""
        if kind in move.transition.restarts:
            return True
        counts = move.lifecycle.clocks[kind].counts
        if counts == "called" or _met(move, kind):
            return False
        if counts == "step":
            # To stay is no entry: what was fulfilled in this state is not asked for again.
            return move.source != move.case.state or not self._done_here(move.case, kind)
        return (move.case.pk, kind) not in self.cycles

    def _done_here(self, case: Case, kind: str) -> bool:
        """Whether the newest cycle of a clock ended since the case entered its state."""
        row = self._finished.get((case.pk, kind))
        ended = rows.build(Clock, [row])[0].finished_at if row else None
        return ended is not None and ended >= case.state_since

    def _finish(self, going: _Going, move: Move) -> list[Miss]:
        clock = going.clock
        met = _met(move, clock.kind)
        late = move.at > clock.due_at and clock.state == Clock.State.RUNNING
        owed = not lapses(move.lifecycle, clock.kind)
        misses = [Miss(clock, move.held_by)] if late and owed and clock.missed_at is None else []
        if misses:
            self.note_miss(clock)
        self._close(going, move.at)
        clock.state = (
            (Clock.State.MISSED if clock.missed_at else Clock.State.MET) if met else Clock.State.VOID
        )
        clock.finished_at, clock.next_at = move.at, None
        self._touch(clock)
        del self.going[clock.case_id][clock.kind]
        return misses

    def _pause(self, going: _Going, move: Move) -> None:
        if going.clock.state == Clock.State.PAUSED:
            return
        self._close(going, move.at)
        going.clock.state, going.clock.next_at = Clock.State.PAUSED, None
        self._touch(going.clock)
        reason = str(move.logged.get("reason", ""))
        going.interval = ClockInterval(
            clock=going.clock,
            kind=ClockInterval.Kind.PAUSE,
            started_at=move.at,
            reason=reason,
            approver=move.by,
        )
        self._opened.append(going.interval)

    def _resume(self, going: _Going, at: datetime) -> None:
        clock = going.clock
        if clock.state == Clock.State.RUNNING:
            return
        self._close(going, at)
        clock.state = Clock.State.RUNNING
        self._aim(clock, going)
        going.interval = ClockInterval(clock=clock, kind=ClockInterval.Kind.RUN, started_at=at)
        self._opened.append(going.interval)

    def _aim(self, clock: Clock, going: _Going) -> None:
        """Due moment from start, limit and pauses. A miss already in the log stays there."""
        ended = clock.intervals.filter(kind=ClockInterval.Kind.PAUSE, ended_at__isnull=False)
        pauses = [(i.started_at, i.ended_at) for i in ended if i.ended_at is not None]
        if going.interval.kind == ClockInterval.Kind.PAUSE and going.interval.ended_at:
            pauses.append((going.interval.started_at, going.interval.ended_at))
        due = calendar(clock.calendar_id).due(clock.started_at, _limit(clock.limit), paused=pauses)
        clock.due_at, clock.provisional = due.at, due.provisional
        look_again(clock)
        self._touch(clock)

    def _rerate(self, move: Move) -> None:
        """The case was re-rated: going clocks take the limit now fitting, by the policy version they began with."""
        for kind, going in self.going[move.case.pk].items():
            clock = going.clock
            rule = policy(clock.policy_id).rule(kind, move.case.facts)
            if rule.row == clock.rule or rule.parsed_limit is None:
                continue
            before, clock.rule, clock.limit = clock.due_at, rule.row, rule.limit
            self._change_ladder(clock, rule.ladder)
            self._aim(clock, going)
            if clock.state == Clock.State.PAUSED:
                clock.next_at = None
            move.logged.setdefault("clocks", {})[kind] = [before.isoformat(), clock.due_at.isoformat()]

    def _change_ladder(self, clock: Clock, code: str | None) -> None:
        """Rungs of two ladders do not compare: on another one the climb begins anew, straight to where it stands."""
        if (ladder(clock.ladder_id).code if clock.ladder_id else None) != code:
            clock.ladder_id, clock.rung, clock.repeats = self._ladder_id(code), 0, 0

    def _close(self, going: _Going, at: datetime) -> None:
        """End the open interval. A clock set back may not make an interval end before it began."""
        interval, clock = going.interval, going.clock
        interval.ended_at = max(at, interval.started_at)
        if interval.kind == ClockInterval.Kind.RUN:
            clock.consumed_seconds += consumed(
                calendar(clock.calendar_id), _limit(clock.limit), interval.started_at, interval.ended_at
            )
        if interval.pk is not None:
            self._closed.append(interval)

    def _show_earliest(self, case: Case, move: Move) -> None:
        clock = self.earliest(case.pk)
        move.set(
            due_at=clock.due_at if clock else None,
            provisional=clock.provisional if clock else False,
            rung=self.level(case.pk),
        )

    def _touch(self, clock: Clock) -> None:
        if clock.pk is not None:
            self._changed[clock.pk] = clock

    def _calendar_id(self, code: str) -> int:
        if code not in self._calendars:
            found = (
                CalendarVersion.objects.filter(code=code).order_by("-version").values_list("id", flat=True)
            )
            self._calendars[code] = found[:1].get()
        return self._calendars[code]

    def _ladder_id(self, code: str | None) -> int | None:
        """The newest published; a policy that names one was published after it."""
        if code is None:
            return None
        if code not in self._ladders:
            found = LadderVersion.objects.filter(code=code).order_by("-version").values_list("id", flat=True)
            self._ladders[code] = found[:1].get()
        return self._ladders[code]


_CLOCK_CHANGES = [
    "state", "limit", "rule", "ladder_id", "due_at", "next_at", "missed_at", "finished_at", "consumed_seconds", "rung",
    "repeats", "provisional",
]  # fmt: skip


_NEWEST_CALENDAR = (
    ", (SELECT v.id FROM workflows_calendarversion v WHERE v.code = %s ORDER BY v.version DESC LIMIT 1)"
)
_NEWEST_LADDER = _NEWEST_CALENDAR.replace("calendarversion", "ladderversion")
_WIDTH = len(Clock._meta.concrete_fields)
_INTERVAL_WIDTH = len(ClockInterval._meta.concrete_fields)
_CASE, _KIND, _CYCLE, _FINISHED = (
    [field.attname for field in Clock._meta.concrete_fields].index(name)
    for name in ("case_id", "kind", "cycle", "finished_at")
)


@lru_cache(maxsize=256)
def _read_sql(newest: str, where: str, vendor: str) -> str:
    # PostgreSQL plans a prepared statement for any number of ids, and would rather hash every open interval there
    # is than look up a few; LATERAL with a LIMIT leaves it the index alone.
    interval = (
        "LEFT JOIN LATERAL (SELECT * FROM workflows_clockinterval"
        " WHERE clock_id = k.id AND ended_at IS NULL LIMIT 1) i ON true"
        if vendor == "postgresql"
        else "LEFT JOIN workflows_clockinterval i ON i.clock_id = k.id AND i.ended_at IS NULL"
    )
    return (
        f"SELECT {rows.columns(Clock, 'k')}, {rows.columns(ClockInterval, 'i')}{newest}"  # noqa: S608  # our own names
        f" FROM workflows_clock k {interval} WHERE {where}"
    )


def look_again(clock: Clock) -> None:
    """Set when the sweep looks at a running clock again: call it whenever `due_at`, `rung` or `missed_at` changes."""
    spec = ladder(clock.ladder_id) if clock.ladder_id else None
    clock.next_at = next_moment(clock, spec, calendar(clock.calendar_id))


_limit = lru_cache(maxsize=256)(Limit.parse)


def consumed(on: WorkingCalendar, limit: Limit, start: datetime, end: datetime) -> int:
    """Seconds used between two moments: working time for working units, natural time otherwise."""
    if limit.unit in {LimitUnit.HOUR, LimitUnit.DAY}:
        return int((end - start).total_seconds())
    return int(on.worked(start, end).total_seconds())


def lapses(spec: LifecycleSpec, kind: str) -> bool:
    """Whether running out of this clock is nobody's fault. A clock the lifecycle no longer declares is a promise."""
    declared = spec.clocks.get(kind)
    return declared is not None and declared.lapses


def untouched(spec: LifecycleSpec, source: str, target: str, move: Move) -> bool:
    """Whether a move leaves every clock alone, so that none needs to be read."""
    a, b = spec.states[source], spec.states[target]
    same = a.clocks == b.clocks and a.pauses == b.pauses and not move.transition.restarts
    return same and "facts" not in move.changed and not any(_met(move, kind) for kind in a.clocks)


def _met(move: Move, kind: str) -> bool:
    """Whether this move fulfils the clock. One that the lifecycle no longer declares can only become void."""
    declared = move.lifecycle.clocks.get(kind)
    return declared is not None and move.name in declared.met_by
