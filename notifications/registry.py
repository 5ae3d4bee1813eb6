"""What is told about: every event name is declared here, with whom to tell and in which words, or as silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from workflows.models import Event
from workflows.registry import Registry


class Urgency(IntEnum):
    """How soon a person should know."""

    ROUTINE = 1
    PROMPT = 2
    URGENT = 3


@dataclass(frozen=True)
class Told:
    """An event people are told of.

    audience: user ids for each of a batch of events, in one go, so that planning costs few statements.
    words: one sentence with number and clock; no name, phone or content of a message.
    """

    words: Callable[[Event], str]
    audience: Callable[[Sequence[Event]], Iterable[tuple[Event, int]]]
    urgency: Urgency = Urgency.ROUTINE


@dataclass(frozen=True)
class Silent:
    """An event nobody is told of, and why that is right."""

    reason: str


CATALOGUE: Registry[Told | Silent] = Registry("通知")
