"""Supervision orders and reminders."""

from __future__ import annotations

from opinion import supervising
from opinion.forms.base import MoveForm, code, one_unit, prose
from workflows.ladders import COLOURS, LEVELS
from workflows.published import lifecycle
from workflows.registry import form


def _colours(above: int) -> list[tuple[str, str]]:
    return [(name, COLOURS[name]) for name in LEVELS[above + 1 :]]


@form("issue_order")
class IssueOrderForm(MoveForm):
    """Against which unit, how grave, what is wrong and what is demanded."""

    unit = one_unit("被督办单位")
    colour = code("级别")
    problem = prose("督办事由", rows=4, help_text="写明办理中的问题；对事对单位，不写留言人的姓名、电话")
    demand = prose("督办要求", rows=3, help_text="写明应完成的事项；反馈期限由时限规则确定")

    def prepare(self) -> None:
        case = self.case
        units = {unit.pk: unit.name for unit in (case.lead, case.desk) if unit is not None}
        self.offer("unit", list(units.items()))
        self.offer("colour", _colours(0))
        self.initial.setdefault("unit", case.unit_id)


@form("raise_order")
class RaiseOrderForm(MoveForm):
    """To which colour, and why."""

    colour = code("升级为")
    remark = prose("升级理由", rows=3)

    def prepare(self) -> None:
        order = supervising.open_order(self.case)
        self.offer("colour", _colours(order.level if order else 0))


@form("answer_order")
class AnswerOrderForm(MoveForm):
    """The written feedback."""

    answer = prose("办理情况和逾期原因", rows=6, help_text="逐项写明已做的事、原因、下一步和完成时间")


@form("send_back_order")
class SendBackOrderForm(MoveForm):
    """What is lacking."""

    comments = prose("退回意见", rows=3)


@form("withdraw_order")
class WithdrawOrderForm(MoveForm):
    """Why the order no longer stands."""

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
        waiting = [clock.kind for clock in supervising.unacknowledged(self.case)]
        self.offer("clock", [(kind, declared[kind].label if kind in declared else kind) for kind in waiting])
        if waiting:
            self.initial.setdefault("clock", waiting[0])
