"""Whom a notice is for, by role and place, for a batch of events at once.

Each candidate is asked through the very role that opens doors (`workflows.registry.ROLES`); who may not see the case
is left out by the planning. Nothing here knows how people are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from notifications.directory import Directory, Pair
from notifications.registry import Audience
from opinion import supervising
from opinion.unit_clocks import UNIT_CLOCKS, units_on
from workflows.models import Case, Event, Participation
from workflows.registry import ROLES

Place = Callable[[Case, Directory], Iterable[int | None]]


def _desk(case: Case, _: Directory) -> Iterable[int | None]:
    return (case.desk_id,)


def _lead(case: Case, _: Directory) -> Iterable[int | None]:
    return (case.lead_id,)


def _over_the_desk(case: Case, directory: Directory) -> Iterable[int | None]:
    return directory.units_above(case.desk_id)


@dataclass(frozen=True)
class Seat:
    """Holders of a role in a place of the case."""

    role: str
    place: Place


def seated(*seats: Seat) -> Audience:
    """The people on these seats."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        posts = {
            (seat.role, unit)
            for event in events
            for seat in seats
            for unit in seat.place(event.case, directory)
            if unit is not None
        }
        holders = directory.holders(posts)
        for event in events:
            for seat in seats:
                for unit in seat.place(event.case, directory):
                    for user in holders.get((seat.role, unit), ()) if unit is not None else ():
                        if ROLES[seat.role].may(event.case, user):
                            yield event, user

    return find


def together(*audiences: Audience) -> Audience:
    """The people of all of these."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        for audience in audiences:
            yield from audience(events, directory)

    return find


def assisting(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Handlers of the units that help. Their role opens no door here, but they see the case."""
    parts = Participation.objects.filter(
        case__in={event.case_id for event in events}, role=Participation.Role.ASSISTING, ended_at=None
    )
    units: dict[int, list[int]] = defaultdict(list)
    for case_id, unit_id in parts.values_list("case_id", "unit_id"):
        units[case_id].append(unit_id)
    holders = directory.holders({("unit_handler", unit) for helping in units.values() for unit in helping})
    for event in events:
        for unit in units[event.case_id]:
            yield from ((event, user) for user in holders["unit_handler", unit])


_all_handlers = seated(Seat("unit_handler", _lead))


def handlers(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Who took the case up, where somebody of the lead unit has; otherwise every handler there."""
    found: dict[int, list[Pair]] = defaultdict(list)
    for event, user in _all_handlers(events, directory):
        found[event.pk].append((event, user))
    for pairs in found.values():
        yield from [pair for pair in pairs if pair[1].pk == pair[0].case.user_id] or pairs


def by_clock(choices: dict[str, Audience], otherwise: Audience) -> Audience:
    """Different people for different clocks; the event says which one ran out."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        groups: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            groups[str(event.data.get("clock"))].append(event)
        for clock, group in groups.items():
            yield from choices.get(clock, otherwise)(group, directory)

    return find


heads = seated(Seat("unit_head", _lead))
# A restricted case is its officer's at the desk; the roles tell the two apart.
dispatchers = seated(Seat("dispatcher", _desk), Seat("confidential_officer", _desk))
clerks = seated(Seat("desk_clerk", _desk))
reviewers = seated(Seat("reviewer", _desk), Seat("confidential_officer", _desk))
callers = seated(Seat("caller", _desk), Seat("confidential_officer", _desk))
officers = seated(Seat("confidential_officer", _desk))
arbiters = seated(Seat("arbiter", _over_the_desk), Seat("confidential_officer", _desk))
leaders = seated(Seat("leader", _over_the_desk))
top_leaders = seated(Seat("top_leader", _over_the_desk))
supervisors = seated(Seat("supervisor", _over_the_desk), Seat("confidential_officer", _desk))


def ordered(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Those who answer to a supervision order: of the unit the event names, or whose feedback clock it is about."""
    units = {
        event.pk: event.data.get("unit") or supervising.responsible(event.case, str(event.data.get("clock")))
        for event in events
    }
    holders = directory.holders({(role, unit) for unit in units.values() for role in supervising.ANSWERING})
    for event in events:
        for role in supervising.ANSWERING:
            for user in holders.get((role, units[event.pk]), ()):
                if ROLES[role].may(event.case, user):
                    yield event, user


def _holding(case: Case, _: Directory) -> Iterable[int | None]:
    """The unit the case is with."""
    return (case.unit_id,)


holders = seated(*(Seat(role, _holding) for role in supervising.ANSWERING))


def helpers(*roles: str) -> Audience:
    """People of the units with a task an event is about: those it names, or whose task runs on the clock it is about."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        units = _helping(events)
        holders = directory.holders(
            {(role, unit) for named in units.values() for unit in named for role in roles}
        )
        for event in events:
            for unit in units[event.pk]:
                for role in roles:
                    yield from ((event, user) for user in holders.get((role, unit), ()))

    return find


def _helping(events: Sequence[Event]) -> dict[int, list[int]]:
    """Event id → units. A statement for each sort of task that has a clock among them."""
    clocks = {str(event.data["clock"]) for event in events if event.data.get("clock") in UNIT_CLOCKS}
    running = units_on({event.case_id for event in events}, clocks)
    found: dict[int, list[int]] = {}
    for event in events:
        on_clock = running.get((event.case_id, str(event.data.get("clock"))))
        named = [on_clock] if on_clock else [event.data.get("unit"), *event.data.get("assisting", ())]
        found[event.pk] = [unit for unit in named if isinstance(unit, int)]
    return found
