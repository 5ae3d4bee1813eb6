"""What a form about one of several things of a case is about: supervision orders, co-tasks, approvals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django import forms

from opinion.casefile import CodeLabels
from opinion.contributions import task_rows
from opinion.deciding.matter import Matter, Passage
from opinion.due_words import minute
from opinion.forms.approving import ApprovalForm
from opinion.forms.cohandling import TaskForm
from opinion.forms.supervising import OrderForm
from opinion.models import Attachment, CoTask, SupervisionOrder
from opinion.orders import NOTES, rows_of_case
from workflows.ladders import COLOURS
from workflows.models import Approval, Case, Event
from workflows.wording import event_label


def approvals_meant(form: forms.Form | None) -> list[Approval]:
    """Those a form about approvals can be about."""
    return form.meant() if isinstance(form, ApprovalForm) else []


def is_about_one(form: forms.Form | None) -> bool:
    return isinstance(form, OrderForm | TaskForm | ApprovalForm)


def subjects(
    case: Case, form: forms.Form | None, log: Sequence[Event], codes: CodeLabels, *, at: datetime
) -> list[Matter]:
    """The orders or tasks a form can be about; four statements at most. log: of the case, oldest first."""
    if isinstance(form, OrderForm):
        return _orders(case, form.meant(), log, at=at)
    if isinstance(form, TaskForm):
        return _tasks(case, form.meant(), codes, at=at)
    return []


def _orders(
    case: Case, meant: Sequence[SupervisionOrder], log: Sequence[Event], *, at: datetime
) -> list[Matter]:
    """Each with everything that was said about it, oldest first."""
    numbers = {order.number for order in meant}
    steps = [e for e in log if e.name.startswith("order.") and e.data.get("order") in numbers]
    texts = case.notes.filter(seq__in=[event.seq for event in steps]).order_by("seq", "id")
    by_seq = {event.seq: event for event in steps}
    found = []
    for row in reversed(rows_of_case(case, at=at)):
        order = row.order
        if order.number not in numbers:
            continue
        due = [("反馈期限", minute(row.due_at))] if row.due_at else []
        passages = [
            Passage(_said(case, by_seq[note.seq], NOTES.get(note.kind, "说明")), note.text)
            for note in texts
            if by_seq[note.seq].data["order"] == order.number
        ]
        facts = [
            ("被督办单位", str(order.unit)),
            ("级别", COLOURS[order.colour]),
            ("状态", order.get_state_display()),
            *due,
        ]
        found.append(Matter(f"督办单 D{order.number}", str(order.issuer), order.issued_at, facts, passages))
    return found


def _said(case: Case, event: Event, what: str) -> str:
    return f"{what}（{event_label(case, event)}，{event.actor}）"


def _tasks(case: Case, meant: Sequence[CoTask], codes: CodeLabels, *, at: datetime) -> list[Matter]:
    files = Attachment.objects.by_record(case)
    rows = task_rows(case, meant, list(case.clocks.going()), codes.of, files, at=at)
    found = []
    for row in rows:
        task = row.task
        facts = [
            ("协办单位", str(task.unit)),
            ("状态", task.get_state_display()),
            ("必须办结", "是" if task.required else "否"),
        ]
        if row.due_at is not None:
            facts.append(("期限", minute(row.due_at)))
        if row.result:
            facts.append(("办理结果", row.result))
        passages = [Passage("协办事项", row.asked or "未另写协办事项，按办理要求协助主办单位。")]
        if row.basis:
            passages.append(Passage("法定依据", row.basis))
        passages += [
            Passage(f"{said.label}（{said.what}，{said.by}）", said.text, said.files) for said in row.said
        ]
        asked_by = str(task.asked_by)
        found.append(Matter(f"协办任务：{task.unit}", asked_by, task.asked_at, facts, passages))
    return found
