"""Attempts to reach a person after a reply: how many, at how many different times, and when the next one counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from opinion.models import CallBack
from opinion.quantities import CALL_ATTEMPTS, quantity
from workflows.limits import Limit
from workflows.models import Case, Event, Participation, User
from workflows.published import calendar, newest_calendar_id, policy

LEAD, ASSISTING = Participation.Role.LEAD, Participation.Role.ASSISTING
# With these a unit takes a case on; one that was only sent it and gave it back never handled it.
TAKEN_ON = ("accept", "deem_accepted")


@dataclass(frozen=True)
class Attempts:
    """Failed ones since the reply. apart: how many count, lying far enough from each other. next_at: from when on
    another would count, None before the first."""

    made: int
    apart: int
    needed: int
    last_at: datetime | None = None
    next_at: datetime | None = None

    @property
    def enough(self) -> bool:
        return self.apart >= self.needed


def attempts(case: Case) -> Attempts:
    return attempts_of([case])[case.pk]


def attempts_of(cases: Sequence[Case]) -> dict[int, Attempts]:
    """By case id, of cases that wait for a call-back. One statement."""
    failed: dict[int, list[datetime]] = defaultdict(list)
    since = {case.pk: case.state_since for case in cases}
    calls = CallBack.objects.filter(case__in=since, reached=False).order_by("happened_at")
    for case_id, happened_at, written_at in calls.values_list("case_id", "happened_at", "written_at"):
        if written_at >= since[case_id]:
            failed[case_id].append(happened_at)
    return {case.pk: _counted(case, failed[case.pk]) for case in cases}


def _counted(case: Case, moments: Iterable[datetime]) -> Attempts:
    made, apart = 0, 0
    last_at: datetime | None = None
    next_at: datetime | None = None
    for moment in moments:
        made, last_at = made + 1, moment
        if next_at is None or moment >= next_at:
            apart, next_at = apart + 1, _later(case, moment)
    return Attempts(made, apart, quantity(case, CALL_ATTEMPTS), last_at, next_at)


def _later(case: Case, moment: datetime) -> datetime:
    """How long after an attempt the next one counts: the policy's rule for the clock `retry`."""
    rules = policy(case.policy_id)
    if not rules.knows("retry"):
        return moment
    rule = rules.rule("retry", case.facts)
    if rule.parsed_limit is None:
        return moment
    return calendar(newest_calendar_id(rules.calendar)).due(moment, Limit.parse(rule.limit)).at


def handling_parts() -> Q:
    """Of participations: units that lead or led a case, or were asked to help with it.

    Whoever led it before a transfer is as little to ask the person as whoever leads it now: it is asked how all of it
    went. A unit that leads no more counts where it had taken the case on.
    """
    taken = Event.objects.filter(case=OuterRef("case"), unit=OuterRef("unit"), transition__in=TAKEN_ON)
    return Q(role=ASSISTING) | Q(role=LEAD) & (Q(ended_at=None) | Q(Exists(taken)))


def works_for_the_handling(case: Case, user: User) -> bool:
    """Whether this person works in a unit that handles the case or has handled it, or below one. One statement."""
    handling = Participation.objects.filter(handling_parts(), case=case)
    return not user.standing.barred_by.isdisjoint(handling.values_list("unit_id", flat=True))
