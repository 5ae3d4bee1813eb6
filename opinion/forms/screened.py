"""Forms whose text is looked through before it goes anywhere: what was found, and the confirmation it needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms

from opinion.codes import choices
from opinion.contacts.sealing import SealBroken
from opinion.forms.base import MoveForm, code, prose
from opinion.reply_guards import BROKEN
from opinion.screening.finding import Finding
from opinion.screening.judging import Verdict, judge
from opinion.screening.looking import Persons, look_through, persons_of
from opinion.wordings import public_text

REPLY_MAX = 10000
# Of an answer to a duplicate, which nobody approves.
ONLY_SHORTER = "主案件已审定的答复，只能删去与本人无关的内容，不能改写或添加；其他措辞请在主案件重新办理审批"


def public_wording() -> forms.CharField:
    """The field for what the public reads in place of what the person gets."""
    return prose(
        "公开文本", required=False, rows=8, most=REPLY_MAX,
        help_text="拟在来源平台公开、且与答复本人的文字不同时填写，隐去姓名、电话、住址等；留空即公开同一文字",
    )  # fmt: skip


class ScreenedForm(MoveForm):
    """`stands` and `stands_because` are asked for only where something doubtful would be published."""

    move: str
    stands = forms.MultipleChoiceField(
        label="公开文本中有下列内容，确需保留的请逐项勾选",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    stands_because = code("保留理由", required=False, help_text="只记录理由，不记录内容")

    def prepare(self) -> None:
        doubtful = self.verdict_in_public.doubtful_codes
        if not doubtful:
            del self.fields["stands"], self.fields["stands_because"]
            return
        self.offer("stands", [(name, "；".join(map(str, found))) for name, found in doubtful.items()])
        self.offer("stands_because", choices("disclosure_reason"))

    # ---- what the form says now, typed or as it was opened

    @cached_property
    def _said(self) -> Mapping[str, Any]:
        said = self.data if self.is_bound else self.initial
        names = [name for name in ("text", "public_text", "public") if name in self.fields or name == "text"]
        return {name: _text(said.get(name)) for name in names}

    def in_public(self) -> str:
        """What the public would read."""
        return public_text(self.case, self.move, self._said)

    @cached_property
    def _persons(self) -> Persons | None:
        """None where the sealed details cannot be opened."""
        try:
            return persons_of(self.case)
        except SealBroken:
            return None

    def _verdict(self, text: str, *, public: bool) -> Verdict:
        if not text or self._persons is None:
            return Verdict()
        return judge(look_through(text, self.case, self._persons), public=public)

    @cached_property
    def verdict_in_public(self) -> Verdict:
        return self._verdict(self.in_public(), public=True)

    @cached_property
    def verdict_in_private(self) -> Verdict:
        return self._verdict(str(self._said.get("text") or ""), public=False)

    @property
    def remarks(self) -> list[Finding]:
        """What the person filling in the form should know and may leave."""
        return list(self.verdict_in_private.remarked)

    # ---- checking

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if self._persons is None:
            self.add_error(None, BROKEN)
        for finding in self.verdict_in_private.refused:
            self.add_error("text" if "text" in self.fields else None, str(finding))
        public = self.verdict_in_public
        for finding in public.refused:
            self.add_error(self.public_field, str(finding))
        if public.doubtful:
            self._check_confirmed(said, public)
        else:
            said["stands"], said["stands_because"] = [], ""
        return said

    @property
    def public_field(self) -> str | None:
        """Where to say what is wrong with the public text."""
        wanted = "public_text" if self._said.get("public_text") else "text"
        return wanted if wanted in self.fields else "public" if "public" in self.fields else None

    def _check_confirmed(self, said: dict[str, Any], public: Verdict) -> None:
        stands = set(said.get("stands", ())) | self.confirmed_before()
        left = {f.label for name, found in public.doubtful_codes.items() if name not in stands for f in found}
        if left:
            self.add_error("stands", f"公开文本中有{'、'.join(sorted(left))}，请删去；确需保留的请勾选")
        if said.get("stands") and not said.get("stands_because"):
            self.add_error("stands_because", "请选择“保留理由”")

    def confirmed_before(self) -> frozenset[str]:
        """Codes that an earlier step let stand in the very text."""
        return frozenset()


def _text(value: Any) -> str:
    """As a field for text would clean it."""
    return "" if value in (None, False) else str(value).strip()
