"""What an event teaches: lessons, tasks, and how it ends."""

from __future__ import annotations

from datetime import date

from django import forms
from django.utils import timezone

from opinion import review_tasks
from opinion.barring import barred_units
from opinion.forms.base import MoveForm, code, day, handling_units, one_unit, prose
from opinion.opinion_guards import open_tasks
from workflows.registry import form


@form("conclude_follow_up")
class ConcludeForm(MoveForm):
    """What was done on the ground."""

    remark = prose("处置结果", help_text="写明已完成的措施、公众关切是否解决、遗留事项")


@form("draw_lessons")
class LessonsForm(MoveForm):
    """What is learnt from the handling."""

    lessons = prose(
        "复盘结论", rows=8, help_text="发现、定级、核查、回应各环节做得怎样，哪些要改；对事对单位"
    )


@form("set_task")
class TaskForm(MoveForm):
    """Which unit puts what right until when."""

    unit = one_unit("责任单位")
    assignment = prose("整改任务", rows=3)
    due_on = day("完成期限", required=True)

    def prepare(self) -> None:
        units = handling_units(self.case.desk, at=self.at, without=barred_units(self.case))
        if self.case.restricted:
            units = [(pk, name) for pk, name in units if pk == self.case.lead_id]
        self.offer("unit", units)
        if self.case.lead_id is not None:
            self.initial.setdefault("unit", self.case.lead_id)

    def clean_due_on(self) -> date:
        due_on: date = self.cleaned_data["due_on"]
        if self.at is None:
            return due_on
        if due_on < timezone.localtime(self.at).date():
            raise forms.ValidationError("“完成期限”早于今天，请核对")
        for clock in review_tasks.free_clocks(self.case)[:1]:
            last, limit = review_tasks.latest_day(self.case, clock, at=self.at)
            if due_on > last:
                raise forms.ValidationError(
                    f"“完成期限”最晚为 {last:%Y-%m-%d}（{limit.label}内），更久的请分步下达"
                )
            if review_tasks.limit_until(self.case, due_on, at=self.at) is None:
                raise forms.ValidationError(review_tasks.TOO_LATE)
        return due_on


class OneTaskForm(MoveForm):
    """Which of the open tasks is meant; there is mostly one."""

    decides = True

    task = code("整改任务")

    def prepare(self) -> None:
        tasks = open_tasks(self.case, self.by)
        self.offer(
            "task", [(str(t.number), f"任务 {t.number}（{t.unit}，{t.due_on:%Y-%m-%d} 前）") for t in tasks]
        )
        if len(tasks) == 1:
            self.initial.setdefault("task", str(tasks[0].number))


@form("finish_task")
class FinishTaskForm(OneTaskForm):
    """What was done."""

    otherwise = ("hand_over_task",)
    outcome = prose("完成情况", rows=4)


@form("hand_over_task")
class HandOverTaskForm(OneTaskForm):
    """To whom, and why."""

    otherwise = ("finish_task",)
    remark = prose("移交给谁、为什么", rows=4)


@form("annul")
class AnnulForm(MoveForm):
    """Why the entry was a mistake."""

    remark = prose("撤销理由", rows=3, help_text="如：与 YQ2026-000012 是同一事件，重复登记")
