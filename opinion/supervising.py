"""Orders and reminders on a case: whom they concern, and what may be done with them now. Questions only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from typing import Any

from opinion.models import SupervisionOrder
from opinion.models.supervision import DESK_FEEDBACK, SupervisionOrderQuerySet
from opinion.numbered import is_meant
from opinion.unit_clocks import UNIT_CLOCKS, unit_on
from workflows.aiming import worst_level
from workflows.climbing import ACKNOWLEDGED
from workflows.limits import Limit
from workflows.models import Case, Clock, Event, User
from workflows.published import calendar, newest_calendar_id, policy
from workflows.registry import LOOKAHEADS
from workflows.scoped import Scoped
from workflows.sweeper import last_said

# Clocks the desk has to meet; all others are the handling unit's.
DESK_CLOCKS = frozenset(
    {
        "assign", "decide", "arbitrate", "review", "publish", "call_back", "final", "suspension",
        "transfer", DESK_FEEDBACK, "extension_review", "suspension_review", "order_review", "final_review",
        "closing_review", "private_review", "silence_review", "information_review",
        "first_report", "grade", "authority", "conference", "lessons", "improve",
    }
)  # fmt: skip
URGED = "case.urged"
# Who answers to an order on behalf of a unit.
ANSWERING = (
    "unit_handler", "unit_head", "deputy_head", "dispatcher", "reviewer", "caller", "confidential_officer",
)  # fmt: skip


def responsible(case: Case, clock: str) -> int:
    """Id of the unit that has to meet this clock; the desk where no unit handles the case yet.

    A clock of a unit's own task costs a statement. A reply is first with the unit's own head: until it has gone on, the
    unit is late, not the desk.
    """
    if clock == "review" and case.unit_id == case.lead_id:
        return case.unit_id
    if clock in UNIT_CLOCKS and (own := unit_on(case, clock)):
        return own
    return case.desk_id if clock in DESK_CLOCKS or case.lead_id is None else case.lead_id


def works_for(user: User, unit_id: int) -> bool:
    return any(user.standing.holds(role, unit_id) for role in ANSWERING)


class _Ahead:
    """Orders and reminders of some cases, each read for all of them when one is first asked about.

    revs: as the cases were then; of one that has moved since, nothing is known.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self.revs = {case.pk: case.rev for case in cases}

    @cached_property
    def orders(self) -> dict[int, list[SupervisionOrder]]:
        found: dict[int, list[SupervisionOrder]] = defaultdict(list)
        for order in _by_number().filter(case__in=self.revs):
            found[order.case_id].append(order)
        return found

    @cached_property
    def urged(self) -> Counter[int]:
        reminders = Event.objects.filter(case__in=self.revs, name=URGED).order_by()
        return Counter(reminders.values_list("case_id", flat=True))


_AHEAD: Scoped[_Ahead] = Scoped("supervised")


def reading_ahead(cases: Iterable[Case]) -> AbstractContextManager[None]:
    """In this context, a question about one of these cases is asked for all of them at once, in one statement."""
    return _AHEAD.holding(_Ahead(cases))


def _ahead(case: Case) -> _Ahead | None:
    found = _AHEAD.get()
    return found if found and found.revs.get(case.pk) == case.rev else None


LOOKAHEADS.add("督办", reading_ahead)


def _by_number() -> SupervisionOrderQuerySet:
    return SupervisionOrder.objects.select_related("unit", "issuer").order_by("number")


def orders_of(case: Case) -> list[SupervisionOrder]:
    """Oldest first, whether ended or not. One statement, unless it was read ahead."""
    ahead = _ahead(case)
    orders = list(ahead.orders[case.pk] if ahead else _by_number().filter(case=case))
    for order in orders:
        order.case = case
    return orders


def open_orders(case: Case, *states: str) -> list[SupervisionOrder]:
    """Not ended yet, oldest first; of these states where any are named. One statement, unless it was read ahead."""
    return [order for order in orders_of(case) if order.is_open and (not states or order.state in states)]


def own_orders(case: Case, user: User, *states: str) -> list[SupervisionOrder]:
    """Those against a unit this person works for."""
    return [order for order in open_orders(case, *states) if works_for(user, order.unit_id)]


def meant(orders: Iterable[SupervisionOrder], data: Mapping[str, Any], case: Case) -> SupervisionOrder | None:
    """The order a move is about: that of the unit late with a clock, the one named, or simply the first."""
    for order in orders:
        if "clock" in data:
            if order.unit_id == responsible(case, str(data["clock"])):
                return order
        elif is_meant(order.number, data.get("order")):
            return order
    return None


def unacknowledged(case: Case, user: User) -> list[Clock]:
    """Going clocks this person's unit has to meet that stand on a rung it has not taken note of, the gravest first.

    Two statements. Nobody takes note in another's place: that would silence what the other is to hear again.
    """
    standing = {
        c.kind: c
        for c in case.clocks.going()
        if c.ladder_id and c.rung and works_for(user, responsible(case, c.kind))
    }
    if not standing:
        return []
    newest = last_said([case.pk])
    waiting = [
        clock for kind, clock in standing.items() if newest.get((case.pk, kind), ACKNOWLEDGED) != ACKNOWLEDGED
    ]
    return sorted(waiting, key=lambda clock: (-worst_level([clock]), clock.due_at))


def times_urged(case: Case) -> int:
    """One statement, unless it was read ahead."""
    if ahead := _ahead(case):
        return ahead.urged[case.pk]
    return Event.objects.filter(case=case, name=URGED).count()


def last_urge_waits(case: Case) -> Event | None:
    """The newest reminder, unless somebody has taken note of it since. One statement."""
    newest = Event.objects.filter(case=case, name__in=[URGED, "urge.acknowledged"]).order_by("-seq").first()
    return newest if newest is not None and newest.name == URGED else None


def next_urge_at(case: Case) -> datetime | None:
    """Until when a reminder of the unit that has the case would come too soon after its last; None where there is nothing to wait for.

    How long is said by the policy's rule for the clock `urge`.
    """
    reminders = Event.objects.filter(case=case, name=URGED, data__unit=case.unit_id)
    newest = reminders.order_by("-seq").first()
    rules = policy(case.policy_id)
    rule = rules.rule("urge", case.facts)
    if newest is None or rule.parsed_limit is None:
        return None
    limit = Limit.parse(rule.limit)
    return calendar(newest_calendar_id(rules.calendar)).due(newest.happened_at, limit).at
