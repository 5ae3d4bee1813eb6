"""What ends a message otherwise than by a public reply."""

from __future__ import annotations

from opinion.forms.base import MoveForm, code, offer_codes, prose
from opinion.forms.screened import REPLY_MAX
from opinion.models import Reply
from opinion.wordings import latest
from workflows.registry import form


@form("ask_final")
class FinalAnswerForm(MoveForm):
    """Written by the desk for a leader's approval; it goes to the person and is not published."""

    text = prose(
        "最终答复",
        most=REPLY_MAX,
        rows=12,
        help_text="写明历次办理和核实情况、结论和依据、本人还有哪些法定途径",
    )
    result = code("办理结果")

    def prepare(self) -> None:
        offer_codes(self, "result", "result")
        draft = latest(self.case, Reply.Kind.DRAFT)
        self.initial.setdefault("text", draft.text if draft else "")


# 转信访/纪检、本人撤回、经审核终止、无法联系.
WITHOUT_REPLY = ("c4", "c5", "c6", "c8")


@form("request_closing")
class RequestClosingForm(MoveForm):
    """Why the message ends without a reply, and what the person is told instead."""

    reason = code("办结理由")
    grounds = prose("事实和依据", help_text="写明核实经过、依据；无法联系的写明何时、以何种方式联系过")
    told = prose(
        "告知内容", help_text="怎样告知留言人、告知了什么；无法联系的写明留存的告知方式", most=REPLY_MAX
    )

    def prepare(self) -> None:
        offer_codes(self, "reason", "close_reason", *WITHOUT_REPLY)


@form("ask_private")
class AskPrivateForm(MoveForm):
    """Why a message written in public is answered to its writer alone."""

    decides = True

    grounds = prose("不公开的理由", help_text="写明涉及的秘密、隐私或个人信息，以及为何隐去后仍不能公开")
