"""预计告知: what people will be told, when, and who they are, if nobody does anything meanwhile.

The steps are the sweep's own (`workflows.forecasting`), the people those whom planning would choose today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.directory import Directory
from notifications.registry import CATALOGUE, Told
from opinion.awaiting import awaited
from opinion.clock_names import ClockNames
from opinion.recipients import AUDIENCES
from workflows.forecasting import StepAhead, Whom, clocks_until, steps_ahead, whom
from workflows.models import Case, Clock, Event, Membership, User
from workflows.models.clock import ClockQuerySet
from workflows.registry import ROLES

# Recipients that name one office: whoever is told under such a name without holding it stands in for it.
OFFICES = {
    "责任单位负责人": "unit_head", "责任单位分管负责人": "deputy_head", "分管领导": "leader", "主要领导": "top_leader",
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """posts: unit and role, as far as held. stands_in: told in place of whoever should hold the office."""

    name: str
    posts: str
    stands_in: bool


@dataclass(frozen=True)
class Group:
    """The people a rung names by one word; empty where the office is held by nobody who may see the case."""

    label: str
    people: list[Person]


@dataclass(frozen=True)
class Line:
    """One moment of one clock. silent: it is logged and nobody is told, because a higher rung says it or by design.

    instead: nobody of the rung can be told, these are the ladder's fallback. nobody: and these neither.
    awaits: the level whose signature the case waits for.
    """

    at: datetime
    case: Case
    clock: str
    what: str
    colour: str
    fires: tuple[str, ...]
    groups: list[Group]
    silent: bool
    instead: bool
    nobody: bool
    awaits: str


def clocks_of(user: User, *, until: datetime, unit: int | None = None) -> ClockQuerySet:
    """Running clocks of cases this person may see that will make themselves heard by then, soonest first."""
    cases = Case.objects.visible_to(user)
    if unit is not None:
        cases = cases.filter(unit=unit)
    return clocks_until(until).filter(case__in=cases)


def lines_of(clocks: Sequence[Clock], *, at: datetime, until: datetime) -> list[Line]:
    """What happens to these clocks, by time. Statements grow with the people named, not with the clocks."""
    steps = steps_ahead(clocks, at=at, until=until)
    directory = Directory()
    told = whom(steps, lambda name, events: directory.knowing(AUDIENCES[name][1](events, directory)))
    told.update(_by_catalogue([step for step in steps if step.rung is None], directory))
    posts = _posts({user for each in told.values() for _, people in each.named for user in people})
    names = ClockNames({step.clock.pk: step.clock for step in steps}.values())
    levels = awaited({step.event.case_id: step.event.case for step in steps}.values())
    return [
        _line(step, told.get(step.event.pk), posts, names, levels.get(step.event.case_id, ""))
        for step in steps
    ]


def _by_catalogue(steps: Sequence[StepAhead], directory: Directory) -> dict[int, Whom]:
    """Deadlines without a ladder: as the catalogue of notices says."""
    found: dict[int, Whom] = {}
    by_name: dict[str, list[Event]] = defaultdict(list)
    for step in steps:
        by_name[step.event.name].append(step.event)
    for name, events in by_name.items():
        told = CATALOGUE[name]
        if not isinstance(told, Told):
            continue
        left = [event for event in events if told.applies(event)]
        for depth, audience in enumerate((told.audience, *told.fallbacks)):
            people: dict[int, list[User]] = defaultdict(list)
            for event, user in directory.knowing(audience(left, directory)) if left else ():
                people[event.pk].append(user)
            found.update({pk: Whom([("", users)], instead=depth > 0) for pk, users in people.items()})
            left = [event for event in left if event.pk not in people]
        found.update({event.pk: Whom([], instead=True) for event in left})
    return found


def _posts(people: Iterable[User]) -> dict[int, list[Membership]]:
    found: dict[int, list[Membership]] = defaultdict(list)
    held = Membership.objects.filter(user__in={user.pk for user in people}).select_related("unit")
    for membership in held.order_by("unit__code", "role"):
        found[membership.user_id].append(membership)
    return found


def _line(
    step: StepAhead, told: Whom | None, posts: dict[int, list[Membership]], names: ClockNames, awaits: str
) -> Line:
    case = step.event.case
    groups = [
        Group(label, [_person(user, label, posts[user.pk]) for user in people])
        for label, people in (told.named if told else ())
    ]
    return Line(
        at=step.event.recorded_at,
        case=case,
        clock=names.of(step.clock),
        what=_what(step),
        colour=step.rung.colour if step.rung else "",
        fires=step.fires,
        groups=groups,
        silent=told is None,
        instead=told is not None and told.instead,
        nobody=told is not None and told.nobody,
        awaits=awaits,
    )


def _what(step: StepAhead) -> str:
    if step.rung is None:
        return "逾期"
    times = step.event.data.get("times")
    return f"{step.rung.label}（第 {times} 次重复）" if times else step.rung.label


def _person(user: User, label: str, held: Sequence[Membership]) -> Person:
    office = OFFICES.get(label)
    roles = {membership.role for membership in held}
    posts = "、".join(
        f"{membership.unit.name}{ROLES[membership.role].label}"
        for membership in held
        if membership.role in ROLES
    )
    return Person(str(user), posts, stands_in=office is not None and office not in roles)
