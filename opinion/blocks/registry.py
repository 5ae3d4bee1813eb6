"""Which blocks a kind of case has, in their order on the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workflows.models import Case, User

if TYPE_CHECKING:
    from opinion.casefile import CodeLabels
    from opinion.contacts.book import Person


@dataclass(frozen=True)
class Viewing:
    """A case being shown. person: who wrote it, in clear, to be masked; None where nobody did or it cannot be opened."""

    case: Case
    viewer: User
    codes: CodeLabels
    person: Person | None
    at: datetime


@dataclass(frozen=True)
class Block:
    """One block. template: below `opinion/case/`; it finds what it shows as `block.data`."""

    template: str
    data: Any


Reader = Callable[[Viewing], Block | None]

_READERS: dict[str, list[Reader]] = defaultdict(list)


def block_of(kind: str) -> Callable[[Reader], Reader]:
    """Register a reader as the next block of a kind of case; it returns None where there is nothing to show."""

    def register(reader: Reader) -> Reader:
        _READERS[kind].append(reader)
        return reader

    return register


def blocks_of(viewing: Viewing) -> list[Block]:
    """The blocks of this case; a kind that registered none has none."""
    found = (reader(viewing) for reader in _READERS.get(viewing.case.kind, ()))
    return [block for block in found if block is not None]
