"""Joining duplicates."""

from __future__ import annotations

from django import forms

from opinion.forms.base import MoveForm, line, prose
from opinion.merging import obstacle
from opinion.models import Link
from workflows.models import Case
from workflows.registry import form


@form("merge")
class MergeForm(MoveForm):
    """Into which case. Cleaned, `master` is the id of a case this person may see."""

    master = line("主案件编号", required=True, help_text="本案并入的案件，如 LY2026-000123", most=30)
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

    def clean_master(self) -> int:
        number = self.cleaned_data["master"].upper()
        master = Case.objects.visible_to(self.by).filter(number=number).first()
        if master is None:
            raise forms.ValidationError(f"“主案件编号”{number} 不存在，请核对")
        reason = obstacle(self.case, master)
        if reason:
            raise forms.ValidationError(reason)
        return master.pk
