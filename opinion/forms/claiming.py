"""What a message asks for, item by item."""

from __future__ import annotations

from django import forms

from opinion.claims import CLAIM_MAX, MOST_CLAIMS, standing
from opinion.contacts.masking import blank_numbers
from opinion.forms.base import MoveForm, prose
from workflows.registry import form


@form("list_claims")
class ClaimsForm(MoveForm):
    """One claim a line. Cleaned, `claims` is the list of texts."""

    claims = prose(
        "诉求",
        rows=8,
        help_text="每行一项，答复和线下办理将逐项对应。改动措辞的序号不变，删去的序号不再使用；不写姓名、电话",
    )

    def prepare(self) -> None:
        self.before = [claim.text for claim in standing(self.case)]
        self.initial.setdefault("claims", "\n".join(self.before))

    def clean_claims(self) -> list[str]:
        texts = [text for each in self.cleaned_data["claims"].splitlines() if (text := each.strip())]
        if len(texts) > MOST_CLAIMS:
            raise forms.ValidationError(f"“诉求”至多 {MOST_CLAIMS} 项，现有 {len(texts)} 项，请合并相近的")
        for number, text in enumerate(texts, 1):
            if len(text) > CLAIM_MAX:
                raise forms.ValidationError(
                    f"“诉求”第 {number} 行有 {len(text)} 字，每项不超过 {CLAIM_MAX} 字，请分行或删减"
                )
            if blank_numbers(text) != text:
                raise forms.ValidationError(f"“诉求”第 {number} 行里有电话、证件号码或邮箱，请删去")
            if text in texts[: number - 1]:
                raise forms.ValidationError(f"“诉求”第 {number} 行与前面重复，请删去")
        if texts == self.before:
            raise forms.ValidationError("“诉求”没有变化，不必提交")
        return texts
