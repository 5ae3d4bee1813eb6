"""待办: which cases wait for a person.

A case waits for whoever may take the step it is waiting for: the one the lifecycle styles `primary`, or, in a state
without one, any step onward for the people of the unit that holds it. Who may take it is asked of the very roles the
door asks; they look at the units of a case and at whether it is restricted, so one question per combination of
those answers for all its cases. A case also waits for whoever works in a unit whose turn it is to contribute to it.
A duplicate waits for nobody while its master's answer is to come: whoever the master waits for has it as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q

from opinion.cohandling import waiting_for as waiting_for_help
from opinion.merged_waiting import waits_for_master
from opinion.models import CoTask
from opinion.queues import labelled_states
from opinion.roles import helping_units
from opinion.timing import Distance, clock_distance
from workflows.machine import may
from workflows.models import ApprovalTask, Case, Clock, Definition, User
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


GROUPED = ("kind", "definition_id", "state", "restricted", "desk_id", "lead_id", "unit_id")
# Kind and definition: an index begins with the kind.
Place = tuple[str, int, str, bool, int]


def waiting_for(user: User) -> Waiting:
    """Read the combinations of units in which something waits; a statement more for whoever may be asked to help.

    Only states whose next step some role of theirs may take are looked at: the rest may be most of a county's cases.
    """
    counts: dict[tuple[int, str], int] = defaultdict(int)
    definitions = list(Definition.objects.values_list("pk", "code")) if user.standing.sees else []
    visible = Case.objects.visible_to(user).open().exclude(waits_for_master(pk for pk, _ in definitions))
    states = _states_for(user, definitions)
    asked, places = Q(pk__in=()), _places(visible.filter(_in_states(states)), user, counts)
    for (kind, definition, state, restricted, desk), leads in places.items():
        place = Q(kind=kind, definition=definition, state=state, restricted=restricted, desk=desk)
        asked |= place & _led_by(leads)
    helping = helping_units(user)
    if helping:
        helped = Q(pk__in=CoTask.objects.at_work().filter(unit__in=helping).values("case"))
        for group, number in _groups(visible.filter(helped).exclude(asked)):
            counts[group.definition_id, group.state] += number
        asked |= helped
        visible = visible.annotate(asks=waiting_for_help(helping))
    return Waiting(visible.filter(asked), list(_in_order(counts)), seats_waiting_for(user).count())


def _places(
    cases: CaseQuerySet, user: User, counts: dict[tuple[int, str], int]
) -> dict[Place, set[int | None] | None]:
    """Where somebody's step is due → lead units, None for all there are; adds to `counts` how many cases those are.

    One statement. At the desk it is due whoever leads: hundreds of units need not be named.
    """
    places: dict[Place, set[int | None]] = defaultdict(set)
    elsewhere: set[Place] = set()
    for probe, number in _groups(cases):
        place = (probe.kind, probe.definition_id, probe.state, probe.restricted, probe.desk_id)
        if _waits(probe, user):
            places[place].add(probe.lead_id)
            counts[probe.definition_id, probe.state] += number
        else:
            elsewhere.add(place)
    return {place: leads if place in elsewhere else None for place, leads in places.items()}


def _groups(cases: CaseQuerySet) -> Iterable[tuple[Case, int]]:
    """A case thought up for each combination of what roles ask about, and how many are like it."""
    for group in cases.values(*GROUPED).annotate(number=Count("pk")).order_by():
        number = group.pop("number")
        yield Case(**group), number


def _states_for(user: User, definitions: Iterable[tuple[int, str]]) -> dict[str, set[str]]:
    """Kind of case → states, in any version of its lifecycle, that wait for a role this person holds.

    definitions: id and kind of each version. A role that nobody is given never waits here: it follows from a seat or a
    task, which have lists of their own.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for pk, kind in definitions:
        for state, steps in lifecycle(pk).next_steps.items():
            if any(name in user.standing.roles for t in steps for name in t.role):
                found[kind].add(state)
    return found


def _in_states(states: dict[str, set[str]]) -> Q:
    asked = Q(pk__in=())
    for kind, names in states.items():
        asked |= Q(kind=kind, state__in=sorted(names))
    return asked


def seats_waiting_for(user: User) -> ApprovalTaskQuerySet:
    """Seats whose owner has not decided; whoever may no longer know the case is not shown it."""
    if not user.standing.sees:
        return ApprovalTask.objects.none()
    known = Case.objects.visible_to(user).filter(pk=OuterRef("case"))
    return ApprovalTask.objects.waiting_for(user).filter(Exists(known))


@dataclass(frozen=True)
class SeatRow:
    """A seat in the list of approvals. matter, level: in words. move: the transition to agree by.

    clock: by which it is to be decided, and what is left of it; None where the level has no deadline.
    """

    seat: ApprovalTask
    matter: str
    level: str
    move: str
    clock: Clock | None
    left: Distance | None

    @property
    def case(self) -> Case:
        found: Case = self.seat.case
        return found


def seat_rows(seats: Iterable[ApprovalTask], *, at: datetime) -> list[SeatRow]:
    """A page of them, read `with_cases`; one statement."""
    shown = list(seats)
    running = Clock.objects.filter(case__in={seat.case_id for seat in shown}, state=Clock.State.RUNNING)
    clocks = {(clock.case_id, clock.kind): clock for clock in running}
    return [_seat_row(seat, clocks, at) for seat in shown]


def _seat_row(seat: ApprovalTask, clocks: Mapping[tuple[int, str], Clock], at: datetime) -> SeatRow:
    declared = lifecycle(seat.case.definition_id).approvals[seat.process.kind]
    level = seat.process.levels[seat.level - 1]
    clock = clocks.get((seat.case_id, level.get("clock") or declared.clock or ""))
    left = clock_distance(clock, at=at) if clock else None
    return SeatRow(seat, declared.label, level["label"], declared.signs, clock, left)


def _waits(case: Case, user: User) -> bool:
    """Whether the step this case waits for is one this person may take."""
    steps = lifecycle(case.definition_id).next_steps.get(case.state, ())
    if all(t.style != "primary" for t in steps) and case.unit_id not in user.standing.units:
        return False
    return any(may(case, user, t) for t in steps)


def _led_by(leads: set[int | None] | None) -> Q:
    if leads is None:
        return Q()
    named = Q(lead__in=[lead for lead in leads if lead is not None])
    return named | Q(lead=None) if None in leads else named


def _in_order(counts: dict[tuple[int, str], int]) -> Iterable[StateCount]:
    """One line a state; versions of a lifecycle are added up, and so are kinds that share a state's name."""
    totals: dict[str, int] = defaultdict(int)
    for (_, state), count in counts.items():
        totals[state] += count
    labels = labelled_states(sorted({definition for definition, _ in counts}, reverse=True))
    return (StateCount(state, label, totals[state]) for state, label in labels.items() if state in totals)
