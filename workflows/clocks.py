"""Starting, pausing and stopping the clocks of a case as it moves.

Which clocks run is said by the lifecycle (a state's `clocks` and `pauses`), how long by the policy, until when by
the calendar. Everything here happens under the lock of the case, inside the door's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from workflows import rows
from workflows.calendars import Due, Pause, WorkingCalendar
from workflows.dues import consumed, due_of, left_in_total, limit_of
from workflows.errors import Cannot
from workflows.ladders import next_moment
from workflows.models import CalendarVersion, Case, Clock, ClockInterval, Extension, LadderVersion
from workflows.moves import Move
from workflows.policy import ClockRule
from workflows.published import calendar, ladder, policy
from workflows.sheaf import Sheaf
from workflows.spec import LifecycleSpec


@dataclass(frozen=True)
class Miss:
    """A deadline found to have passed: logged once, dated at the deadline, which may be moved afterwards."""

    clock: Clock
    unit_id: int
    at: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", self.clock.due_at)


@dataclass
class _Going:
    clock: Clock
    interval: ClockInterval


@dataclass
class ClockBook:
    """The clocks of some locked cases, and the changes to them not yet written."""

    going: dict[int, dict[str, _Going]] = field(default_factory=lambda: defaultdict(dict))
    cycles: dict[tuple[int, str], int] = field(default_factory=dict)
    used: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    _finished: dict[tuple[int, str], Sequence[Any]] = field(default_factory=dict)
    _calendars: dict[str, int] = field(default_factory=dict)
    _ladders: dict[str, int] = field(default_factory=dict)
    _new: list[_Going] = field(default_factory=list)
    _opened: list[ClockInterval] = field(default_factory=list)
    _closed: list[ClockInterval] = field(default_factory=list)
    _changed: dict[int, Clock] = field(default_factory=dict)
    _granted: list[Extension] = field(default_factory=list)

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
            if row[_FINISHED] is not None:
                book.used[slot] += row[_CONSUMED]
                if row[_CYCLE] == book.cycles[slot]:
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
            elif kind in state.pauses and _stands_still(move, kind, going.clock):
                self._pause(going, move)
            else:
                self._resume(going, move.at)
        for kind in state.clocks:
            if kind not in self.going[case.pk] and self._begins(move, kind):
                self.start(case, kind, at=move.at)
        if "facts" in move.changed:
            misses += self._rerate(move)
        for extension in move.granted:
            misses += self._extend(extension, move)
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
        limit, due = self._first_due(case, rule, calendar_id, at=at)
        cycle = self.cycles.get((case.pk, kind), 0) + 1
        self.cycles[case.pk, kind] = cycle
        clock = rows.make(
            Clock, case_id=case.pk, kind=kind, cycle=cycle, state=Clock.State.RUNNING.value, limit=limit, rule=rule.row,
            policy_id=case.policy_id, calendar_id=calendar_id, ladder_id=self._ladder_id(rule.ladder),
            started_at=at, due_at=due.at, original_due_at=due.at, provisional=due.provisional,
        )  # fmt: skip
        look_again(clock)
        going = _Going(clock, rows.make(ClockInterval, kind=ClockInterval.Kind.RUN.value, started_at=at))
        self.going[case.pk][kind] = going
        self._new.append(going)

    def _first_due(self, case: Case, rule: ClockRule, calendar_id: int, *, at: datetime) -> tuple[str, Due]:
        """Limit and due moment of a new cycle; a rule with a total leaves later cycles what the earlier ones did not use.

        Raises Cannot where they used it all.
        """
        on = calendar(calendar_id)
        due = due_of(on, at, rule.limit)
        if rule.in_total is None:
            return rule.limit, due
        left = left_in_total(on, rule.in_total, self.used[case.pk, rule.clock])
        if left is None:
            raise Cannot(f"{case.number} 已用满累计上限 {limit_of(rule.in_total).label}")
        rest = on.due(at, left)
        return (str(left), rest) if rest.at < due.at else (rule.limit, due)

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
        into.update(self._granted, _GRANTED)
        if self._opened or self._begins_anew():
            # A clock has one open interval and a case one going clock of a kind: the old must be gone first.
            into.barrier()
        new = [going.clock for going in self._new]
        into.insert(new)
        into.insert([going.interval for going in self._new], link="clock_id", owners=new)
        into.insert(self._opened)
        if sheaf is None:
            into.write()
        self._new, self._opened, self._closed, self._changed, self._granted = [], [], [], {}, []

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
        misses = self._overlooked(clock, move)
        self._close(going, move.at)
        clock.state = (
            (Clock.State.MISSED if clock.missed_at else Clock.State.MET) if met else Clock.State.VOID
        )
        clock.finished_at, clock.next_at = move.at, None
        self._touch(clock)
        del self.going[clock.case_id][clock.kind]
        return misses

    def _overlooked(self, clock: Clock, move: Move) -> list[Miss]:
        """A deadline that passed before this move and is not in the log yet."""
        if move.at <= clock.due_at or clock.state != Clock.State.RUNNING or clock.missed_at is not None:
            return []
        if lapses(move.lifecycle, clock.kind):
            return []
        self.note_miss(clock)
        return [Miss(clock, move.held_by)]

    def _pause(self, going: _Going, move: Move) -> None:
        if going.clock.state == Clock.State.PAUSED:
            return
        began = self._close(going, move.at)
        going.clock.state, going.clock.next_at = Clock.State.PAUSED, None
        self._touch(going.clock)
        reason = str(move.logged.get("reason", ""))
        going.interval = ClockInterval(
            clock=going.clock,
            kind=ClockInterval.Kind.PAUSE,
            started_at=began,
            reason=reason,
            approver=move.by,
        )
        self._opened.append(going.interval)

    def _resume(self, going: _Going, at: datetime) -> None:
        clock = going.clock
        if clock.state == Clock.State.RUNNING:
            return
        # The account goes on from where the pause ended, with no hole even where the wall clock was set back.
        began = self._close(going, at)
        clock.state = Clock.State.RUNNING
        self._aim(going)
        going.interval = ClockInterval(clock=clock, kind=ClockInterval.Kind.RUN, started_at=began)
        self._opened.append(going.interval)

    def _aim(self, going: _Going, granting: Extension | None = None) -> None:
        """Due moment and time used, from limit, intervals and extensions, on the newest calendar.

        A miss already in the log stays there.
        """
        clock = going.clock
        stored = [i for i in clock.intervals.order_by("started_at", "id") if i.pk != going.interval.pk]
        closed = [i for i in [*stored, going.interval] if i.ended_at is not None]
        granted = clock.extensions.filter(state=Extension.State.GRANTED).order_by("decided_at", "id")
        amounts = [*granted.values_list("amount", flat=True), *([granting.amount] if granting else [])]
        clock.calendar_id = self._calendar_id(policy(clock.policy_id).calendar)
        on = calendar(clock.calendar_id)
        due = due_of(on, clock.started_at, clock.limit, paused=pauses_of(closed), extended=amounts)
        clock.consumed_seconds = consumed_in(closed, on, clock.limit)
        clock.due_at, clock.provisional = due.at, due.provisional
        if clock.state == Clock.State.RUNNING:
            look_again(clock)
        self._touch(clock)

    def _rerate(self, move: Move) -> list[Miss]:
        """The case was re-rated: going clocks take the limit now fitting, by the policy version they began with.

        Intervals stay as they are, so what a clock was paused is kept.
        """
        misses = []
        for kind, going in self.going[move.case.pk].items():
            clock = going.clock
            rule = policy(clock.policy_id).rule(kind, move.case.facts)
            if rule.row == clock.rule or rule.parsed_limit is None:
                continue
            misses += self._overlooked(clock, move)
            before, clock.rule, clock.limit = clock.due_at, rule.row, rule.limit
            self._change_ladder(clock, rule.ladder)
            self._aim(going)
            move.logged.setdefault("clocks", {})[kind] = [before.isoformat(), clock.due_at.isoformat()]
        return misses

    def _extend(self, extension: Extension, move: Move) -> list[Miss]:
        """From the current due moment on. Raises Cannot for a clock that has ended meanwhile."""
        found = [g for g in self.going[move.case.pk].values() if g.clock.pk == extension.clock_id]
        if not found:
            raise Cannot(f"{move.case.number} 申请延期的时限已经结束，不能再延")
        clock = found[0].clock
        misses = self._overlooked(clock, move)
        before = clock.due_at
        self._aim(found[0], granting=extension)
        extension.state, extension.decided_at, extension.decider = Extension.State.GRANTED, move.at, move.by
        extension.due_from, extension.due_to = before, clock.due_at
        self._granted.append(extension)
        move.logged.setdefault("clocks", {})[clock.kind] = [before.isoformat(), clock.due_at.isoformat()]
        return misses

    def _change_ladder(self, clock: Clock, code: str | None) -> None:
        """Rungs of two ladders do not compare: on another one the climb begins anew, straight to where it stands."""
        if (ladder(clock.ladder_id).code if clock.ladder_id else None) != code:
            clock.ladder_id, clock.rung, clock.repeats = self._ladder_id(code), 0, 0

    def _close(self, going: _Going, at: datetime) -> datetime:
        """End the open interval; returns when. A wall clock set back may not make it end before it began."""
        interval, clock = going.interval, going.clock
        interval.ended_at = max(at, interval.started_at)
        if interval.kind == ClockInterval.Kind.RUN:
            on = calendar(clock.calendar_id)
            clock.consumed_seconds += consumed(on, clock.limit, interval.started_at, interval.ended_at)
        if interval.pk is not None:
            self._closed.append(interval)
        return interval.ended_at

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
    "state", "limit", "rule", "calendar_id", "ladder_id", "due_at", "next_at", "missed_at", "finished_at",
    "consumed_seconds", "rung", "repeats", "provisional",
]  # fmt: skip


_GRANTED = ["state", "decider_id", "decided_at", "due_from", "due_to"]
_NEWEST_CALENDAR = (
    ", (SELECT v.id FROM workflows_calendarversion v WHERE v.code = %s ORDER BY v.version DESC LIMIT 1)"
)
_NEWEST_LADDER = _NEWEST_CALENDAR.replace("calendarversion", "ladderversion")
_WIDTH = len(Clock._meta.concrete_fields)
_INTERVAL_WIDTH = len(ClockInterval._meta.concrete_fields)
_CASE, _KIND, _CYCLE, _FINISHED, _CONSUMED = (
    [field.attname for field in Clock._meta.concrete_fields].index(name)
    for name in ("case_id", "kind", "cycle", "finished_at", "consumed_seconds")
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


def pauses_of(closed: Iterable[ClockInterval]) -> list[Pause]:
    """When a clock stood still, of its closed intervals."""
    return [
        (i.started_at, i.ended_at)
        for i in closed
        if i.kind == ClockInterval.Kind.PAUSE and i.ended_at is not None
    ]


def consumed_in(closed: Iterable[ClockInterval], on: WorkingCalendar, limit: str) -> int:
    """Seconds used in the closed intervals of a clock."""
    return sum(
        consumed(on, limit, i.started_at, i.ended_at)
        for i in closed
        if i.kind == ClockInterval.Kind.RUN and i.ended_at is not None
    )


def lapses(spec: LifecycleSpec, kind: str) -> bool:
    """Whether running out of this clock is nobody's fault. A clock the lifecycle no longer declares is a promise."""
    declared = spec.clocks.get(kind)
    return declared is not None and declared.lapses


def untouched(spec: LifecycleSpec, source: str, target: str, move: Move) -> bool:
    """Whether a move leaves every clock alone, so that none needs to be read."""
    a, b = spec.states[source], spec.states[target]
    same = a.clocks == b.clocks and a.pauses == b.pauses and not move.transition.restarts and not move.granted
    return same and "facts" not in move.changed and not any(_met(move, kind) for kind in a.clocks)


def _met(move: Move, kind: str) -> bool:
    """Whether this move fulfils the clock. One that the lifecycle no longer declares can only become void."""
    declared = move.lifecycle.clocks.get(kind)
    return declared is not None and move.name in declared.met_by


def _stands_still(move: Move, kind: str, clock: Clock) -> bool:
    """Whether a state that pauses this clock does so now: some pause for certain reasons only.

    The reason is said on entering; to stay there changes nothing.
    """
    declared = move.lifecycle.clocks.get(kind)
    reasons = declared.pauses_for if declared else ()
    if not reasons:
        return True
    if move.source == move.case.state:
        return clock.state == Clock.State.PAUSED
    return move.logged.get("reason") in reasons
