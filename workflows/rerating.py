"""What other facts of a case would do to its clocks, said before it is done, by the very code that then does it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.chain import text_digest
from workflows.clocks import ClockBook
from workflows.dues import limit_of
from workflows.models import Case, User
from workflows.permits import permitted


@dataclass(frozen=True)
class Rerated:
    """One clock. before: None where it begins; after: None where it ends. Limits in words."""

    kind: str
    before: datetime | None
    after: datetime | None
    limit_before: str = ""
    limit_after: str = ""


def foresee_facts(
    case: Case, name: str, facts: dict[str, Any], *, by: User, at: datetime, rev: int
) -> list[Rerated]:
    """Clocks that the move `name`, which leaves the state as it is, would change by giving the case these facts.

    Nothing is locked and nothing written. Raises MayNot, Already or Cannot, as the door would.
    """
    move = permitted(copy(case), name, by=by, at=at, data={}, rev=rev)
    if move.transition.to != "stay":
        raise ValueError(f"{name} 会改变状态，不能只看属性")
    book = ClockBook.of([case.pk], {case.policy_id})
    before = _shown(book, case)
    move.set(facts=facts)
    book.turn(move, case.state)
    after = _shown(book, case)
    return [
        Rerated(kind, was[0], now[0], was[1], now[1])
        for kind in sorted(before.keys() | after.keys())
        if (was := before.get(kind, NOTHING)) != (now := after.get(kind, NOTHING))
    ]


NOTHING: tuple[datetime | None, str] = (None, "")


def _shown(book: ClockBook, case: Case) -> dict[str, tuple[datetime | None, str]]:
    """Kind of a going clock → due moment and limit in words."""
    return {
        kind: (going.clock.due_at, limit_of(going.clock.limit).label)
        for kind, going in book.going[case.pk].items()
    }


def seal(facts: dict[str, Any], clocks: list[Rerated]) -> str:
    """What a person was shown, as a digest: other facts or other limits need another look.

    Without the moments: those of a clock that only begins go by the second.
    """
    shown = [[clock.kind, clock.limit_before, clock.limit_after] for clock in clocks]
    return text_digest(repr((sorted(facts.items()), shown)))
