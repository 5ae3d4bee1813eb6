"""The three ways a move can be refused, each a different error with a Chinese sentence for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflows.models import Event


class MoveRefused(Exception):
    """A move that did not happen. `str()` is fit to show."""


class MayNot(MoveRefused):
    """This person may not make this move on this case."""


class Cannot(MoveRefused):
    """Nobody can make this move from where the case stands."""


class Already(MoveRefused):
    """The moment has passed: it was done, or decided otherwise, before. `event` says by whom and when."""

    def __init__(self, message: str, event: Event | None = None) -> None:
        super().__init__(message)
        self.event = event


class UnknownCase(MoveRefused):
    """There is no such case."""
