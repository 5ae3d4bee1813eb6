"""Asking other units to help, and what they do about it."""

from __future__ import annotations

from django import forms

from opinion import cohandling
from opinion.access import OPINION_CASE
from opinion.barring import barred_units
from opinion.forms.base import MoveForm, code, handling_units, many_units, offer_codes, prose
from opinion.forms.files import FilesForm
from opinion.models import CoTask
from opinion.models.co_task import AT_WORK, OPEN
from workflows.registry import form

State = CoTask.State


@form("ask_co_handling")
class AskForm(MoveForm):
    """Which units, what each is asked to do, and whether the answer waits for it."""

    assisting = many_units("协办单位", help_text="每个单位各有一项协办任务")
    asked = prose("协办事项", rows=4, help_text="写明请对方做什么、提供什么；不写留言人的姓名、电话")
    legal_basis = prose(
        "法定依据", required=False, rows=2, help_text="请其他机关协助时，写明依据的法规条款或职责规定"
    )
    required = forms.BooleanField(
        label="必须办结", required=False, initial=True, help_text="未完成或未免除之前，主办单位不能提交"
    )

    def prepare(self) -> None:
        helping = {task.unit_id for task in cohandling.standing(self.case)}
        without = barred_units(self.case) | helping | {self.case.lead_id or 0}
        self.offer("assisting", handling_units(self.case.desk, at=self.at, without=without))
        self.fields["assisting"].required = True
        self.fields["legal_basis"].required = self.case.kind == OPINION_CASE


class TaskForm(MoveForm):
    """Which of the tasks is meant; there is mostly one."""

    task = code("协办任务")
    states: tuple[str, ...] = ()

    def meant(self) -> list[CoTask]:
        """Those this person can do this with."""
        return [task for task in cohandling.standing(self.case) if task.state in self.states]

    def prepare(self) -> None:
        tasks = self.meant()
        self.offer("task", [(str(t.number), f"{t.unit}（{t.get_state_display()}）") for t in tasks])
        if len(tasks) == 1:
            self.initial.setdefault("task", str(tasks[0].number))


class OwnTaskForm(TaskForm):
    """One of the own unit."""

    def meant(self) -> list[CoTask]:
        return cohandling.own(super().meant(), self.by)


@form("accept_co_task")
class AcceptTaskForm(OwnTaskForm):
    """Which task one takes up."""

    otherwise = ("decline_co_task",)
    states = (State.ASSIGNED,)


@form("decline_co_task")
class DeclineTaskForm(OwnTaskForm):
    """Why it is not this unit's to do."""

    otherwise = ("accept_co_task",)
    states = (State.ASSIGNED,)
    grounds = prose("退回理由", rows=3, help_text="写明职责分工或事实依据；由主办单位决定免除或仍请办理")


@form("finish_co_task")
class FinishTaskForm(FilesForm, OwnTaskForm):
    """What this unit contributes, with photos and files."""

    transition = "finish_co_task"
    beyond = "或合并为一个文件"
    states = tuple(AT_WORK)
    contribution = prose(
        "协办情况", rows=6, help_text="供主办单位使用，不直接对外答复；逐项写明事实、依据和结论"
    )
    result = code("办理结果")

    field_order = ("task", "contribution", "photos", "papers", "kept", "result")

    def prepare(self) -> None:
        super().prepare()
        offer_codes(self, "result", "result")


@form("send_back_co_task")
class SendBackTaskForm(TaskForm):
    """What is still lacking, or why it is this unit's to do after all."""

    otherwise = ("waive_co_task",)
    states = (State.DONE, State.DECLINED)
    comments = prose("退回意见", rows=3)


@form("waive_co_task")
class WaiveTaskForm(TaskForm):
    """Why the answer need not wait for it."""

    otherwise = ("send_back_co_task",)
    states = tuple(OPEN)
    grounds = prose("免除理由", rows=3, help_text="理由记入办理日志，督办员可见")
