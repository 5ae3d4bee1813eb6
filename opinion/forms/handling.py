"""What the unit did, and pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.utils import timezone

from opinion import claims, follow_ups
from opinion.codes import choices
from opinion.contacts.sealing import SealBroken
from opinion.forms.base import MoveForm, code, day, line, moment, offer_codes, prose
from opinion.forms.files import FilesForm
from opinion.forms.rows import RowsField
from opinion.screening.finding import Finding
from opinion.screening.looking import look_through, persons_of
from workflows.registry import form

MOST_PRESENT = 500


@dataclass(frozen=True)
class Told:
    """What a text of a record tells of somebody. label: of its field."""

    label: str
    finding: Finding

    def __str__(self) -> str:
        return f"“{self.label}”第 {self.finding.sentence} 句有{self.finding.label}（{self.finding.shown}）"


@form("record_visit")
class VisitForm(FilesForm):
    """Offline work: how, when, where, who was there by role, what came of each claim, and when to come back."""

    transition = "record_visit"
    remarks_title = "记录里可能有个人身份信息，看不到联系方式的协办单位也能读到，请删去或改为“留言人”等"

    action = code("办理方式")
    happened_at = moment("时间", help_text="实际发生的时间，不是填写的时间")
    place = line("地点")
    outcome = prose("情况记录", help_text="写事实和结果，不写留言人的姓名、电话")
    outcomes = RowsField(forms.ChoiceField(), label="逐项处理情况", help_text="本次没有涉及的不选")
    present = RowsField(
        forms.IntegerField(
            min_value=0,
            max_value=MOST_PRESENT,
            widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            error_messages={
                "invalid": "请填写人数",
                "min_value": "人数不能小于 0",
                "max_value": f"人数不能超过 {MOST_PRESENT}",
            },
        ),
        label="在场人员（人数）",
        help_text="只记身份和人数，不记姓名",
        folded="填写人数",
    )
    view = code("本人对结果的意见", required=False)
    view_words = prose("本人的说法", required=False, rows=2, most=1000)
    follow_up_on = day("约定跟进日期", help_text="到期前须再有一次记录；遇休息日顺延到下一个工作日")

    field_order = (
        "action", "happened_at", "place", "outcome", "photos", "papers", "kept", "outcomes", "view", "view_words",
        "follow_up_on", "present",
    )  # fmt: skip

    def prepare(self) -> None:
        super().prepare()
        offer_codes(self, "action", "offline_action")
        offer_codes(self, "view", "person_view")
        if self.at is not None:
            self.initial.setdefault("happened_at", timezone.localtime(self.at))
        self._ask_for_people()
        self._ask_for_claims()
        self.longest = follow_ups.longest(self.case, self.transition)
        if self.longest is None:
            del self.fields["follow_up_on"]

    def _ask_for_people(self) -> None:
        present = self.fields["present"]
        assert isinstance(present, RowsField)
        present.set_rows(choices("present_role"))

    def _ask_for_claims(self) -> None:
        outcomes = self.fields["outcomes"]
        assert isinstance(outcomes, RowsField)
        listed = claims.standing(self.case)
        if not listed:
            del self.fields["outcomes"]
            return
        offered = [("", "本次未涉及"), *choices("claim_outcome")]
        assert isinstance(outcomes.entry, forms.ChoiceField)
        outcomes.entry.choices = offered
        outcomes.entry.error_messages["invalid_choice"] = "没有这一项，请从列表中选择"
        outcomes.set_rows([(str(claim.number), str(claim)) for claim in listed])

    def clean_outcomes(self) -> dict[int, str]:
        return {int(number): code for number, code in self.cleaned_data["outcomes"].items()}

    def clean_follow_up_on(self) -> date | None:
        """After today, no further off than the policy says, and none while an earlier promise goes before this record."""
        asked: date | None = self.cleaned_data["follow_up_on"]
        if asked is None or self.at is None or self.longest is None:
            return asked
        today = timezone.localtime(self.at).date()
        if asked <= today:
            raise forms.ValidationError("“约定跟进日期”应在今天之后")
        last = today + timedelta(days=int(self.longest.amount))
        if asked > last:
            raise forms.ValidationError(f"“约定跟进日期”最晚为 {last:%Y-%m-%d}（{self.longest.label}内）")
        promised = follow_ups.standing(self.case)
        happened_at = self.cleaned_data.get("happened_at")
        if promised is not None and happened_at is not None and happened_at < promised.started_at:
            raise forms.ValidationError(
                f"已约定 {timezone.localtime(promised.due_at):%Y-%m-%d} 前跟进，本次记录的事在约定之前，不能另定日期"
            )
        return asked

    @cached_property
    def remarks(self) -> list[Told]:
        """Who can be known by the texts, as they are now."""
        said = self.data if self.is_bound else self.initial
        texts = {name: str(said.get(name) or "") for name in ("place", "outcome", "view_words")}
        if not any(texts.values()):
            return []
        try:
            persons = persons_of(self.case, others=False)
        except SealBroken:
            return []
        return [
            Told(str(self.fields[name].label), finding)
            for name, text in texts.items()
            for finding in look_through(text, self.case, persons)
        ]

    @property
    def to_tell(self) -> Sequence[Finding]:
        return [each.finding for each in self.remarks]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("view_words") and not said.get("view"):
            self.add_error("view", "写了本人的说法，请选择“本人对结果的意见”")
        return said


@form("contact")
class ContactForm(VisitForm):
    """First contact with the person."""

    transition = "contact"

    def prepare(self) -> None:
        super().prepare()
        self.initial.setdefault("action", "phone")


@form("close_follow_up")
class CloseFollowUpForm(MoveForm):
    """Why nobody need come back."""

    remark = prose("理由", rows=3, help_text="如本人已确认不必再来；跟进过的请写线下办理记录")


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
