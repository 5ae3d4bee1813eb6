"""待办: which cases wait for a person.

A case waits for whoever may take the step it is waiting for: the one the lifecycle styles `primary`, or, in a state
without one, any step onward for the people of the unit that holds it. Who may take it is asked of the very roles the
door asks; they look at the units of a case and at whether it is restricted, so one question per combination of
those answers for all its cases. A case also waits for whoever works in a unit whose turn it is to contribute to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Value

from opinion.cohandling import waiting_for as waiting_for_help
from opinion.queues import labelled_states
from opinion.roles import helping_units
from opinion.timing import CaseDistances, Distance
from workflows.machine import may
from workflows.models import ApprovalTask, Case, User
from workflows.models.approval import ApprovalTaskQuerySet
from workflows.models.case import CaseQuerySet
from workflows.published import lifecycle


@dataclass(frozen=True)
class StateCount:
    """How many cases in one state wait. label: of the newest definition in use."""

    state: str
    label: str
    count: int


@dataclass(frozen=True)
class Waiting:
    """The cases that wait for one person, and how many in each state, in the order of the lifecycle.

    signing: how many approvals wait for this person's word, which are listed by `seats_waiting_for`.
    """

    cases: CaseQuerySet
    counts: list[StateCount]
    signing: int = 0

    @property
    def total(self) -> int:
        return sum(item.count for item in self.counts)


GROUPED = ("definition_id", "state", "restricted", "desk_id", "lead_id", "unit_id")


def waiting_for(user: User) -> Waiting:
    """Read the combinations of units in which something waits; one statement."""
    helping = helping_units(user)
    visible = Case.objects.visible_to(user).open()
    asks = waiting_for_help(helping) if helping else Value(False)
    visible = visible.annotate(asks=asks)
    counts: dict[tuple[int, str], int] = defaultdict(int)
    places: dict[tuple[int, str, bool, int], set[int | None]] = defaultdict(set)
    for group in visible.values(*GROUPED, "asks").annotate(number=Count("pk")).order_by():
        number, asks_help = group.pop("number"), group.pop("asks")
        probe = Case(**group)
        waits = _waits(probe, user)
        if waits:
            places[probe.definition_id, probe.state, probe.restricted, probe.desk_id].add(probe.lead_id)
        if waits or asks_help:
            counts[probe.definition_id, probe.state] += number
    asked = Q(asks=True) if helping else Q(pk__in=())
    for (definition_id, state, restricted, desk_id), leads in places.items():
        asked |= Q(definition=definition_id, state=state, restricted=restricted, desk=desk_id) & _led_by(
            leads
        )
    return Waiting(visible.filter(asked), list(_in_order(counts)), seats_waiting_for(user).count())


def seats_waiting_for(user: User) -> ApprovalTaskQuerySet:
    """Seats whose owner has not decided; whoever may no longer know the case is not shown it."""
    if not user.standing.sees:
        return ApprovalTask.objects.none()
    return ApprovalTask.objects.waiting_for(user)


@dataclass(frozen=True)
class SeatRow:
    """A seat in the list of approvals. matter, level: in words. move: the transition to agree by."""

    seat: ApprovalTask
    matter: str
    level: str
    move: str
    left: Distance | None

    @property
    def case(self) -> Case:
        found: Case = self.seat.case
        return found


def seat_rows(seats: Iterable[ApprovalTask], *, at: datetime) -> list[SeatRow]:
    """A page of them, read `with_cases`; one statement a calendar."""
    distances = CaseDistances(at)
    return [_seat_row(seat, distances) for seat in seats]


def _seat_row(seat: ApprovalTask, distances: CaseDistances) -> SeatRow:
    declared = lifecycle(seat.case.definition_id).approvals[seat.process.kind]
    level = seat.process.levels[seat.level - 1]["label"]
    return SeatRow(seat, declared.label, level, declared.signs, distances.of(seat.case))


def _waits(case: Case, user: User) -> bool:
    """A state in which only an approval leads on waits for those who are asked; `Waiting.signing` lists it for them."""
    spec = lifecycle(case.definition_id)
    onward = [t for _, t in spec.leaving(case.state) if not t.hidden and t.to != "stay"]
    awaited = [t for t in onward if t.style == "primary"]
    if not awaited and any(case.state in a.during and a.holds for a in spec.approvals.values()):
        return False
    if not awaited and case.unit_id in user.standing.units:
        awaited = onward
    return any(may(case, user, t) for t in awaited)


def _led_by(leads: set[int | None]) -> Q:
    named = Q(lead__in=[lead for lead in leads if lead is not None])
    return named | Q(lead=None) if None in leads else named


def _in_order(counts: dict[tuple[int, str], int]) -> Iterable[StateCount]:
    """One line a state; versions of a lifecycle are added up, and so are kinds that share a state's name."""
    totals: dict[str, int] = defaultdict(int)
    for (_, state), count in counts.items():
        totals[state] += count
    labels = labelled_states(sorted({definition for definition, _ in counts}, reverse=True))
    return (StateCount(state, label, totals[state]) for state, label in labels.items() if state in totals)
