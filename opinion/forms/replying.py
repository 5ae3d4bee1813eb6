"""Replies from review to the person, and what the public reads of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from opinion import answers
from opinion.answers import AnswerView
from opinion.forms.base import MoveForm, RemarkForm, prose
from opinion.forms.publicity import PublicChoice, public_answer
from opinion.forms.screened import ONLY_SHORTER, REPLY_MAX, ScreenedForm, public_wording
from opinion.masters_words import published_otherwise
from opinion.merging import known_to, master_of, standing_answer
from opinion.models import Reply
from opinion.publishing import may_stay_private, obstacle, obstacle_of_merged
from opinion.screening.finding import Finding
from opinion.wordings import (
    approved_for_public,
    latest,
    present_wording,
    published_instead,
    stood_in,
)
from workflows.registry import form


@form("approve")
class ApproveForm(PublicChoice, ScreenedForm):
    """The wording that will reach the person; a changed one is kept as a version of its own."""

    move = "sign_reply"
    agreed_to = ("text", "public_text")
    text = prose("审定稿", most=REPLY_MAX, rows=12, help_text="可直接修改文字；原稿保留")
    public_text = public_wording()
    remark = prose("审核意见", required=False, rows=3)
    field_order = ["text", "public_text", "stands", "stands_because", "remark"]
    beside = "opinion/parts/approve_beside.html"

    def prepare(self) -> None:
        self.draft = latest(self.case, Reply.Kind.DRAFT)
        now = present_wording(self.case)
        self.initial.setdefault("text", now.text if now else "")
        self.initial.setdefault("public_text", published_instead(self.case, now))
        self.offer_public(obstacle(self.case))
        super().prepare()

    def confirmed_before(self) -> frozenset[str]:
        return stood_in(self.case, self.in_public())

    @property
    def found_in_public(self) -> list[Finding]:
        """What the text now to be published may tell, of whom nobody has let it stand."""
        stood = self.confirmed_before() if self.verdict_in_public.doubtful else frozenset()
        doubtful = [each for each in self.verdict_in_public.doubtful if each.code not in stood]
        return [*self.verdict_in_public.refused, *doubtful]

    @property
    def found_heading(self) -> str:
        """Whose identity it is about, as far as that is certain."""
        refused = self.verdict_in_public.refused
        if not refused:
            return "拟公开的文字可能透露个人信息，请在下面逐项核对"
        whose = [
            word
            for word, found in (
                ("并案中他人", any(each.is_other for each in refused)),
                ("留言人自己", any(each.is_own for each in refused)),
            )
            if found
        ]
        return f"拟公开的文字透露了{'和'.join(whose)}的身份，不能公开"

    @property
    def remarks(self) -> list[Finding]:
        """Of the person's own text, what is not already said of the public's: mostly they are the same."""
        public = self.verdict_in_public
        said = {*public.refused, *public.doubtful}
        return [finding for finding in super().remarks if finding not in said]

    @cached_property
    def answers(self) -> list[AnswerView]:
        """The claims and how the draft answers them."""
        return answers.views(self.draft) if self.draft else []


@form("send_back")
class SendBackForm(MoveForm):
    """What has to be changed."""

    comments = prose("修改意见", help_text="逐条写明需要补充或更正的内容")


@form("retract_draft")
class RetractDraftForm(RemarkForm):
    """Taking a draft back: its own unit need not say why, anybody else must."""

    def prepare(self) -> None:
        remark = self.fields["remark"]
        remark.label = "撤回理由"
        if self.case.lead_id not in self.by.standing.units:
            remark.required = True
            remark.help_text = "不是承办单位自己撤回，须写明理由；轮到您审核的，请用“退回修改”"


@form("reply")
class ReplyForm(PublicChoice, ScreenedForm):
    """How the approved text is given to the person."""

    move = "reply"
    public = public_answer(
        "在来源平台公开；不选则只答复本人，应公开而未公开的列入“未经审批的处置”。领导留言板的不公开须先申请，由领导同意"
    )
    field_order = ["public", "stands", "stands_because"]
    beside = "opinion/parts/private_beside.html"
    remarks_title = "这样的文字不能公开；可以只答复本人，或退回修改"

    def prepare(self) -> None:
        self.offer_public(obstacle(self.case))
        self.initial.setdefault("public", not self.why_private and not may_stay_private(self.case))
        super().prepare()

    def in_public(self) -> str:
        """Opened, the page shows what publishing would ask for."""
        public = not self.why_private and (self._said["public"] or not self.is_bound)
        return self.to_publish.text if public and self.to_publish else ""

    @cached_property
    def to_publish(self) -> Reply | None:
        return approved_for_public(self.case)

    @property
    def remarks(self) -> list[Any]:
        """Opened: what would keep the text from being published."""
        return [] if self.is_bound else list(self.verdict_in_public.refused)

    def confirmed_before(self) -> frozenset[str]:
        return stood_in(self.case, self.in_public())


@form("reply_merged")
class ReplyMergedForm(PublicChoice, ScreenedForm):
    """The master's reply as this person is told it; nothing of it for whoever may not see the master."""

    move = "reply_merged"
    text = prose("答复内容", most=REPLY_MAX, rows=12, help_text=ONLY_SHORTER)
    public = ReplyForm.base_fields["public"]
    public_text = public_wording()
    field_order = ["text", "public", "public_text", "stands", "stands_because"]
    beside = "opinion/parts/draft_beside.html"

    def prepare(self) -> None:
        master = master_of(self.case)
        self.offer_public(obstacle_of_merged(self.case, master))
        said = standing_answer(master) if master is not None and known_to(master, self.by) else None
        if master is not None and said is not None:
            # The master's number is another person's; theirs is this case's.
            self.initial.setdefault("text", said.text.replace(master.number, self.case.number))
            shown = published_otherwise(master)
            self.initial.setdefault("public_text", shown.replace(master.number, self.case.number))
        super().prepare()
