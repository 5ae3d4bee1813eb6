"""Which units handle a case, and how it is classed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opinion import supervising
from opinion.cohandling import standing
from opinion.effects.cohandling import ask, let_go
from opinion.effects.supervising import lapse
from opinion.models import Message
from workflows import extensions
from workflows.models import Participation
from workflows.moves import Move
from workflows.registry import effect

HANDLING = (Participation.Role.LEAD, Participation.Role.ASSISTING)
CLASSED = ("type", "domain", "urgency", "complexity")


def _let_go(move: Move, lead: int | None = None) -> None:
    """The units handling so far lose sight of the case, and with it of the orders against them and of their tasks."""
    if move.case.lead_id is not None and move.case.lead_id != lead:
        against = [o for o in supervising.open_orders(move.case) if o.unit_id == move.case.lead_id]
        lapse(move, against)
    if move.case.lead_id is not None:
        parts = Participation.objects.filter(case=move.case, role__in=HANDLING, ended_at=None)
        parts.update(ended_at=move.at)


def take_on(move: Move, lead: int, assisting: Sequence[int] | None = ()) -> None:
    """These units handle the case now, and no others. assisting: None where whoever helps goes on helping."""
    if assisting is None:
        assisting = [task.unit_id for task in standing(move.case)]
    helping = [unit for unit in dict.fromkeys(assisting) if unit != lead]
    # Nobody helps where nobody leads, which is how most cases come here.
    going_on = let_go(move, keep=helping) if move.case.lead_id is not None else []
    _let_go(move, lead)
    move.set(lead_id=lead)
    move.add(Participation(case=move.case, unit_id=lead, role=Participation.Role.LEAD, started_at=move.at))
    for unit in helping:
        move.add(
            Participation(case=move.case, unit_id=unit, role=Participation.Role.ASSISTING, started_at=move.at)
        )
    move.log(lead=lead, **({"assisting": helping} if helping else {}))
    at_it = {task.unit_id for task in going_on}
    ask(move, [unit for unit in helping if unit not in at_it], required=True, standing=going_on)


@effect
def assign_units(move: Move) -> None:
    """data: lead, assisting (unit ids), requirement (text).

    A unit that helps already goes on with its task; all do where a form does not ask which.
    """
    if move.case.lead_id is not None and move.case.lead_id != move.data["lead"]:
        move.log(from_lead=move.case.lead_id)
    take_on(move, move.data["lead"], move.data.get("assisting"))
    move.note("requirement", move.data.get("requirement", ""))


@effect
def release_units(move: Move) -> None:
    """Back to the desk: nobody handles it."""
    move.log(from_lead=move.case.lead_id)
    let_go(move)
    _let_go(move)
    move.set(lead_id=None)


@effect
def transfer_units(move: Move) -> None:
    """data: lead, assisting, requirement. The state stays, so the holder changes here; clocks go on as they are."""
    assign_units(move)
    extensions.drop(move)
    if move.lifecycle.states[move.case.state].holder == "lead":
        move.set(unit_id=move.data["lead"], user_id=None)


@effect
def record_decline(move: Move) -> None:
    """data: reason (code), basis (text), suggested (unit id or None)."""
    move.log(unit=move.case.lead_id, reason=move.data["reason"])
    if move.data.get("suggested"):
        move.log(suggested=move.data["suggested"])
    move.note("basis", move.data["basis"])


@effect
def record_dispute(move: Move) -> None:
    """data: basis (text), suggested (unit id or None)."""
    move.log(unit=move.case.lead_id)
    if move.data.get("suggested"):
        move.log(suggested=move.data["suggested"])
    move.note("basis", move.data["basis"])


@effect
def classify(move: Move) -> None:
    """data: type, domain, urgency, complexity (codes). Logs what each was before; clocks take the limit now fitting."""
    before: dict[str, Any] = {name: move.case.facts.get(name, "") for name in CLASSED}
    after = {name: move.data.get(name, before[name]) for name in CLASSED}
    changed = {name: code for name, code in after.items() if code != before[name]}
    if changed:
        move.log(**changed, was={name: before[name] for name in changed})
        Message.objects.filter(case=move.case).update(**changed)
        move.set(facts={**move.case.facts, **changed})
    move.note("remark", move.data.get("remark", ""))
