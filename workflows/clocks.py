"""Starting, pausing and stopping the clocks of a case as it moves.

Which clocks run is said by the lifecycle (a state's `clocks` and `pauses`), how long by the policy, until when by
the calendar. Everything here happens under the lock of the case, inside the door's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflows import rows
from workflows.aiming import aim, earliest, history_of, look_again, put_on, worst_level
from workflows.calendars import Due
from workflows.clock_reading import CLOCK_CHANGES, EXTENSION_CHANGES, Going, read
from workflows.clock_rules import lapses, met_by, stands_still
from workflows.dues import chosen_due, consumed, due_of, left_in_total, limit_of
from workflows.errors import Cannot
from workflows.following import astray
from workflows.models import Case, Clock, ClockInterval, Extension
from workflows.moves import Move
from workflows.policy import ClockRule
from workflows.published import calendar, newest_calendar_id, newest_ladder_id, policy
from workflows.sheaf import Sheaf
from workflows.spec import LifecycleSpec


@dataclass(frozen=True)
class Miss:
    """A deadline found to have passed: logged once, dated at the deadline, against the unit that held the case."""

    clock: Clock
    due_at: datetime
    unit_id: int


_Terms = tuple[ClockRule, int, Due]


@dataclass
class ClockBook:
    """The clocks of some locked cases, and the changes to them not yet written."""

    going: dict[int, dict[str, Going]] = field(default_factory=lambda: defaultdict(dict))
    cycles: dict[tuple[int, str], int] = field(default_factory=dict)
    used: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    _finished: dict[tuple[int, str], Sequence[Any]] = field(default_factory=dict)
    _calendars: dict[str, int] = field(default_factory=dict)
    _terms: dict[tuple[Any, ...], _Terms | None] = field(default_factory=dict)
    _ladders: dict[str, int] = field(default_factory=dict)
    _new: list[Going] = field(default_factory=list)
    _opened: list[ClockInterval] = field(default_factory=list)
    _closed: list[ClockInterval] = field(default_factory=list)
    _changed: dict[int, Clock] = field(default_factory=dict)
    _granted: list[Extension] = field(default_factory=list)

    @classmethod
    def of(cls, case_ids: Sequence[int], policies: Collection[int] = ()) -> ClockBook:
        """Read them, and the newest versions of the calendars and ladders that new clocks may need; one statement.

        policies: ids of the policy versions by which clocks may begin.
        """
        found = read(case_ids, policies)
        return cls(
            going=found.going, cycles=found.cycles, used=found.used, _finished=found.finished,
            _calendars=found.calendars, _ladders=found.ladders,
        )  # fmt: skip

    def turn(self, move: Move, target: str) -> list[Miss]:
        """Apply a move from `move.source` to `target`; returns the misses it brings to light."""
        case, spec = move.case, move.lifecycle
        state = spec.states[target]
        misses = self._overdue(move)
        stopped, kept = move.restarts | move.ended, {*state.clocks, *state.pauses}
        for kind, going in list(self.going[case.pk].items()):
            if kind in stopped or met_by(move, kind) or kind not in kept:
                self._finish(going, move, met_by(move, kind))
            elif kind in state.pauses and stands_still(move, kind, going.clock):
                self._pause(going, move)
            else:
                self._resume(going, move.at)
        for kind in state.clocks:
            if kind not in self.going[case.pk] and self._begins(move, kind):
                self.start(case, kind, at=self._counts_from(move, kind), chosen=move.chosen.get(kind))
        if "facts" in move.changed:
            self._rerate(move)
        for extension in move.granted:
            self._extend(extension, move)
        self._follow(move)
        self._show_earliest(case, move)
        return misses

    def start(self, case: Case, kind: str, *, at: datetime, chosen: str | None = None) -> None:
        """A new cycle of a clock, unless the policy sets it no limit for this case.

        The policy version is the case's; the calendar the newest published. chosen: a limit of the mover's choice.
        """
        terms = self._terms_of(case, kind, at)
        if terms is None:
            return
        rule, calendar_id, due = terms
        limit = rule.limit
        if chosen is not None:
            limit, due = chosen, chosen_due(calendar(calendar_id), rule, chosen, at=at, longest=due)
        if rule.in_total is not None:
            limit, due = self._within_total(case, rule, calendar_id, due, at=at)
        cycle = self.cycles.get((case.pk, kind), 0) + 1
        self.cycles[case.pk, kind] = cycle
        clock = rows.make(
            Clock, case_id=case.pk, kind=kind, cycle=cycle, state=Clock.State.RUNNING.value, limit=limit, rule=rule.row,
            policy_id=case.policy_id, calendar_id=calendar_id, ladder_id=self._ladder_id(rule.ladder),
            started_at=at, due_at=due.at, original_due_at=due.at, provisional=due.provisional,
        )  # fmt: skip
        look_again(clock)
        going = Going(clock, rows.make(ClockInterval, kind=ClockInterval.Kind.RUN.value, started_at=at))
        self.going[case.pk][kind] = going
        self._new.append(going)

    def _terms_of(self, case: Case, kind: str, at: datetime) -> _Terms | None:
        """Rule, calendar version and due moment; None where the policy sets no limit.

        Remembered within the book: the messages of an import share their moment and often all their facts.
        """
        asked = (case.policy_id, kind, at, *sorted(case.facts.items()))
        if asked not in self._terms:
            rules = policy(case.policy_id)
            rule = rules.rule(kind, case.facts)
            if rule.parsed_limit is None:
                self._terms[asked] = None
            else:
                calendar_id = self._calendar_id(rules.calendar)
                self._terms[asked] = rule, calendar_id, due_of(calendar(calendar_id), at, rule.limit)
        return self._terms[asked]

    def _within_total(
        self, case: Case, rule: ClockRule, calendar_id: int, due: Due, *, at: datetime
    ) -> tuple[str, Due]:
        """Limit and due moment of a new cycle that may use no more than the earlier ones left of the rule's total.

        Raises Cannot where they used it all.
        """
        on = calendar(calendar_id)
        left = left_in_total(on, str(rule.in_total), self.used[case.pk, rule.clock])
        if left is None:
            raise Cannot(f"{case.number} 已用满累计上限 {limit_of(str(rule.in_total)).label}")
        rest = on.due(at, left)
        return (str(left), rest) if rest.at < due.at else (rule.limit, due)

    def earliest(self, case_id: int, spec: LifecycleSpec) -> Clock | None:
        """The running clock of the case itself that is due first."""
        return earliest((going.clock for going in self.going[case_id].values()), spec)

    def write(self, sheaf: Sheaf | None = None) -> None:
        """Store every change, now or with the rest of `sheaf`."""
        into = sheaf or Sheaf()
        into.update(list(self._changed.values()), CLOCK_CHANGES)
        into.update(self._closed, ["ended_at"])
        into.update(self._granted, EXTENSION_CHANGES)
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

    def _begins(self, move: Move, kind: str) -> bool:
        """A step clock begins with every entry, a whole one once, a called one only where a transition restarts it."""
        if kind in move.restarts:
            return True
        counts = move.lifecycle.clocks[kind].counts
        if counts == "called" or met_by(move, kind):
            return False
        if counts == "step":
            # To stay is no entry: what was fulfilled in this state is not asked for again.
            return move.source != move.case.state or not self._done_here(move.case, kind)
        return (move.case.pk, kind) not in self.cycles or (
            "facts" in move.changed and self._dropped(move.case, kind)
        )

    def _dropped(self, case: Case, kind: str) -> bool:
        """Whether the newest cycle of a clock ended neither met nor missed; other facts may ask for it once more."""
        row = self._finished.get((case.pk, kind))
        return row is not None and rows.build(Clock, [row])[0].state == Clock.State.VOID

    def _done_here(self, case: Case, kind: str) -> bool:
        """Whether the newest cycle of a clock ended since the case entered its state."""
        row = self._finished.get((case.pk, kind))
        ended = rows.build(Clock, [row])[0].finished_at if row else None
        return ended is not None and ended >= case.state_since

    def _overdue(self, move: Move) -> list[Miss]:
        """Promises broken before this move, whatever the move does to their clocks: none may slip past the log."""
        misses = []
        for kind, going in self.going[move.case.pk].items():
            clock = going.clock
            late = clock.state == Clock.State.RUNNING and move.at > clock.due_at
            if late and clock.missed_at is None and not lapses(move.lifecycle, kind):
                self.note_miss(clock)
                misses.append(Miss(clock, clock.due_at, move.held_by))
        return misses

    def _counts_from(self, move: Move, kind: str) -> datetime:
        """A whole clock that only a later classification calls for counts from the beginning all the same."""
        whole = move.lifecycle.clocks[kind].counts == "whole" and kind not in move.restarts
        from_opening = kind in move.lifecycle.states[move.lifecycle.opening.to].clocks
        return move.case.began_at if whole and from_opening else move.at

    def _finish(self, going: Going, move: Move, met: bool) -> None:
        clock = going.clock
        self._close(going, move.at)
        clock.state = (
            (Clock.State.MISSED if clock.missed_at else Clock.State.MET) if met else Clock.State.VOID
        )
        clock.finished_at, clock.next_at = move.at, None
        self._touch(clock)
        del self.going[clock.case_id][clock.kind]

    def _pause(self, going: Going, move: Move) -> None:
        if going.clock.state == Clock.State.PAUSED:
            return
        began = self._close(going, move.at)
        going.clock.state, going.clock.next_at = Clock.State.PAUSED, None
        self._touch(going.clock)
        going.interval = ClockInterval(
            clock=going.clock, kind=ClockInterval.Kind.PAUSE, started_at=began, approver=move.by,
            reason=str(move.logged.get("reason", "")),
        )  # fmt: skip
        self._opened.append(going.interval)

    def _resume(self, going: Going, at: datetime) -> None:
        clock = going.clock
        if clock.state == Clock.State.RUNNING:
            return
        # The account goes on from where the pause ended, with no hole even where the wall clock was set back.
        began = self._close(going, at)
        clock.state = Clock.State.RUNNING
        self._aim(going, at=at)
        going.interval = ClockInterval(clock=clock, kind=ClockInterval.Kind.RUN, started_at=began)
        self._opened.append(going.interval)

    def _follow(self, move: Move) -> None:
        """Clocks due a stretch before others move with them."""
        of_case = self.going[move.case.pk]
        for clock, first in astray(move.lifecycle, [going.clock for going in of_case.values()]):
            before = clock.due_at
            self._aim(of_case[clock.kind], at=move.at, first=first)
            if not clock.pk:
                clock.original_due_at = clock.due_at
            elif "clocks" in move.logged and clock.due_at != before:
                move.shift(clock.kind, before, clock.due_at)

    def _aim(
        self, going: Going, *, at: datetime, granting: Extension | None = None, first: Clock | None = None
    ) -> None:
        """Due moment and time used, on the newest calendar. A miss already in the log stays there."""
        clock = going.clock
        clock.calendar_id = self._calendar_id(policy(clock.policy_id).calendar)
        history = history_of(clock, going.interval, granting)
        first_on = calendar(first.calendar_id) if first else None
        aim(clock, calendar(clock.calendar_id), history, at=at, first=first, first_on=first_on)
        self._touch(clock)

    def _rerate(self, move: Move) -> None:
        """The case was re-rated: going clocks take the limit now fitting, by the policy version they began with.

        Intervals stay as they are, so what a clock was paused is kept.
        """
        for kind, going in list(self.going[move.case.pk].items()):
            clock = going.clock
            rule = policy(clock.policy_id).rule(kind, move.case.facts)
            if rule.row == clock.rule:
                continue
            if rule.parsed_limit is None:
                self._finish(going, move, met=False)
                continue
            # A moment somebody chose is a promise of its own.
            before, clock.rule = clock.due_at, rule.row
            clock.limit = clock.limit if rule.chosen else rule.limit
            put_on(clock, self._ladder_id(rule.ladder))
            self._aim(going, at=move.at)
            move.shift(kind, before, clock.due_at)

    def _extend(self, extension: Extension, move: Move) -> None:
        """From the current due moment on. Raises Cannot for a clock that has ended meanwhile."""
        found = [g for g in self.going[move.case.pk].values() if g.clock.pk == extension.clock_id]
        if not found:
            raise Cannot(f"{move.case.number} 申请延期的时限已经结束，不能再延")
        clock = found[0].clock
        before = clock.due_at
        self._aim(found[0], at=move.at, granting=extension)
        extension.state, extension.decided_at, extension.decider = Extension.State.GRANTED, move.at, move.by
        extension.due_from, extension.due_to = before, clock.due_at
        self._granted.append(extension)
        move.shift(clock.kind, before, clock.due_at)

    def _close(self, going: Going, at: datetime) -> datetime:
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
        clock = self.earliest(case.pk, move.lifecycle)
        move.set(
            due_at=clock.due_at if clock else None,
            provisional=clock.provisional if clock else False,
            rung=worst_level(going.clock for going in self.going[case.pk].values()),
        )

    def _touch(self, clock: Clock) -> None:
        if clock.pk is not None:
            self._changed[clock.pk] = clock

    def _calendar_id(self, code: str) -> int:
        if code not in self._calendars:
            self._calendars[code] = newest_calendar_id(code)
        return self._calendars[code]

    def _ladder_id(self, code: str | None) -> int | None:
        """The newest published; a policy that names one was published after it."""
        if code is not None and code not in self._ladders:
            self._ladders[code] = newest_ladder_id(code)
        return None if code is None else self._ladders[code]
