"""What belongs to a case by a number of its own (orders, co-tasks, review tasks): which one a move means, and keeping it."""

from __future__ import annotations

from typing import Any, TypeVar

from opinion.models import CoTask, ReviewTask, SupervisionOrder
from workflows.errors import Cannot
from workflows.moves import Move

R = TypeVar("R", CoTask, ReviewTask, SupervisionOrder)


def is_meant(number: int, named: Any) -> bool:
    """Whether a form means the one of this number: it names it, or leaves it open."""
    return named in (None, "", number, str(number))


def found(move: Move, row: R | None, what: str) -> R:
    """what: its Chinese name. Raises Cannot where there is none to be dealt with in this way."""
    if row is None:
        raise Cannot(f"{move.case.number} 没有可以这样办理的{what}")
    return row


def keep(move: Move, name: str, row: R, *fields: str, **codes: str) -> None:
    """Save what a move changed of it, and put its number, under this name, and its unit on the event."""
    row.save(update_fields=fields)
    move.log(**{name: row.number}, unit=row.unit_id, **codes)
