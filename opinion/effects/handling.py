"""Taking up a case and what was done away from the desk."""

from __future__ import annotations

from opinion.models import Visit
from workflows.moves import Move
from workflows.registry import effect


@effect
def claim(move: Move) -> None:
    move.set(user_id=move.by.pk)


@effect
def release(move: Move) -> None:
    move.log(user=move.case.user_id)
    move.set(user_id=None)


def _visit(move: Move, *, first: bool) -> None:
    said = move.data
    move.log(action=said["action"], took_place=said["happened_at"].isoformat())
    visit = Visit(
        case=move.case, action=said["action"], happened_at=said["happened_at"], place=said.get("place", ""),
        people=said.get("people", ""), outcome=said["outcome"], first_contact=first,
        author=move.by, unit_id=move.case.lead_id or move.held_by, written_at=move.at,
    )  # fmt: skip
    move.add(visit)


@effect
def record_first_contact(move: Move) -> None:
    """data: action (code), happened_at (aware), place, people, outcome (text)."""
    _visit(move, first=True)


@effect
def record_visit(move: Move) -> None:
    """data as in `record_first_contact`."""
    _visit(move, first=False)
