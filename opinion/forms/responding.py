"""What the public is told of an event."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from django import forms

from opinion.contacts.sealing import SealBroken
from opinion.forms.base import MoveForm, line, moment, prose
from opinion.forms.screened import REPLY_MAX
from opinion.models import PublicResponse
from opinion.reply_guards import BROKEN
from opinion.screening.finding import Finding
from opinion.screening.tied import found_about_tied, left_to_the_writer
from workflows.models import Approval, Case, Note
from workflows.registry import form

Stage = PublicResponse.Stage


def newest_statement(case: Case, *stages: PublicResponse.Stage) -> str:
    """The newest wording at these stages, or nothing."""
    found = PublicResponse.objects.filter(case=case, kind=PublicResponse.Kind.STATEMENT, stage__in=stages)
    newest = found.order_by("-id").first()
    return newest.text if newest else ""


class PublicForm(MoveForm):
    """A text for the public: nobody's identity is in it, least of all that of whoever wrote in about the matter."""

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        try:
            found = found_about_tied(text, self.case)
        except SealBroken as broken:
            raise forms.ValidationError(BROKEN) from broken
        if found:
            raise forms.ValidationError([str(finding) for finding in found])
        return text

    @cached_property
    def remarks(self) -> list[Finding]:
        """Whom the text, as it is now, addresses by name."""
        said = self.data if self.is_bound else self.initial
        return left_to_the_writer(str(said.get("text") or ""), self.case)

    @property
    def to_tell(self) -> Sequence[Finding]:
        return self.remarks


@form("release_information")
class InformationForm(PublicForm):
    """权威信息: what is certain by now, said at once."""

    text = prose("权威信息", most=REPLY_MAX, rows=8, help_text="只写已经核实的；不写个人信息")
    outlet = line("发布渠道", required=True, help_text="如：县政府网、政务新媒体")
    happened_at = moment("发布时间", help_text="实际发布的时间")


@form("propose_information")
class ProposeInformationForm(PublicForm):
    """The same, for somebody else to release."""

    text = prose("权威信息", most=REPLY_MAX, rows=8, help_text="只写已经核实的；不写个人信息")
    outlet = line("发布渠道", required=True, help_text="如：县政府网、政务新媒体")


@form("sign_information")
class SignInformationForm(ProposeInformationForm):
    """As it was proposed, or in better words; it is out with the signature."""

    agreed_to = ("text",)
    remark = prose("核准意见", required=False, rows=3)

    def prepare(self) -> None:
        asked = Approval.objects.running().filter(case=self.case, kind="information").first()
        notes = Note.objects.filter(case=self.case, seq=asked.seq) if asked else Note.objects.none()
        proposed = dict(notes.values_list("kind", "text"))
        self.initial.setdefault("text", proposed.get("information", ""))
        self.initial.setdefault("outlet", proposed.get("outlet", ""))


@form("hold_conference")
class ConferenceForm(PublicForm):
    """新闻发布会: where, when, and what was said."""

    outlet = line("地点", required=True)
    happened_at = moment("开始时间", help_text="实际开始的时间")
    text = prose("发布要点", most=REPLY_MAX, rows=8, help_text="发布内容和回答提问的要点")


@form("draft_response")
class DraftResponseForm(PublicForm):
    """情况通报: facts, measures and answers to what the public asks."""

    text = prose(
        "回应内容", most=REPLY_MAX, rows=12, help_text="写明事实、措施和进展，逐项回答公众关切；不写个人信息"
    )

    def prepare(self) -> None:
        self.initial.setdefault("text", newest_statement(self.case, Stage.DRAFTED))


@form("approve_response")
class ApproveResponseForm(PublicForm):
    """The wording that will be published."""

    agreed_to = ("text",)
    text = prose("审定稿", most=REPLY_MAX, rows=12, help_text="可直接修改文字；原稿保留")
    remark = prose("审核意见", required=False, rows=3)

    def prepare(self) -> None:
        self.initial.setdefault("text", newest_statement(self.case, Stage.DRAFTED, Stage.APPROVED))


@form("publish_response")
class PublishResponseForm(MoveForm):
    """Where and when the approved wording went out."""

    outlet = line("发布渠道", required=True, help_text="如：县政府网、政务新媒体")
    happened_at = moment("发布时间", help_text="实际发布的时间")


@form("ask_silence")
class AskSilenceForm(MoveForm):
    """Why the public is not answered."""

    remark = prose("不公开回应的理由", help_text="写明依据和已做的个别答复；特别重大、重大舆情必须公开回应")


@form("refuse_silence")
class RefuseSilenceForm(MoveForm):
    """Why it has to be."""

    remark = prose("应予公开回应的理由", rows=3)
