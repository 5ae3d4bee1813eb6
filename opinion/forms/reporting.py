"""Reports upward on an event, and its grade."""

from __future__ import annotations

from typing import Any

from django import forms

from opinion.codes import choices
from opinion.forms.base import MoveForm, code, offer_codes, prose
from opinion.forms.opening import refuse_addresses
from opinion.grading import GRADES, grade_of, within_word
from opinion.models import CaseReport
from workflows.registry import form


class ReportForm(MoveForm):
    """What is known and what has been done, of the event and never of a person."""

    known = prose("已知情况", rows=7, help_text="核实到什么写什么，注明尚未核实的；不写发布人、传播人")
    measures = prose("已采取措施", required=False, rows=4)

    def clean(self) -> dict[str, Any]:
        refuse_addresses(self, "known", "measures")
        return self.cleaned_data


@form("report")
class FlashForm(ReportForm):
    """舆情快报: the first report, with a grade proposed."""

    proposed_grade = code("建议等级")

    def prepare(self) -> None:
        offer_codes(self, "proposed_grade", "grade")
        self.initial.setdefault("known", self.case.opinion_case.summary)


@form("update_report")
class FollowForm(ReportForm):
    """舆情专报: what has become known since."""


@form("verify")
class VerificationForm(ReportForm):
    """核查报告: what turned out to be true."""

    finding = code("核查结论")
    known = prose("核实情况", rows=8, help_text="逐项写明公众关切的问题、查明的事实和依据")
    measures = prose("处置措施和下一步", rows=4)
    field_order = ["finding", "known", "measures"]

    def prepare(self) -> None:
        offer_codes(self, "finding", "finding")


@form("grade")
class GradeForm(MoveForm):
    """One of the grades this person may give."""

    grade = code("等级", help_text="特别重大、重大由领导确定，较大由领导或审核员确定")
    legacy = forms.BooleanField(label="历史遗留问题", required=False, help_text="核查报告时限放宽")
    remark = prose("定级理由", required=False, rows=3, help_text="专办员定级的，写明哪位领导决定")

    def prepare(self) -> None:
        mine = within_word(self.case, self.by)
        labels = dict(choices("grade"))
        self.offer("grade", [(grade, labels[grade]) for grade in GRADES if grade in mine and grade in labels])
        first = (
            CaseReport.objects.filter(case=self.case, kind=CaseReport.Kind.FLASH).order_by("number").first()
        )
        proposed = grade_of(self.case) or (first.proposed_grade if first else "")
        if proposed in mine:
            self.initial.setdefault("grade", proposed)
        self.initial.setdefault("legacy", self.case.facts.get("legacy") == "yes")

    def clean_legacy(self) -> str:
        return "yes" if self.cleaned_data["legacy"] else "no"


@form("regrade")
class RegradeForm(GradeForm):
    """Another grade, with the reason; the page shows which deadlines move by it."""

    decides = True

    remark = prose("调整理由", rows=3)

    def clean(self) -> dict[str, Any]:
        said, was = self.cleaned_data, self.case.facts
        if (
            not self.errors
            and said["grade"] == was.get("grade")
            and said["legacy"] == was.get("legacy", "no")
        ):
            raise forms.ValidationError("等级没有变化，请调整后再提交")
        return said

    def facts(self) -> dict[str, Any]:
        """As the effect `set_grade` sets them."""
        return {**self.case.facts, "grade": self.cleaned_data["grade"], "legacy": self.cleaned_data["legacy"]}
