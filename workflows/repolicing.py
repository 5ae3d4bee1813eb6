"""A new version of a policy and the cases that run under another one: seen beforehand, then moved, each with an event.

A case keeps the version it was opened under until somebody decides otherwise; nothing here happens by itself. Moved,
those of its going clocks to which the version sets another limit take it: start, pauses and extensions are kept, what
was used is counted in the new unit, the climb begins anew only on another ladder. A promise already broken is logged
before its deadline moves. A clock whose limit stays the same names its rule in the version and is not reckoned again.
One without a limit any more is void; one that has a limit only now begins with the case's next move. Finished clocks
stay as they were. An earlier version can be moved to as well: that undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from django.db.models import Exists, OuterRef, Q

from workflows.aiming import NOTHING, History, look_again, put_on
from workflows.dues import consumed, left_in_total
from workflows.extensions import used_by
from workflows.foreseeing import Before, Foreseen
from workflows.models import Case, Clock, ClockInterval, PolicyVersion, User
from workflows.policy import ClockRule, PolicySpec
from workflows.published import calendar, lifecycle, newest_calendar_id, newest_ladder_id, policy
from workflows.recasting import GOING, Committing, Plan, Recast, foresee, recast

EVENT = "policy.changed"


class PolicyChange:
    """A policy as it would be, against every other version that some case still runs under.

    onward: only cases under an earlier version, never those that began under a later one meanwhile.
    unfit: number of a case that has to stay → why.
    """

    event = EVENT
    clock_fields: Sequence[str] = (
        "state", "limit", "rule", "policy_id", "calendar_id", "ladder_id", "due_at", "next_at", "missed_at",
        "finished_at", "consumed_seconds", "rung", "repeats", "provisional",
    )  # fmt: skip
    case_fields: Sequence[str] = ("policy_id", "rung")

    def __init__(
        self, spec: PolicySpec, *, version: PolicyVersion | None = None, onward: bool = False
    ) -> None:
        self.spec, self.version = spec, version
        others = PolicyVersion.objects.filter(code=spec.code)
        if version is not None:
            others = others.filter(version__lt=version.version) if onward else others.exclude(pk=version.pk)
        self.numbers = dict(others.values_list("id", "version"))
        self.calendar_id = newest_calendar_id(spec.calendar)
        self.ladders = {code: newest_ladder_id(code) for code in spec.ladders}
        self.unfit: dict[str, str] = {}
        self._unserved = lru_cache(maxsize=64)(self._look_unserved)

    def cases(self) -> list[int]:
        """Open ones, and closed ones in which a clock still runs; archived ones never."""
        going = Exists(Clock.objects.filter(case=OuterRef("pk"), state__in=GOING))
        found = Case.objects.filter(Q(closed_at=None) | going, policy_id__in=self.numbers, archived_at=None)
        return list(found.order_by("id").values_list("id", flat=True))

    def plan(self, plan: Plan, histories: Mapping[int, History], *, at: datetime) -> None:
        """Put one case under the version. Raises NoWorkingTime."""
        case = plan.case
        if case.policy_id not in self.numbers or not (case.is_open or plan.clocks) or case.archived_at:
            return  # moved, or done with, since it was found
        missing = self._unserved(case.definition_id) or "；".join(
            f"没有时限 {clock.kind} 的条目" for clock in plan.clocks if not self.spec.knows(clock.kind)
        )
        if missing:
            self.unfit[case.number] = missing
            return
        for clock in plan.clocks:
            self._change(plan, clock, histories.get(clock.pk, NOTHING), at=at)
        plan.follow(histories, at=at)
        plan.data = {"policy": [self.numbers[case.policy_id], self.version.version if self.version else 0]}
        if moved := plan.moved:
            plan.data["clocks"] = moved
        if self.version is not None:
            case.policy_id = self.version.pk

    def _change(self, plan: Plan, clock: Clock, history: History, *, at: datetime) -> None:
        rule, was = self.spec.rule(clock.kind, plan.case.facts), Before.of(clock)
        if rule.parsed_limit is None:
            plan.note_miss(clock, at=at)
            self._end(plan, clock, history, was=was, at=at)
            return
        limit, climbed = self._limit(clock, rule), clock.ladder_id
        put_on(clock, self.ladders[rule.ladder] if rule.ladder else None)
        clock.rule, clock.limit = rule.row, limit
        if self.version is not None:
            clock.policy_id = self.version.pk
        if limit != was.limit:
            plan.note_miss(clock, at=at)
            clock.calendar_id = self.calendar_id
            plan.reckon(clock, calendar(self.calendar_id), history, was=was, at=at)
            return
        if clock.ladder_id == climbed:
            plan.write(clock)
            return
        if clock.state == Clock.State.RUNNING:
            look_again(clock)
        plan.keep(clock, was=was)

    def _limit(self, clock: Clock, rule: ClockRule) -> str:
        """The rule's, what earlier cycles left of its total, or what somebody chose, which is a promise of its own."""
        was = policy(clock.policy_id).row(clock.rule)
        if was is not None and was.chosen and rule.chosen:
            return clock.limit
        if was is not None and (was.limit, was.in_total) == (rule.limit, rule.in_total):
            return clock.limit
        if rule.in_total is None:
            return rule.limit
        used = used_by(clock.case_id, clock.kind)
        on = calendar(self.calendar_id)
        left = left_in_total(on, rule.in_total, used)
        if left is None:
            # Nothing is left of the new total: the cycle that runs keeps what it was promised.
            return clock.limit
        shorter = on.due(clock.started_at, left).at < on.due(clock.started_at, rule.parsed_limit or left).at
        return str(left) if shorter else rule.limit

    def _end(self, plan: Plan, clock: Clock, history: History, *, was: Before, at: datetime) -> None:
        """No limit any more: void, what it used settled as the old limit counts it."""
        interval = history.open
        if interval is not None:
            interval.ended_at = max(at, interval.started_at)
            if interval.kind == ClockInterval.Kind.RUN:
                on = calendar(clock.calendar_id)
                clock.consumed_seconds += consumed(on, clock.limit, interval.started_at, interval.ended_at)
            plan.ended.append(interval)
        clock.state, clock.finished_at, clock.next_at = Clock.State.VOID.value, at, None
        plan.keep(clock, was=was)

    def _look_unserved(self, definition_id: int) -> str:
        return "；".join(self.spec.unserved(lifecycle(definition_id)))


def preview(
    spec: PolicySpec, *, at: datetime, version: PolicyVersion | None = None
) -> tuple[Foreseen, dict[str, str]]:
    """What moving every case would do; changes nothing. Also: number of a case that would stay → why.

    Raises NoWorkingTime, and CalendarVersion.DoesNotExist for a calendar never published.
    """
    change = PolicyChange(spec, version=version)
    return foresee(change, at=at), change.unfit


def move(
    version: PolicyVersion,
    *,
    by: User,
    at: datetime,
    pause: float = 0.05,
    onward: bool = False,
    committing: Committing | None = None,
) -> tuple[Recast, dict[str, str]]:
    """Move every case under another version of this policy to it. Whether `by` may is the caller's question.

    onward: see `PolicyChange`. Also returned: number of a case that stayed → why. Started again after it was cut short, it goes on.
    """
    change = PolicyChange(version.parsed, version=version, onward=onward)
    return recast(change, by=by, at=at, pause=pause, committing=committing), change.unfit
