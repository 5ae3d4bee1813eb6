"""In which unit somebody wrote a text: kept with it, so that it stays true when they move on."""

from __future__ import annotations

from workflows.approvals.people import nearest
from workflows.moves import Move


def office_of(move: Move) -> int:
    """Id of the unit in which whoever makes the move works, as approvals choose it. The system works wherever the case is."""
    return nearest(sorted(move.by.standing.units), move.case, holder=move.held_by) or move.held_by
