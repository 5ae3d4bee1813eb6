"""One answer for all whose messages were merged into a case."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms

from opinion.codes import choices
from opinion.forms.base import code, prose
from opinion.forms.publicity import PublicChoice, public_answer
from opinion.forms.screened import ONLY_SHORTER, REPLY_MAX, public_wording
from opinion.linked_replies import LinkedReply
from opinion.masters_words import published_otherwise
from opinion.models import Reply
from opinion.publishing import obstacle_of_merged
from opinion.screening.finding import Finding
from opinion.screening.folding import Reading
from opinion.screening.judging import judge
from opinion.screening.patterns import found_by_pattern
from opinion.templating import ALLOWED, fill, problems
from opinion.wordings import text_for_public
from workflows.digits import digits
from workflows.models import Case


class LinkedReplyForm(PublicChoice):
    """said: the master's answer, to begin from. waiting: those still to be answered.

    What is found of a certain person is each case's own matter and is refused there; what looks like anybody's is asked
    about here, once for all.
    """

    cases = forms.MultipleChoiceField(label="答复下列案件", widget=forms.CheckboxSelectMultiple)
    text = prose(
        "答复内容", most=REPLY_MAX, rows=12,
        help_text=f"{ONLY_SHORTER}。每人各得一份，占位符按各自案件填写：{'、'.join(f'${{{n}}}' for n in ALLOWED)}",
    )  # fmt: skip
    public = public_answer("限制知悉、要求保密的和举报件不公开")
    public_text = public_wording()
    stands = forms.MultipleChoiceField(
        label="公开文本中有下列内容，确需保留的请逐项勾选",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    stands_because = code("保留理由", required=False, help_text="只记录理由，不记录内容")

    def __init__(
        self, data: Any = None, *, master: Case, said: Reply | None, waiting: Sequence[Case], **options: Any
    ) -> None:
        self.master, self.said, self.waiting = master, said, waiting
        super().__init__(data, **options)

    def prepare(self) -> None:
        self.offer_waiting(self.waiting)
        # A second click names cases that the first has answered already: the door knows them by the key.
        cases = self.fields["cases"]
        assert isinstance(cases, forms.MultipleChoiceField)
        cases.valid_value = lambda value: digits(str(value)) is not None  # type: ignore[method-assign]
        self.initial.setdefault("cases", [str(case.pk) for case in self.waiting])
        if self.said is not None:
            self.initial.setdefault("text", self.said.text.replace(self.master.number, "${编号}"))
            shown = published_otherwise(self.master)
            self.initial.setdefault("public_text", shown.replace(self.master.number, "${编号}"))
        doubtful: dict[str, list[Finding]] = {}
        for finding in self.doubtful:
            doubtful.setdefault(finding.code, []).append(finding)
        self.offer_public(obstacle_of_merged(self.master, self.master))
        if doubtful:
            self.offer("stands", [(name, "；".join(map(str, found))) for name, found in doubtful.items()])
            self.offer("stands_because", choices("disclosure_reason"))
        else:
            del self.fields["stands"], self.fields["stands_because"]

    def offer_waiting(self, waiting: Sequence[Case]) -> None:
        """Those still to be answered, also after some have been."""
        self.offer("cases", [(str(case.pk), f"{case.number} {case.title}") for case in waiting])

    @cached_property
    def doubtful(self) -> Sequence[Finding]:
        """In what would be published, as the first of the cases would have it."""
        if not self.is_bound or not self.data.get("public") or not self.waiting or self.at is None:
            return []
        own, told = (str(self.data.get(name) or "").strip() for name in ("public_text", "text"))
        text = text_for_public(told, own)
        if not text or problems(text):
            return []
        first = self.waiting[0]
        filled = fill(text, first, at=self.at, unit=first.lead or self.master.lead)
        return judge(found_by_pattern(Reading(filled), own_number=first.number), public=True).doubtful

    def clean_text(self) -> str:
        return self._template("text")

    def clean_public_text(self) -> str:
        return self._template("public_text")

    def _template(self, name: str) -> str:
        text: str = self.cleaned_data[name]
        if wrong := problems(text):
            raise forms.ValidationError(wrong)
        return text

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        left = {finding.label for finding in self.doubtful if finding.code not in said.get("stands", ())}
        if left:
            self.add_error("stands", f"公开文本中有{'、'.join(sorted(left))}，请删去；确需保留的请勾选")
        if said.get("stands") and not said.get("stands_because"):
            self.add_error("stands_because", "请选择“保留理由”")
        return said

    def chosen(self, rows: Sequence[LinkedReply]) -> list[Case]:
        """The cases ticked, of those this person may know of."""
        wanted = set(self.cleaned_data.pop("cases"))
        return [row.case for row in rows if str(row.case.pk) in wanted]
