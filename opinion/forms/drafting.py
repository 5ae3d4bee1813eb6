"""Writing a reply: drafts saved and sent to review, held against the claims; interim replies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from opinion import answers
from opinion.claims import standing
from opinion.contacts.sealing import SealBroken
from opinion.forms.base import Button, MoveForm, code, offer_codes, prose
from opinion.forms.publicity import PublicChoice, public_answer
from opinion.forms.screened import REPLY_MAX
from opinion.models import Claim, Reply, ReplyTemplate
from opinion.models.claim_answer import SEPARATELY
from opinion.publishing import chosen, must_stay_private, owes_the_public
from opinion.screening.finding import Finding
from opinion.screening.looking import look_through, persons_of
from opinion.templating import TemplateError, fill, left_open
from opinion.wordings import latest, standing_text
from workflows.digits import digits
from workflows.registry import form

USE = "use_template"


class TemplatedForm(MoveForm):
    """A form whose text may begin from a template. Without a script: a button of its own fills it in."""

    wrong_template = ""
    template = forms.ChoiceField(
        label="答复模板", required=False, help_text="选好后按“套用模板”，文字加在现有内容之后，可再修改"
    )

    def prepare(self) -> None:
        usable = ReplyTemplate.objects.in_use().for_unit(self.case.lead_id).select_related("unit")
        options = [(each.pk, f"{each.name}（{each.unit or '全县'}）") for each in usable]
        if options:
            self.offer("template", options)
        else:
            del self.fields["template"]

    @property
    def offered_buttons(self) -> list[Button]:
        return [b for b in self.buttons if b.name != USE or "template" in self.fields]

    def again(self) -> MoveForm | None:
        """With the template's text behind what was typed. What is wrong is said beside the field."""
        if USE not in self.data or "template" not in self.fields:
            return None
        typed = self.data.copy() if isinstance(self.data, QueryDict) else dict(self.data)
        found = ReplyTemplate.objects.in_use().for_unit(self.case.lead_id)
        chosen = digits(str(typed.get("template", "")))
        picked = None if chosen is None else found.filter(pk=chosen).first()
        if picked is not None and self.at is not None:
            try:
                typed["text"] = "\n".join(
                    filter(None, (str(typed.get("text", "")), fill(picked.text, self.case, at=self.at)))
                )
            except TemplateError as error:
                return self._reopened(typed, str(error))
        return self._reopened(typed, "" if picked else "请先选择“答复模板”")

    def _reopened(self, typed: Any, wrong: str) -> MoveForm:
        fresh = type(self)(None, case=self.case, by=self.by, at=self.at, initial=_plainly(typed))
        if wrong:
            fresh.wrong_template = wrong
        return fresh

    @cached_property
    def remarks(self) -> list[Finding]:
        """What in the text, as it is now, may say who somebody is. Told to the writer, and no hindrance."""
        text = str((self.data if self.is_bound else self.initial).get("text") or "")
        if not text:
            return []
        try:
            return look_through(text, self.case, persons_of(self.case, others=False))
        except SealBroken:
            return []


def _plainly(typed: Any) -> dict[str, Any]:
    return {
        name: typed.get(name) for name in typed if name not in {USE, "token", "rev", "csrfmiddlewaretoken"}
    }


@form("save_draft")
class SaveDraftForm(PublicChoice, TemplatedForm):
    """A draft as far as it has come: only the text is asked for, and everything else is kept as it is."""

    text = prose("答复内容", most=REPLY_MAX, rows=12, help_text="逐项回应诉求，写明事实、依据和结果")
    result = code("办理结果", required=False)
    public = public_answer(
        "在来源平台公开；选了就由宣传部门最后审核，不选则只答复本人。领导留言板的留言公开答复"
    )
    field_order = ["template", "text", "result", "public"]
    buttons: ClassVar[Sequence[Button]] = (Button("套用模板", name=USE),)
    beside = "opinion/parts/draft_beside.html"
    complete = False

    def prepare(self) -> None:
        super().prepare()
        offer_codes(self, "result", "result")
        draft, begun = latest(self.case, Reply.Kind.DRAFT), standing_text(self.case)
        if begun is not None:
            self.initial.setdefault("text", begun.text)
            self.initial.setdefault("result", begun.result)
            self.initial.setdefault("public", (draft or begun).public)
        self.offer_public(must_stay_private(self.case))
        if not self.why_private and owes_the_public(self.case):
            self.fields["public"].disabled, self.initial["public"] = True, True
        self.claims = standing(self.case)
        kept = {each.claim.number: each for each in answers.answers_of(draft)} if self.claims else {}
        options = list(answers.result_labels().items()) if self.claims else []
        for claim in self.claims:
            self._ask(claim, options)
            if (each := kept.get(claim.number)) and begun is not None:
                self.initial.setdefault(f"result_{claim.number}", each.result)
                # A passage that reviewers took out of the text does not come back with its answer.
                if begun == draft or each.result == SEPARATELY or answers.located(begun.text, each.words):
                    self.initial.setdefault(f"words_{claim.number}", each.words)

    def _ask(self, claim: Claim, options: list[tuple[str, str]]) -> None:
        number = claim.number
        self.fields[f"result_{number}"] = forms.ChoiceField(
            label=f"诉求 {number}：{claim.text}", required=False, choices=[("", "请选择结果"), *options]
        )
        self.fields[f"words_{number}"] = prose(
            f"诉求 {number} 由哪一句回应", required=False, rows=2, most=300,
            help_text=f"照抄答复中该句的几个字；选“{answers.SEPARATELY_LABEL}”的写明理由",
        )  # fmt: skip

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        missing = left_open(text) if self.complete else None
        if missing:
            raise forms.ValidationError(f"文中还有待填写的“{missing}”，请填写或删去")
        return text

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        said.pop("template", None)
        said["answers"] = []
        for claim in self.claims:
            each = answers.Answered(
                claim, said.pop(f"result_{claim.number}", ""), said.pop(f"words_{claim.number}", "")
            )
            said["answers"].append({"claim": claim.pk, "result": each.result, "words": each.words})
            wrong = each.problem(said.get("text", "")) if self.complete and "text" in said else ""
            # What is missing has been said of its own field.
            if wrong and each.result and each.words:
                self.add_error(f"words_{claim.number}", wrong)
        return said


@form("draft_reply")
class DraftForm(SaveDraftForm):
    """The reply as the unit would give it, claim by claim."""

    result = code("办理结果")
    buttons: ClassVar[Sequence[Button]] = (
        Button("保存草稿，暂不送审", move="save_draft"),
        Button("套用模板", name=USE),
    )
    complete = True

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        for claim in self.claims:
            asked, words = (self.fields[f"{name}_{claim.number}"] for name in ("result", "words"))
            asked.required = words.required = True
            asked.error_messages["required"] = answers.Answered(claim, "", "").problem("")
            words.error_messages["required"] = "请照抄答复中对应的几个字，或写明另行答复的理由"

    @property
    def to_tell(self) -> Sequence[Finding]:
        """In a public text whatever is remarked; in a letter to the person their own particulars are no news."""
        return [each for each in self.remarks if self._public or not each.is_own]

    @property
    def _public(self) -> bool:
        said = self.data if self.is_bound else self.initial
        return chosen(self.case, {"public": bool(said.get("public"))})


@form("interim_reply")
class InterimForm(TemplatedForm):
    """What can be said so far."""

    text = prose("阶段性答复", most=REPLY_MAX, rows=8, help_text="写明进展和预计答复时间")
    field_order = ["template", "text"]
    buttons = (Button("套用模板", name=USE),)
    beside = "opinion/parts/draft_beside.html"

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        said.pop("template", None)
        return said
