"""The versions of a case's replies, and any two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from opinion.answers import AnswerView, views
from opinion.differing import Part, differences
from opinion.models import Reply
from workflows.models import Case
from workflows.worded import WordedForm


@dataclass(frozen=True)
class Comparison:
    """From one version to another. parts: of the text. answers: how the later one, a draft, answers the claims."""

    before: Reply
    after: Reply
    parts: Sequence[Part]
    answers: Sequence[AnswerView]

    @property
    def is_same(self) -> bool:
        return all(part.what == "same" for part in self.parts)


def name_of(reply: Reply) -> str:
    """`draft-2`: what addresses say."""
    return f"{reply.kind}-{reply.version}"


def title_of(reply: Reply) -> str:
    return f"{reply.get_kind_display()} 第 {reply.version} 稿"


def versions_of(case: Case) -> list[Reply]:
    """Oldest first. One statement."""
    found = Reply.objects.filter(case=case).select_related("author", "unit")
    return list(found.order_by("seq", "id"))


class CompareForm(WordedForm):
    """Which two. Without an answer: the newest and the one before it."""

    before = forms.ChoiceField(label="从", required=False)
    after = forms.ChoiceField(label="到", required=False)

    def __init__(self, data: Any, *, versions: Sequence[Reply]) -> None:
        self.named = {name_of(reply): reply for reply in versions}
        preset = (
            {"before": name_of(versions[-2]), "after": name_of(versions[-1])} if len(versions) > 1 else {}
        )
        given = {name: value for name in ("before", "after") if (value := data.get(name))}
        super().__init__({**preset, **given})
        for name in ("before", "after"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(key, title_of(reply)) for key, reply in self.named.items()]
            field.error_messages["invalid_choice"] = f"“{field.label}”没有这一稿，请从列表中选择"

    def comparison(self) -> Comparison:
        """The form is valid and there are two versions."""
        before, after = (self.named[self.cleaned_data[name]] for name in ("before", "after"))
        held = views(after) if after.kind == Reply.Kind.DRAFT else []
        return Comparison(before, after, differences(before.text, after.text), held)
