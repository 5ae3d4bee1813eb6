"""The day a unit said it would come back to a matter: how far off it may lie, and whether it is still to come."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

from workflows.limits import Limit
from workflows.models import Case, Clock
from workflows.published import lifecycle, policy

CLOCK = "follow_up"


def standing(case: Case) -> Clock | None:
    """The clock of the follow-up that is still to come. One statement."""
    return case.clocks.going().filter(kind=CLOCK).first()


def longest(case: Case, transition: str) -> Limit | None:
    """How far off it may lie; None where this move leads to a state, or the case lives by rules, without such a clock."""
    spec, rules = lifecycle(case.definition_id), policy(case.policy_id)
    target = spec.transitions[transition].to
    state = spec.states[case.state if target == "stay" else target]
    if CLOCK not in state.clocks or not rules.knows(CLOCK):
        return None
    return rules.rule(CLOCK, case.facts).parsed_limit


def limit_until(day: date, *, at: datetime) -> str:
    """A clock's limit that ends on this day, the next working day where it is a day off. Only for days after `at`."""
    return f"{(day - timezone.localtime(at).date()).days}d"
