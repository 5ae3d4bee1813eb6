"""Supervision orders and reminders."""

from __future__ import annotations

from opinion import supervising
from opinion.forms.base import MoveForm, code, one_unit, prose
from opinion.models import SupervisionOrder
from opinion.models.supervision import AWAITING
from workflows.ladders import COLOURS, LEVELS
from workflows.published import lifecycle
from workflows.registry import form


def _colours(above: int) -> list[tuple[str, str]]:
    return [(name, COLOURS[name]) for name in LEVELS[above + 1 :]]


class OrderForm(MoveForm):
    """Which of the open orders is meant; there is mostly one."""

    order = code("督办单")

    def meant(self) -> list[SupervisionOrder]:
        """Those this person can do this with."""
        return supervising.open_orders(self.case)

    def prepare(self) -> None:
        orders = self.meant()
        self.offer(
            "order",
            [
                (str(o.number), f"{o.title}（{o.unit}，{COLOURS[o.colour]}，{o.get_state_display()}）")
                for o in orders
            ],
        )
        if len(orders) == 1:
            self.initial.setdefault("order", str(orders[0].number))


@form("issue_order")
class IssueOrderForm(MoveForm):
    """Against which unit, how grave, what is wrong and what is demanded."""

    unit = one_unit("被督办单位")
    colour = code("级别")
    problem = prose("督办事由", rows=4, help_text="写明办理中的问题；对事对单位，不写留言人的姓名、电话")
    demand = prose("督办要求", rows=3, help_text="写明应完成的事项；反馈期限由时限规则确定")

    def prepare(self) -> None:
        case = self.case
        taken = {order.unit_id for order in supervising.open_orders(case)}
        units = {
            unit.pk: unit.name for unit in (case.lead, case.desk) if unit is not None and unit.pk not in taken
        }
        self.offer("unit", list(units.items()))
        self.offer("colour", _colours(0))
        if case.unit_id in units:
            self.initial.setdefault("unit", case.unit_id)


@form("raise_order")
class RaiseOrderForm(OrderForm):
    """To which colour, and why."""

    otherwise = ("withdraw_order",)
    colour = code("升级为")
    remark = prose("升级理由", rows=3)

    def prepare(self) -> None:
        super().prepare()
        self.offer("colour", _colours(min((order.level for order in self.meant()), default=0)))


@form("acknowledge_order")
class AcknowledgeOrderForm(OrderForm):
    """Which order one has taken note of."""

    def meant(self) -> list[SupervisionOrder]:
        return supervising.own_orders(self.case, self.by, SupervisionOrder.State.ISSUED)


@form("answer_order")
class AnswerOrderForm(OrderForm):
    """The written feedback."""

    answer = prose("办理情况和逾期原因", rows=6, help_text="逐项写明已做的事、原因、下一步和完成时间")

    def meant(self) -> list[SupervisionOrder]:
        return supervising.own_orders(self.case, self.by, *AWAITING)


class AnsweredOrderForm(OrderForm):
    """One whose feedback is there."""

    def meant(self) -> list[SupervisionOrder]:
        return supervising.open_orders(self.case, SupervisionOrder.State.ANSWERED)


@form("send_back_order")
class SendBackOrderForm(AnsweredOrderForm):
    """What is lacking."""

    otherwise = ("close_order",)
    comments = prose("退回意见", rows=3)


@form("close_order")
class CloseOrderForm(AnsweredOrderForm):
    """The verdict."""

    otherwise = ("send_back_order",)
    remark = prose("审结意见", rows=3, required=False)


@form("withdraw_order")
class WithdrawOrderForm(OrderForm):
    """Why the order no longer stands."""

    otherwise = ("raise_order",)
    remark = prose("撤销理由", rows=3)


@form("urge")
class UrgeForm(MoveForm):
    """A word to those who hold the case."""

    remark = prose("催办内容", rows=3, required=False, help_text="可不填；不写留言人的姓名、电话")


@form("acknowledge_rung")
class AcknowledgeRungForm(MoveForm):
    """Of which deadline one has taken note."""

    clock = code("时限")

    def prepare(self) -> None:
        declared = lifecycle(self.case.definition_id).clocks
        waiting = [clock.kind for clock in supervising.unacknowledged(self.case, self.by)]
        self.offer("clock", [(kind, declared[kind].label if kind in declared else kind) for kind in waiting])
        if waiting:
            self.initial.setdefault("clock", waiting[0])
