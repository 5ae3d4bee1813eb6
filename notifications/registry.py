"""What is told about: every event name is declared here, with whom to tell and in which words, or as silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from workflows.models import Event, User
from workflows.registry import Registry

if TYPE_CHECKING:
    from notifications.directory import Directory


class Urgency(IntEnum):
    """How soon a person should know. URGENT waits for no quiet hours."""

    ROUTINE = 1
    PROMPT = 2
    URGENT = 3


LABELS = {Urgency.ROUTINE: "一般", Urgency.PROMPT: "及时", Urgency.URGENT: "紧急"}

# What each of these events says, by its id.
Sentences = Callable[[Sequence[Event]], Mapping[int, str]]
# For a batch of events, people for each, in one go, so that planning costs few statements.
Audience = Callable[[Sequence[Event], "Directory"], Iterable[tuple[Event, User]]]
# Of these events, the ids of those whose notice is still worth sending.
StillTrue = Callable[[Sequence[Event]], set[int]]
# Of these events and people, the ids of those pairs in which the event still asks that person for something.
StillFor = Callable[[Sequence[tuple[Event, User]]], set[tuple[int, int]]]


def always_true(events: Sequence[Event]) -> set[int]:
    """What happened has happened: such a notice never becomes untrue."""
    return {event.pk for event in events}


@dataclass(frozen=True)
class InOneGo:
    """Words that ask the database something: of a whole batch at once, so that planning costs few statements."""

    say: Sentences


@dataclass(frozen=True)
class Told:
    """An event people are told of.

    words: one sentence with number and clock; no name, phone or content of a message.
    audience: whom. Whoever may not see the case, or made the move, is left out by the planning.
    fallbacks: whom to tell instead when nobody in the audience may see the case, tried in turn.
    must_reach: whether an alert is raised when nobody is left even then.
    urgency: one for all, or by event. applies: which of these events are told at all.
    still_true: asked again before anything is sent, and whenever something happens to the case until it is read.
    still_for: asked besides where an event asks several people, each for their own part.
    """

    words: Callable[[Event], str] | InOneGo
    audience: Audience
    fallbacks: tuple[Audience, ...] = ()
    must_reach: bool = True
    urgency: Urgency | Callable[[Event], Urgency] = Urgency.ROUTINE
    applies: Callable[[Event], bool] = lambda event: True
    still_true: StillTrue = always_true
    still_for: StillFor | None = None

    def sentences(self, events: Sequence[Event]) -> Mapping[int, str]:
        if isinstance(self.words, InOneGo):
            return self.words.say(events)
        return {event.pk: self.words(event) for event in events}

    def urgency_of(self, event: Event) -> Urgency:
        return self.urgency if isinstance(self.urgency, Urgency) else self.urgency(event)


@dataclass(frozen=True)
class Silent:
    """An event nobody is told of, and why that is right."""

    reason: str


CATALOGUE: Registry[Told | Silent] = Registry("通知")
# Kind of case → the path of its page, given its number.
PATHS: Registry[Callable[[str], str]] = Registry("案件页面")
# Whether this person looks after notices that could not be delivered or had nobody to go to.
WATCHERS: Registry[Callable[[User], bool]] = Registry("告警查看人")


def watches(user: User) -> bool:
    """Whether the alerts are shown to this person."""
    return user.is_superuser or any(watcher(user) for _, watcher in WATCHERS.items())
