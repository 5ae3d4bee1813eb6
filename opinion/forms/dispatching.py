"""Which units handle a case, declines, and how it is classed."""

from __future__ import annotations

from typing import Any

from django import forms

from opinion.barring import barred_units
from opinion.codes import choices
from opinion.cohandling import standing
from opinion.declines import declined_by
from opinion.forms.base import (
    MoveForm,
    RemarkForm,
    code,
    handling_units,
    many_units,
    offer_codes,
    one_unit,
    prose,
)
from workflows.models import Event
from workflows.registry import form

CLASSED = ("type", "domain", "urgency", "complexity")
# Reasons that say by themselves that another unit is meant.
NAMES_ANOTHER = ("r3", "r8")

TO_ALL = "主办和各协办单位看到的是同一段；对某个协办单位另有要求的写明单位名称，或交办后再“请求协办”"

form("remark")(RemarkForm)


class UnitsForm(MoveForm):
    """A lead unit, assisting ones and what is asked of them. Units complained about are not offered."""

    lead = one_unit("主办单位", help_text="对办理结果负责的单位；没有承办人、负责人的单位不在列")
    assisting = many_units("协办单位")
    requirement = prose("办理要求", required=False, rows=3, help_text=TO_ALL)

    def prepare(self) -> None:
        units = handling_units(self.case.desk, at=self.at, without=self.left_out())
        self.offer("lead", units)
        self.offer("assisting", units)
        self.initial.setdefault("lead", self.suggested())
        self.initial.setdefault("assisting", [task.unit_id for task in standing(self.case)])

    def left_out(self) -> frozenset[int]:
        return barred_units(self.case)

    def suggested(self) -> int | None:
        """The unit that the latest decline proposed."""
        last = Event.objects.filter(case=self.case, transition="decline").order_by("-seq").first()
        found: int | None = last.data.get("suggested") if last else None
        return found

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("lead") is not None and said["lead"] in said.get("assisting", ()):
            self.add_error("assisting", "“协办单位”与主办单位相同，请去掉重复的一个")
        return said


@form("assign")
class AssignForm(UnitsForm):
    """Without the units that declined: each declines once."""

    def left_out(self) -> frozenset[int]:
        return super().left_out() | frozenset(declined_by(self.case))


class LeadAlone(UnitsForm):
    """Other units are asked to help with an event one by one, each on a stated legal basis; those at it go on."""

    assisting = None  # type: ignore[assignment]
    requirement = prose("办理要求", required=False, rows=3)

    def prepare(self) -> None:
        self.offer("lead", handling_units(self.case.desk, at=self.at, without=self.left_out()))

    def clean(self) -> dict[str, Any]:
        lead = self.cleaned_data.get("lead")
        helping = [task.unit_id for task in standing(self.case) if task.unit_id != lead]
        return {**self.cleaned_data, "assisting": helping}


@form("assign_lead")
class AssignLeadForm(LeadAlone):
    """Which unit finds out what is true."""


@form("transfer_lead")
class TransferLeadForm(LeadAlone):
    """Another unit takes the event over as it is."""

    decides = True

    requirement = prose("转办理由和要求", rows=3)

    def left_out(self) -> frozenset[int]:
        return super().left_out() | {self.case.lead_id or 0}


@form("reassign")
class ReassignForm(AssignForm):
    """Uphold a decline and send the case on at once."""


@form("designate")
class DesignateForm(UnitsForm):
    """The unit named here may not decline; it may be one that did before."""

    requirement = prose("指定理由和办理要求", rows=3, help_text=TO_ALL)


@form("transfer")
class TransferForm(UnitsForm):
    """Another unit takes the case over as it is."""

    decides = True

    requirement = prose("转办理由和要求", rows=3, help_text=TO_ALL)

    def left_out(self) -> frozenset[int]:
        return super().left_out() | {self.case.lead_id or 0}

    def suggested(self) -> int | None:
        return None


@form("decline")
class DeclineForm(MoveForm):
    """Reason code, basis and the unit that should have it."""

    reason = code("退单理由")
    basis = prose("退单依据", help_text="写明职责分工、法规条款或事实依据")
    suggested = one_unit("建议承办单位", required=False, help_text="知道应由谁办理时请选")

    def prepare(self) -> None:
        offer_codes(self, "reason", "decline_reason")
        _offer_others(self)

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("reason") in NAMES_ANOTHER and not said.get("suggested"):
            label = dict(choices("decline_reason"))[said["reason"]]
            self.add_error("suggested", f"退单理由是“{label}”的，请选择“建议承办单位”")
        return said


class DisputeForm(MoveForm):
    """Why another unit should handle it, for the leader who decides."""

    basis = prose("争议事由和依据", help_text="写明职责分工、法规条款或事实依据")
    suggested = one_unit("建议承办单位", required=False, help_text="认为应由谁办理时请选")

    def prepare(self) -> None:
        _offer_others(self)


@form("raise_dispute")
class RaiseDisputeForm(DisputeForm):
    """By the head of the unit whose decline was rejected."""


@form("refer_dispute")
class ReferDisputeForm(DisputeForm):
    """By the desk, once units have declined as often as they may."""


@form("arbitrate")
class ArbitrateForm(UnitsForm):
    """The leader says who handles it; may be any unit that handles cases, and it is final."""

    requirement = prose("裁定理由和办理要求", rows=3)

    def suggested(self) -> int | None:
        """Nothing: whom the disputing side proposes stands among its grounds, and the leader decides afresh."""
        return None


def _offer_others(form: MoveForm) -> None:
    without = barred_units(form.case) | {form.case.lead_id or 0}
    form.offer("suggested", handling_units(form.case.desk, at=form.at, without=without), empty="（不清楚）")


@form("reject_decline")
class RejectDeclineForm(MoveForm):
    """The unit is told why it has to."""

    remark = prose("驳回理由")


@form("classify")
class ClassifyForm(MoveForm):
    """Type, domain, urgency and complexity; running clocks take the limit that fits."""

    decides = True

    type = code("类型", required=False)
    domain = code("领域", required=False, help_text="来源平台的分类不可靠，请按内容重新归类")
    urgency = code("紧急程度", required=False)
    complexity = code("复杂程度", required=False)
    remark = prose("调整理由", required=False, rows=3)

    def prepare(self) -> None:
        for name in CLASSED:
            offer_codes(self, name, name)
            self.initial.setdefault(name, self.case.facts.get(name, ""))

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if not self.errors and all(said[name] == self.case.facts.get(name, "") for name in CLASSED):
            raise forms.ValidationError("分类没有变化，请至少调整一项")
        complexity = said.get("complexity", "")
        graded = complexity not in {"", "plain", self.case.facts.get("complexity", "")}
        if graded and not said.get("remark"):
            self.add_error("remark", "调整“复杂程度”会改变办结时限，请在“调整理由”中写明谁批准、为什么")
        return said

    def facts(self) -> dict[str, Any]:
        """As the effect `classify` sets them."""
        was = self.case.facts
        return {**was, **{n: self.cleaned_data[n] for n in CLASSED if self.cleaned_data[n] != was.get(n, "")}}
