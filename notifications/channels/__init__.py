"""Ways to reach a person. Another one (a chat robot, a text message) is a class of this kind and a line in CHANNELS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from workflows.models import User
from workflows.registry import Registry


@dataclass(frozen=True)
class Line:
    """One notice in a letter. path: of the case's page, from the root of the site."""

    words: str
    path: str
    urgent: bool = False


@dataclass(frozen=True)
class Letter:
    """What is sent at once to one person: a notice, or a digest of many.

    key: the same whenever the same letter is sent again, so that the receiving side can tell.
    """

    key: str
    to: User
    lines: tuple[Line, ...]


class Undelivered(Exception):
    """The letter did not go. code: short, without a person's data.

    permanent: trying again is no use. channel_down: nor is trying another letter now.
    """

    def __init__(self, code: str, *, permanent: bool = False, channel_down: bool = False) -> None:
        super().__init__(code)
        self.code = code[:40]
        self.permanent = permanent
        self.channel_down = channel_down


Send = Callable[[Letter], None]


class Channel(ABC):
    """is_row: the notice's own row is the delivery, so it happens exactly once, in the transaction that plans it."""

    label: str
    is_row = False

    @abstractmethod
    def reaches(self, user: User) -> bool:
        """Whether this person can be reached this way at all."""

    def send(self, letter: Letter) -> None:
        """Hand the letter over, or raise Undelivered. Called outside any transaction, at least once a letter."""
        raise NotImplementedError

    @contextmanager
    def session(self) -> Iterator[Send]:
        """`send`, with whatever connection it needs kept open between letters."""
        yield self.send


CHANNELS: Registry[Channel] = Registry("通知渠道")
