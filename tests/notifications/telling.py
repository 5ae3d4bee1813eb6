"""What the toy lifecycle tells whom, registered once for the whole test run, and short ways to make notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from notifications.directory import Directory, Pair
from notifications.models import Notice
from notifications.registry import CATALOGUE, PATHS, Audience, Silent, Told, Urgency
from tests.workflows.toy import parts  # noqa: F401  # registers
from workflows.engine import fire
from workflows.models import Case, Event
from workflows.relay import relay


def _at(role: str, place: str) -> Audience:
    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        units = {event.pk: getattr(event.case, f"{place}_id") for event in events}
        holders = directory.holders({(role, unit) for unit in units.values() if unit})
        for event in events:
            for user in holders.get((role, units[event.pk]), ()):
                yield event, user

    return find


def _still_given(events: Sequence[Event]) -> set[int]:
    return {event.pk for event in events if event.case.state == event.target}


CLERKS, WORKERS, WATCHERS = _at("toy_clerk", "desk"), _at("toy_worker", "lead"), _at("toy_watcher", "desk")

CATALOGUE.add("toy.opened", Silent("登记人自己知道"))
CATALOGUE.add(
    "toy.given",
    Told(
        lambda event: f"{event.case.number} 待领办", WORKERS, (CLERKS, WATCHERS),
        urgency=lambda event: Urgency.URGENT if event.case.facts.get("toy_grade") == "hard" else Urgency.PROMPT,
        still_true=_still_given,
    ),
)  # fmt: skip
CATALOGUE.add(
    "toy.remarked",
    Told(lambda event: f"{event.case.number} 有新备注", CLERKS, must_reach=False, urgency=Urgency.ROUTINE),
)
PATHS.add("toy", lambda number: f"/cases/{number}/")


def give(world, at: datetime, *, title: str = "一件事", hard: bool = False, lead=None) -> Case:
    """A case given to an office, its events not relayed yet."""
    case = world.case(at, title=title, facts={"toy_grade": "hard"} if hard else {})
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": (lead or world.office).pk})
    return Case.objects.get(pk=case.pk)


def given(world, at: datetime, **options: object) -> Case:
    """…and relayed, so that its notices are planned."""
    case = give(world, at, **options)  # type: ignore[arg-type]
    relay(at=at)
    return case


def mails() -> list[Notice]:
    return list(Notice.objects.filter(channel="mail").order_by("id"))
