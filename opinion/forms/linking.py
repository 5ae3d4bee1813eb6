"""Joining duplicates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from opinion.forms.base import MoveForm, code, line, prose
from opinion.merging import obstacle
from opinion.models import Link
from workflows.models import Case
from workflows.published import lifecycle
from workflows.registry import form


@form("merge")
class MergeForm(MoveForm):
    """Into which case. Cleaned, `master` is the id of a case this person may see."""

    master = line("主案件编号", required=True, help_text="本案并入的案件，如 LY2026-000123", most=30)
    same = forms.MultipleChoiceField(
        label="核对主案件", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="本案的留言人将得到主案件的答复",
    )  # fmt: skip
    remark = prose("并案理由", required=False, rows=3)

    def prepare(self) -> None:
        hint = (
            Link.objects.hints()
            .filter(from_case=self.case)
            .select_related("to_case")
            .order_by("made_at")
            .first()
        )
        if hint is not None and Case.objects.visible_to(self.by).filter(pk=hint.to_case_id).exists():
            self.initial.setdefault("master", hint.to_case.number)
        number = str((self.data if self.is_bound else self.initial).get("master", "")).strip().upper()
        self._master = Case.objects.visible_to(self.by).filter(number=number).first() if number else None
        if self._master is None or obstacle(self.case, self._master, self.by):
            del self.fields["same"]
            return
        self.offer("same", [(number, _told_apart(self._master))])
        self.fields["remark"].required = self.is_bound and not self._master.is_open

    def clean_master(self) -> int:
        number = self.cleaned_data["master"].upper()
        if self._master is None:
            raise forms.ValidationError(f"“主案件编号”{number} 不存在，请核对")
        reason = obstacle(self.case, self._master, self.by)
        if reason:
            raise forms.ValidationError(reason)
        return self._master.pk

    def clean(self) -> dict[str, Any]:
        """Whoever reads only the number may have mistyped it: one says that it is about the same matter."""
        said = {**self.cleaned_data}
        if not said.pop("same", None) and "same" in self.fields and "master" in said:
            self.add_error("same", "请核对主案件，与本案是同一事项的请勾选；不是的，请更正编号")
        return said


def _told_apart(case: Case) -> str:
    """What a case is about and how it stands, on one line."""
    state = lifecycle(case.definition_id).states[case.state].label
    opened = timezone.localtime(case.opened_at)
    return f"{case.number} {case.title}（{state}，{opened:%Y-%m-%d} 登记）与本案是同一事项"


@form("link_matter")
class LinkMatterForm(MoveForm):
    """To which case. Cleaned, `other` is the id of a case this person may see."""

    other = line("案件编号", required=True, help_text="同一事项的留言或舆情，如 LY2026-000123", most=30)
    remark = prose("说明", required=False, rows=3)

    def clean_other(self) -> int:
        number = self.cleaned_data["other"].upper()
        other = Case.objects.visible_to(self.by).filter(number=number).first()
        if other is None:
            raise forms.ValidationError(f"“案件编号”{number} 不存在，请核对")
        if other.pk == self.case.pk or Link.objects.matters_of(self.case).filter(to_case=other).exists():
            raise forms.ValidationError(f"“案件编号”{number} 是本案或已经关联，请核对")
        return other.pk


@form("unlink_matter")
class UnlinkMatterForm(MoveForm):
    """Which of the tied cases; only those this person may see are offered."""

    other = code("案件")
    remark = prose("解除理由", rows=3)

    def prepare(self) -> None:
        tied = Link.objects.matters_of(self.case).select_related("to_case")
        known = tied.filter(to_case__in=Case.objects.visible_to(self.by))
        self.offer("other", [(str(link.to_case_id), link.to_case.number) for link in known])

    def clean_other(self) -> int:
        return int(self.cleaned_data["other"])
