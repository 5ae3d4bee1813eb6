"""The last word to a person who is still not content."""

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
