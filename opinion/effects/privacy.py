"""Who must not see a case."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from opinion.effects.cohandling import end_co_tasks
from workflows.approvals.departed import replace_in
from workflows.models import Participation
from workflows.moves import Move
from workflows.registry import effect


@effect
def bar_unit(move: Move) -> None:
    """data: unit (id). The case is restricted from here on, which leaves helpers without a view of it; a unit barred
    already stays barred. Whoever was asked to sign and may not know of it any more is replaced.
    """
    unit = move.data["unit"]
    parts = Participation.objects.filter(
        case=move.case, unit=unit, role=Participation.Role.BARRED, ended_at=None
    )
    if not parts.exists():
        move.add(
            Participation(case=move.case, unit_id=unit, role=Participation.Role.BARRED, started_at=move.at)
        )
    end_co_tasks(move)
    move.set(restricted=True)
    transaction.on_commit(partial(replace_in, move.case.pk, at=move.at))
    move.log(unit=unit)
    move.note("remark", move.data.get("remark", ""))
