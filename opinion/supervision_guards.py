"""When an order may be issued, raised, answered and ended, and when a reminder may be sent. Pure."""

from __future__ import annotations

from django.utils import timezone

from opinion import supervising
from opinion.merged_waiting import waits
from opinion.merging import MASTERS_CLOCKS
from opinion.models import SupervisionOrder
from opinion.models.supervision import AWAITING
from workflows.ladders import LEVELS
from workflows.models import Clock, Unit
from workflows.moves import Move
from workflows.registry import Refusal, guard

State = SupervisionOrder.State
# What was proposed is issued with the last signature; the case may have become another since.
DISPATCH = "dispatch_order"


@guard
def order_names_a_unit_of_the_case(move: Move) -> Refusal | None:
    """Late with a duplicate that waits for its master is whoever has the master, and its own clocks say so."""
    if _waits_for_master(move):
        return Refusal("本案等主案件答复，由主案件的责任单位负责，不对本案督办")
    if "unit" not in move.data or move.data["unit"] in {move.case.desk_id, move.case.lead_id}:
        return None
    if move.name == DISPATCH:
        unit = Unit.objects.get(pk=move.data["unit"])
        return Refusal(f"{unit}已不承办本案，不能再对其签发督办单：请选“{_refuse(move)}”，由督办员另行报请")
    return Refusal("被督办单位应为本案的主办单位或受理台，请另选")


def _waits_for_master(move: Move) -> bool:
    """Whether a rung would have somebody answer for the time that a duplicate waits. Asked of what the sweep does only."""
    return move.data.get("clock") in MASTERS_CLOCKS and waits(move.case)


@guard
def no_order_is_open(move: Move) -> Refusal | None:
    """One at a time against a unit; a graver reason raises the open one."""
    case, said = move.case, move.data
    against = {order.unit_id: order for order in supervising.open_orders(case)}
    if "clock" in said:
        asked = {supervising.responsible(case, str(said["clock"]))}
    else:
        asked = {said["unit"]} if "unit" in said else {unit for unit in (case.desk_id, case.lead_id) if unit}
    if not asked <= set(against):
        return None
    order = against[next(iter(asked))]
    issued = f"{timezone.localtime(order.issued_at):%Y-%m-%d %H:%M}"
    way_out = (
        f"：请选“{_refuse(move)}”并写明，需要加重的由督办员升级" if move.name == DISPATCH else "，可以升级"
    )
    return Refusal(
        f"对{order.unit}已有未审结的督办单 {order.title}（{order.issuer}于 {issued} 签发），不能重复签发{way_out}",
        already=True,
    )


def _refuse(move: Move) -> str:
    """What giving a proposed order back is called: for whoever was to sign it, the way on."""
    return move.lifecycle.transitions[move.lifecycle.approvals["order"].returns].label


@guard
def order_can_be_raised(move: Move) -> Refusal | None:
    """Colours only get graver, and one unit's lateness does not weigh on another."""
    if _waits_for_master(move):
        return Refusal("本案等主案件答复，由主案件的责任单位负责，不对本案升级督办")
    wanted = LEVELS.index(move.data["colour"]) if "colour" in move.data else len(LEVELS) - 1
    orders = supervising.open_orders(move.case)
    if supervising.meant([order for order in orders if order.level < wanted], move.data, move.case):
        return None
    order = supervising.meant(orders, move.data, move.case)
    if order is None:
        return Refusal("没有未审结的督办单可以升级")
    return Refusal(f"督办单 {order.title} 已是这一级别或更高", already=True)


def _meant(move: Move, orders: list[SupervisionOrder], otherwise: str) -> Refusal | None:
    return None if supervising.meant(orders, move.data, move.case) else Refusal(otherwise)


@guard
def order_awaits_receipt(move: Move) -> Refusal | None:
    own = supervising.own_orders(move.case, move.by, State.ISSUED)
    return _meant(move, own, "没有等待本单位签收的督办单")


@guard
def order_awaits_answer(move: Move) -> Refusal | None:
    own = supervising.own_orders(move.case, move.by, *AWAITING)
    return _meant(move, own, "没有等待本单位反馈的督办单")


@guard
def order_was_answered(move: Move) -> Refusal | None:
    answered = supervising.open_orders(move.case, State.ANSWERED)
    return _meant(move, answered, "没有已反馈、等待审结的督办单")


@guard
def order_is_open(move: Move) -> Refusal | None:
    return _meant(move, supervising.open_orders(move.case), "没有未审结的督办单")


@guard
def not_urged_just_now(move: Move) -> Refusal | None:
    """Reminders are spaced by the policy's rule `urge`: whoever is reminded needs time to act."""
    until = supervising.next_urge_at(move.case)
    if until is None or move.at >= until:
        return None
    return Refusal(f"刚催办过，{timezone.localtime(until):%Y-%m-%d %H:%M} 之后才能再次催办")


@guard
def somebody_holds_the_case_up(move: Move) -> Refusal | None:
    """There is a deadline to remind somebody of, and it is not the own unit that is to be reminded."""
    if move.case.due_at is None and not move.case.clocks.filter(state=Clock.State.RUNNING).exists():
        return Refusal("本案没有正在计时的时限，无须催办")
    if supervising.works_for(move.by, move.case.unit_id):
        return Refusal("本案就在您所在的单位，无须催办自己")
    return None


@guard
def urge_waits_for_receipt(move: Move) -> Refusal | None:
    urge = supervising.last_urge_waits(move.case)
    if urge is None:
        return Refusal("没有等待知悉的催办")
    if not supervising.works_for(move.by, urge.data["unit"]):
        return Refusal("由被催办的单位知悉")
    return None


@guard
def rung_waits_for_receipt(move: Move) -> Refusal | None:
    waiting = {clock.kind for clock in supervising.unacknowledged(move.case, move.by)}
    kind = move.data.get("clock")
    if kind in waiting or (kind is None and waiting):
        return None
    return Refusal("没有等待知悉的提醒", already=True)
