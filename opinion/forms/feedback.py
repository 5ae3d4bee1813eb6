"""Call-back, rating and the ways a case ends."""

from __future__ import annotations

from django import forms

from opinion.calling import works_for_the_handling
from opinion.codes import DISSATISFIED, GRADES, SATISFIED
from opinion.forms.base import MoveForm, code, moment, offer_codes, prose
from workflows.registry import form

ENDED_BY_DESK = ("c1", "c6", "c8")
STATUTORY = ("c2", "c4")
# Of satisfaction: that the person has said nothing of it.
UNSAID = ("unrated", "unreachable")


def _grade(label: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=5, required=False, help_text="1 至 5 分")


@form("call_back")
class CallBackForm(MoveForm):
    """The person was reached."""

    happened_at = moment("时间", help_text="实际回访的时间")
    record = prose("回访记录", help_text="本人对办理过程和结果的说法")


@form("record_unreached")
class UnreachedForm(MoveForm):
    """An attempt that did not reach the person."""

    happened_at = moment("时间", help_text="实际拨打的时间")
    record = prose("未接通情况", required=False, rows=3)


class GradedForm(MoveForm):
    """Satisfaction and the three grades of the leader board."""

    satisfaction = code("满意度")
    solved = _grade("解决程度")
    manner = _grade("办理态度")
    speed = _grade("办理速度")
    remark = prose("本人意见", required=False, rows=3)
    offered: tuple[str, ...] = ()

    def prepare(self) -> None:
        offer_codes(self, "satisfaction", "satisfaction", *self.offered)


@form("rate")
class RateForm(GradedForm):
    """The person is content; the case ends."""

    offered = SATISFIED


@form("redo")
class RedoForm(GradedForm):
    """The person is not; the case is handled again."""

    offered = DISSATISFIED
    remark = prose("不满意的原因和诉求", help_text="承办单位据此重新办理")


@form("close")
class CloseForm(GradedForm):
    """Ended by the desk, with a reason; a rating is kept if there is one.

    Whoever may not ask the person has none to record: only that there is none.
    """

    reason = code("办结理由")
    satisfaction = code("满意度", required=False)
    remark = prose("办结说明", rows=3)
    field_order = ["reason", "satisfaction"]

    def prepare(self) -> None:
        self.offered = UNSAID
        if works_for_the_handling(self.case, self.by):
            for grade in GRADES:
                del self.fields[grade]
        else:
            self.offered = (*SATISFIED, *DISSATISFIED, *UNSAID)
        super().prepare()
        offer_codes(self, "reason", "close_reason", *ENDED_BY_DESK)


@form("reopen")
class ReopenForm(MoveForm):
    """Handled again after it ended."""

    remark = prose("重新办理的理由")


@form("refer")
class ReferForm(MoveForm):
    """Another law governs this; the person has been told where to go."""

    reason = code("转出理由")
    told = prose("告知内容", help_text="告知留言人的途径、受理机关和联系方式")

    def prepare(self) -> None:
        offer_codes(self, "reason", "close_reason", *STATUTORY)


@form("withdraw")
class WithdrawForm(MoveForm):
    """The person takes the message back."""

    remark = prose("撤回情况", help_text="本人何时、以何种方式提出撤回")
