"""In which unit somebody wrote a text: kept with it, so that it stays true when they move on."""

from __future__ import annotations

from workflows.moves import Move


def office_of(move: Move) -> int:
    """Id of the unit in which whoever makes the move works, as approvals choose it (`Finder.office_of`).

    Of several, the one that has the case or has to do with it. The system works wherever the case is.
    """
    units = move.by.standing.units
    near = [pk for pk in (move.held_by, move.case.desk_id, move.case.lead_id) if pk in units]
    return next(iter([*near, *sorted(units)]), None) or move.held_by
