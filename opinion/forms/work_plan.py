"""A commitment of the work plan: registering it, and what was done in a period."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from opinion.forms.base import MoveForm, line, moment, prose
from opinion.forms.opening import OpeningForm
from workflows import rows
from workflows.chain import text_digest
from workflows.engine import Draft
from workflows.models import Case, Note
from workflows.registry import form

REQUIREMENT = "work_requirement"


@form("work_plan")
class WorkPlanForm(OpeningForm):
    """What is promised, and how it is to be kept."""

    title = line("承诺事项", required=True, help_text="如：每月一次集体学习")
    requirement = prose("工作要求", rows=4, help_text="内容、参加范围和完成标准")

    def draft(self) -> Draft:
        said, at = self.cleaned_data, self.at
        assert at is not None, "the page passes the moment"

        def beside(case: Case) -> Iterable[models.Model]:
            yield rows.make(
                Note, case_id=case.pk, seq=1, kind=REQUIREMENT, text=said["requirement"], author_id=self.by.pk, written_at=at
            )  # fmt: skip

        return Draft(
            title=said["title"], desk_id=said["desk"], at=at, rows=beside,
            logged={REQUIREMENT: text_digest(said["requirement"])},
        )  # fmt: skip


@form("fulfil")
class FulfilForm(MoveForm):
    """What was done in this period; kept as an offline record."""

    happened_at = moment("时间", help_text="实际开展的时间")
    place = line("地点")
    outcome = prose("开展情况", help_text="内容、参加人数和效果")

    def clean(self) -> dict[str, Any]:
        return {**self.cleaned_data, "action": "activity"}


@form("cancel_plan")
class CancelPlanForm(MoveForm):
    """Who decided that the commitment no longer stands, and why."""

    remark = prose("取消理由", rows=3, help_text="写明由谁决定、为什么")
