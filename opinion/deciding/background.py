"""What a case is about, by its kind: what the person wrote, what is known of the event, what was promised."""

from __future__ import annotations

from collections.abc import Callable

from opinion.access import MESSAGE, OPINION_CASE, WORK_PLAN
from opinion.blocks import Viewing
from opinion.blocks.message import message_block
from opinion.blocks.opinion_case import event_view, tasks_block
from opinion.deciding.matter import Passage
from opinion.forms.work_plan import REQUIREMENT
from opinion.models import CallBack, CaseReport, Reply
from opinion.wordings import latest

Reader = Callable[[Viewing], list[Passage]]
VERIFICATION = CaseReport.Kind.VERIFICATION


def background_of(viewing: Viewing) -> list[Passage]:
    """Nothing for a kind that says nothing here. Statements do not grow with the rows."""
    reader = READERS.get(viewing.case.kind)
    return reader(viewing) if reader else []


def _message(viewing: Viewing) -> list[Passage]:
    """The message as the case page shows it; the last answer to it, if there was one, and what its person said of it."""
    block = message_block(viewing)
    found = [Passage("留言原文", block.data.text)] if block else []
    told = latest(viewing.case, Reply.Kind.FINAL)
    if told is None:
        return found
    calls = CallBack.objects.filter(case=viewing.case, seq__gt=told.seq).exclude(record="")
    called = calls.select_related("caller").order_by("-seq").first()
    found.append(Passage("上次答复本人的全文", told.text))
    return [*found, Passage(f"回访记录（{called.caller}）", called.record)] if called else found


def _event(viewing: Viewing) -> list[Passage]:
    """The event, what the public asks, the newest report and the newest verification, and what is to be put right."""
    view = event_view(viewing)
    if view is None:
        return []
    found = [Passage("事件概况", view.event.summary)]
    if view.questions:
        found.append(Passage("公众关切", "\n".join(view.questions)))
    reports = list(CaseReport.objects.filter(case=viewing.case).order_by("number"))
    verified = [report for report in reports if report.kind == VERIFICATION]
    for report in dict.fromkeys([*verified[-1:], *reports[-1:]]):
        of_codes = (
            ("建议等级", viewing.codes.of("grade", report.proposed_grade)),
            ("核查结论", viewing.codes.of("finding", report.finding)),
        )
        said = [report.facts, f"措施：{report.measures}" if report.measures else ""]
        said += [f"{label}：{value}" for label, value in of_codes if value]
        found.append(
            Passage(f"{report.get_kind_display()}第 {report.number} 号", "\n".join(filter(None, said)))
        )
    return [*found, *_tasks(viewing)]


def _tasks(viewing: Viewing) -> list[Passage]:
    block = tasks_block(viewing)
    return [
        Passage(
            f"整改任务 {view.task.number}（{view.task.unit}，{view.task.due_on:%Y-%m-%d} 前，{view.task.get_state_display()}）",
            "\n".join(filter(None, [view.assignment, f"结果：{view.outcome}" if view.outcome else ""])),
        )
        for view in (block.data if block else ())
    ]


def _plan(viewing: Viewing) -> list[Passage]:
    note = viewing.case.notes.filter(seq=1, kind=REQUIREMENT).first()
    return [Passage("工作要求", note.text)] if note else []


READERS: dict[str, Reader] = {MESSAGE: _message, OPINION_CASE: _event, WORK_PLAN: _plan}
