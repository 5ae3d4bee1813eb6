"""Replies from draft to the person."""

from __future__ import annotations

from django import forms

from opinion.forms.base import MoveForm, code, offer_codes, prose
from opinion.merging import master_of
from opinion.models import Reply
from workflows.models import Case
from workflows.registry import form

REPLY_MAX = 10000


def latest_text(case: Case | None, kind: Reply.Kind) -> str:
    """The newest version of a kind, or nothing."""
    found = Reply.objects.filter(case=case, kind=kind).order_by("-version").first() if case else None
    return found.text if found else ""


@form("draft_reply")
class DraftForm(MoveForm):
    """The reply as the unit would give it, claim by claim."""

    text = prose("答复内容", most=REPLY_MAX, rows=12, help_text="逐项回应诉求，写明事实、依据和结果")
    result = code("办理结果")

    def prepare(self) -> None:
        offer_codes(self, "result", "result")
        self.initial.setdefault("text", latest_text(self.case, Reply.Kind.DRAFT))


@form("interim_reply")
class InterimForm(MoveForm):
    """What can be said so far."""

    text = prose("阶段性答复", most=REPLY_MAX, rows=8, help_text="写明进展和预计答复时间")


@form("approve")
class ApproveForm(MoveForm):
    """The wording that will reach the person; a changed one is kept as a version of its own."""

    text = prose("审定稿", most=REPLY_MAX, rows=12, help_text="可直接修改文字，隐去个人信息；原稿保留")
    remark = prose("审核意见", required=False, rows=3)

    def prepare(self) -> None:
        self.initial.setdefault("text", latest_text(self.case, Reply.Kind.DRAFT))


@form("send_back")
class SendBackForm(MoveForm):
    """What has to be changed."""

    comments = prose("修改意见", help_text="逐条写明需要补充或更正的内容")


@form("reply")
class ReplyForm(MoveForm):
    """How the approved text is given to the person."""

    public = forms.BooleanField(
        label="公开答复",
        required=False,
        help_text="在来源平台公开；不选则只答复本人。举报件和要求保密的不公开",
    )

    def clean_public(self) -> bool:
        public: bool = self.cleaned_data["public"]
        if public and self.case.restricted:
            raise forms.ValidationError("“公开答复”不适用于限制知悉的案件，请只答复本人")
        return public


@form("reply_merged")
class ReplyMergedForm(ReplyForm):
    """The master's reply as this person is told it."""

    text = prose("答复内容", most=REPLY_MAX, rows=12, help_text="主案件的答复；删去只与他人有关的内容")
    field_order = ["text", "public"]

    def prepare(self) -> None:
        self.initial.setdefault("text", latest_text(master_of(self.case), Reply.Kind.FINAL))
