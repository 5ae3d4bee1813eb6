"""Whom the rungs of ladders can name, and who stands in where nobody holds the office.

A rung says `handler` and means whoever has to meet that clock: the unit that handles the case, or somebody at the desk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from notifications.directory import Directory, Pair
from notifications.registry import Audience
from opinion.audiences import (
    Place,
    Seat,
    arbiters,
    by_clock,
    callers,
    clerks,
    dispatchers,
    handlers,
    heads,
    helpers,
    ordered,
    reviewers,
    seated,
    supervisors,
    together,
)
from opinion.signing import SIGNED, signers
from opinion.supervising import DESK_CLOCKS
from opinion.unit_clocks import UNIT_CLOCKS
from workflows.models import Case, Event, User
from workflows.published import ladder
from workflows.registry import RECIPIENTS, Recipient


def _lead(case: Case, _: Directory) -> Iterable[int | None]:
    return (case.lead_id,)


def _over_the_desk(case: Case, directory: Directory) -> Iterable[int | None]:
    return directory.units_above(case.desk_id)


def _seat(role: str, place: Place) -> Audience:
    return seated(Seat(role, place))


def first_of(*audiences: Audience) -> Audience:
    """For each event the first of these who may see the case: an office nobody holds is stood in for."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        left = list(events)
        for audience in audiences:
            pairs = directory.knowing(audience(left, directory)) if left else []
            yield from pairs
            reached = {event.pk for event, _ in pairs}
            left = [event for event in left if event.pk not in reached]

    return find


deputies = _seat("deputy_head", _lead)
# On the clock of a unit's own task its own people act and answer.
helping_handlers, helping_heads, helping_deputies = (
    helpers("unit_handler"), helpers("unit_head"), helpers("deputy_head"),
)  # fmt: skip
leaders = _seat("leader", _over_the_desk)
top_leaders = _seat("top_leader", _over_the_desk)


# Over the desk stand the supervisors; an order's feedback is asked of the unit it is against.
ABOVE = {**dict.fromkeys(DESK_CLOCKS, supervisors), "feedback": ordered, "desk_feedback": ordered}
# Name in documents → label, audience.
AUDIENCES: dict[str, tuple[str, Audience]] = {
    "handler": (
        "经办人",
        by_clock(
            {
                "assign": dispatchers, "decide": dispatchers, "arbitrate": arbiters, "final": dispatchers,
                "suspension": dispatchers,
                **dict.fromkeys(SIGNED, first_of(signers, reviewers)),
                "publish": reviewers, "call_back": callers, "feedback": ordered, "desk_feedback": ordered, "transfer": dispatchers,
                "first_report": together(clerks, dispatchers), "grade": together(leaders, reviewers), "authority": reviewers,
                "conference": reviewers, "lessons": reviewers, "improve": together(reviewers, dispatchers),
                **dict.fromkeys(UNIT_CLOCKS, first_of(helping_handlers, helping_heads)),
            },
            otherwise=first_of(handlers, heads),
        ),
    ),
    "unit_head": (
        "责任单位负责人",
        by_clock(
            {**ABOVE, **dict.fromkeys(UNIT_CLOCKS, first_of(helping_heads, helping_deputies))},
            otherwise=first_of(heads, deputies),
        ),
    ),
    "deputy_head": (
        "责任单位分管负责人",
        by_clock(
            {**ABOVE, **dict.fromkeys(UNIT_CLOCKS, first_of(helping_deputies, helping_heads))},
            otherwise=first_of(deputies, heads),
        ),
    ),
    "lead_unit": ("主办单位", together(handlers, heads)),
    "dispatcher": ("派单员", dispatchers),
    "office": ("受理台审核岗", first_of(reviewers, dispatchers)),
    "supervisor": ("督办员", supervisors),
    "leader": ("分管领导", first_of(leaders, supervisors)),
    "top_leader": ("主要领导", first_of(top_leaders, leaders)),
}  # fmt: skip
OF_THE_UNIT = frozenset({"handler", "unit_head", "deputy_head", "lead_unit"})


def on_the_rung(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Whom the rung that each event names tells."""
    yield from _named(events, directory, _rung_names)


def unit_on_the_rung(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Whom of the unit that leads the case the rung tells; what it says to those above is said of its own clocks."""
    yield from _named(
        events, directory, lambda event: tuple(n for n in _rung_names(event) if n in OF_THE_UNIT)
    )


def below_the_rung(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """The fallback of each event's ladder."""
    yield from _named(events, directory, lambda event: ladder(int(event.data["ladder"])).fallback)


def _rung_names(event: Event) -> tuple[str, ...]:
    return ladder(int(event.data["ladder"])).named[str(event.data["rung"])].tell


def _named(
    events: Sequence[Event], directory: Directory, names_of: Callable[[Event], tuple[str, ...]]
) -> Iterator[Pair]:
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        for name in names_of(event):
            groups[name].append(event)
    for name, group in groups.items():
        yield from AUDIENCES[name][1](group, directory)


def _finder(audience: Audience) -> Callable[[Sequence[Event]], list[tuple[Event, User]]]:
    def find(events: Sequence[Event]) -> list[tuple[Event, User]]:
        directory = Directory()
        return directory.knowing(audience(events, directory))

    return find


for _name, (_label, _audience) in AUDIENCES.items():
    RECIPIENTS.add(_name, Recipient(_name, _label, _finder(_audience)))
