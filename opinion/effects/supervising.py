"""Supervision orders, reminders and taking note of them. Texts are notes beside the event, the order has none."""

from __future__ import annotations

from collections.abc import Sequence

from opinion import supervising
from opinion.models import SupervisionOrder
from opinion.models.supervision import AWAITING
from opinion.numbered import found, keep
from workflows.errors import Cannot
from workflows.ladders import LEVELS
from workflows.models import Clock
from workflows.moves import Move
from workflows.registry import coloured, effect

State = SupervisionOrder.State
# What the system writes where a ladder, not a person, issues the order.
LATE = "“{clock}”已逾期，尚未完成。"
DEMAND = "请立即办理，并在反馈期限内书面报告办理情况和逾期原因。"


@coloured
def issue_order(move: Move) -> None:
    """data: colour, and either clock, cycle, rung (a ladder's) or unit (id), problem, demand (texts)."""
    case, said = move.case, move.data
    clock = str(said.get("clock", ""))
    unit = said.get("unit") or supervising.responsible(case, clock)
    number = max((order.number for order in supervising.orders_of(case)), default=0) + 1
    order = SupervisionOrder(
        case=case, number=number, unit_id=unit, level=LEVELS.index(said["colour"]), clock=clock,
        cycle=said.get("cycle", 0), issuer=move.by, issued_at=move.at,
        reminders=supervising.times_urged(case),
    )  # fmt: skip
    move.add(order)
    move.begin(order.feedback)
    move.log(order=order.number, unit=unit, colour=said["colour"], **({"clock": clock} if clock else {}))
    move.note("problem", said.get("problem") or _what_is_late(move, clock))
    move.note("demand", said.get("demand") or DEMAND)


@effect
def propose_order(move: Move) -> None:
    """data as in `issue_order`, by a person: the order is issued when the leader agrees."""
    said = move.data
    move.log(unit=said["unit"], colour=said["colour"])
    move.note("problem", said["problem"])
    move.note("demand", said["demand"])


def _what_is_late(move: Move, kind: str) -> str:
    declared = move.lifecycle.clocks.get(kind)
    return LATE.format(clock=declared.label if declared else kind)


@coloured
def raise_order(move: Move) -> None:
    """data: colour, and either clock (a ladder's) or order (number) and remark (text).

    Feedback given already was given to a milder order: it is asked for again.
    """
    wanted = LEVELS.index(move.data["colour"])
    order = _meant(move, [order for order in supervising.open_orders(move.case) if order.level < wanted])
    order.level = wanted
    if order.state == State.ANSWERED:
        order.send_back()
        move.begin(order.feedback)
    keep(move, "order", order, "level", "state", "rounds", colour=move.data["colour"])
    move.note("remark", move.data.get("remark", ""))


@effect
def acknowledge_order(move: Move) -> None:
    """data: order (number)."""
    order = _meant(move, supervising.own_orders(move.case, move.by, State.ISSUED))
    order.acknowledge(move.by, move.at)
    keep(move, "order", order, "state", "acknowledged_by", "acknowledged_at")


@effect
def answer_order(move: Move) -> None:
    """data: order (number), answer (text)."""
    order = _meant(move, supervising.own_orders(move.case, move.by, *AWAITING))
    order.answer(move.by, move.at)
    move.meet(order.feedback)
    keep(move, "order", order, "state", "acknowledged_by", "acknowledged_at", "answered_at")
    move.note("answer", move.data["answer"])


@effect
def send_back_order(move: Move) -> None:
    """data: order (number), comments (text)."""
    order = _meant(move, supervising.open_orders(move.case, State.ANSWERED))
    order.send_back()
    move.begin(order.feedback)
    keep(move, "order", order, "state", "rounds")
    move.note("comments", move.data["comments"])


@effect
def close_order(move: Move) -> None:
    """data: order (number), remark (text)."""
    order = _meant(move, supervising.open_orders(move.case, State.ANSWERED))
    order.close(move.at)
    keep(move, "order", order, "state", "ended_at")
    move.note("remark", move.data.get("remark", ""))


@effect
def withdraw_order(move: Move) -> None:
    """data: order (number), remark (text)."""
    order = _meant(move, supervising.open_orders(move.case))
    order.withdraw(move.at)
    move.end(order.feedback)
    keep(move, "order", order, "state", "ended_at")
    move.note("remark", move.data["remark"])


@effect
def end_orders(move: Move) -> None:
    """The case is closed: what was demanded has been done or can no longer be."""
    lapse(move, supervising.open_orders(move.case))


def lapse(move: Move, orders: Sequence[SupervisionOrder]) -> None:
    """End orders that a move leaves without a subject; its event names them."""
    for order in orders:
        order.lapse(move.at)
        order.save(update_fields=["state", "ended_at"])
        move.end(order.feedback)
    if orders:
        move.log(lapsed=[order.number for order in orders])


@effect
def urge(move: Move) -> None:
    """data: remark (text). Addressed to whoever holds the case; changes no clock."""
    move.log(unit=move.case.unit_id, times=supervising.times_urged(move.case) + 1)
    move.note("remark", move.data.get("remark", ""))


@effect
def acknowledge_urge(move: Move) -> None:
    newest = supervising.last_urge_waits(move.case)
    if newest is None:
        raise Cannot("没有等待知悉的催办")
    move.log(answers=newest.seq)


@effect
def acknowledge_rung(move: Move) -> None:
    """data: clock (kind). What repeats itself until somebody takes note falls silent."""
    clock = _clock(move)
    move.log(clock=clock.kind, cycle=clock.cycle, step=clock.rung)


def _clock(move: Move) -> Clock:
    kind = move.data.get("clock")
    for clock in supervising.unacknowledged(move.case, move.by):
        if kind in (None, "", clock.kind):
            return clock
    raise Cannot("没有等待知悉的提醒")


def _meant(move: Move, orders: list[SupervisionOrder]) -> SupervisionOrder:
    return found(move, supervising.meant(orders, move.data, move.case), "督办单")
