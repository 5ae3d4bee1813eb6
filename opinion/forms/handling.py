"""What the unit did, and pauses."""

from __future__ import annotations

from opinion.forms.base import MoveForm, code, line, moment, offer_codes, prose
from workflows.registry import form


@form("record_visit")
class VisitForm(MoveForm):
    """Offline work: how, when, where, with whom, and what came of it."""

    action = code("办理方式")
    happened_at = moment("时间", help_text="实际发生的时间，不是填写的时间")
    place = line("地点")
    people = line("参加人员", help_text="写单位和职务即可，不写留言人的姓名、电话")
    outcome = prose("情况记录")

    def prepare(self) -> None:
        offer_codes(self, "action", "offline_action")


@form("contact")
class ContactForm(VisitForm):
    """First contact with the person."""

    def prepare(self) -> None:
        super().prepare()
        self.initial.setdefault("action", "phone")


@form("suspend")
class SuspendForm(MoveForm):
    """A reason of the short list, and the particulars."""

    reason = code("暂停理由", help_text="只有列出的情形可以暂停，到上限自动恢复")
    remark = prose("具体情况", rows=3)

    def prepare(self) -> None:
        offer_codes(self, "reason", "suspend_reason")


@form("comment")
class CommentForm(MoveForm):
    """A remark for those who may see the case."""

    comment = prose("备注", help_text="参与办理的单位都能看到，不写留言人的姓名、电话")


@form("instruct")
class InstructForm(MoveForm):
    """A leader's instruction."""

    instruction = prose("批示意见")
