"""What is known of an event, what has been reported and said in public, and the tasks that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from opinion.access import OPINION_CASE
from opinion.blocks.registry import Block, Viewing, block_of
from opinion.models import CaseReport, OpinionCase, PublicResponse, ReviewTask


@dataclass(frozen=True)
class EventView:
    """The event in words; what was not given is left out of `facts`. grade: empty while it has none."""

    event: OpinionCase
    grade: str
    facts: list[tuple[str, str]]
    questions: list[str]


@dataclass(frozen=True)
class ReportView:
    """A report, its proposed grade and its finding in words."""

    report: CaseReport
    proposed: str
    finding: str


@dataclass(frozen=True)
class ResponsesView:
    """What went out, and the wordings on the way there."""

    published: list[PublicResponse]
    wordings: list[PublicResponse]


@dataclass(frozen=True)
class TaskView:
    """A task with its texts. late: not settled by its last day."""

    task: ReviewTask
    assignment: str
    outcome: str
    late: bool


def event_view(viewing: Viewing) -> EventView | None:
    """The event of a case, as the page and the printed report show it."""
    event = OpinionCase.objects.filter(case=viewing.case).first()
    if event is None:
        return None
    case, codes = viewing.case, viewing.codes
    facts = [
        ("发生地点", event.place),
        ("出现渠道", "、".join(codes.of("channel", code) for code in event.channels)),
        ("领域", codes.of("domain", event.domain)),
        ("涉及单位", event.agencies),
        ("历史遗留问题", "是" if case.facts.get("legacy") == "yes" else ""),
    ]
    return EventView(
        event=event,
        grade=codes.of("grade", case.facts.get("grade", "")),
        facts=[(label, value) for label, value in facts if value],
        questions=[line for line in event.questions.splitlines() if line.strip()],
    )


@block_of(OPINION_CASE)
def event_block(viewing: Viewing) -> Block | None:
    view = event_view(viewing)
    return Block("opinion/case/event.html", view) if view else None


@block_of(OPINION_CASE)
def reports_block(viewing: Viewing) -> Block | None:
    """Flash, follow-up and verification reports, newest first."""
    found = CaseReport.objects.filter(case=viewing.case).select_related("author", "unit").order_by("-number")
    codes = viewing.codes
    views = [
        ReportView(r, codes.of("grade", r.proposed_grade), codes.of("finding", r.finding)) for r in found
    ]
    return Block("opinion/case/reports.html", views) if views else None


@block_of(OPINION_CASE)
def responses_block(viewing: Viewing) -> Block | None:
    """What the public was told, and the wordings on the way there, newest first."""
    found = PublicResponse.objects.filter(case=viewing.case).select_related("author", "unit")
    said = list(found.order_by("-seq", "-id"))
    out = PublicResponse.Stage.PUBLISHED
    view = ResponsesView(
        published=[response for response in said if response.stage == out],
        wordings=[response for response in said if response.stage != out],
    )
    return Block("opinion/case/responses.html", view) if said else None


@block_of(OPINION_CASE)
def tasks_block(viewing: Viewing) -> Block | None:
    """Lessons become tasks; each with the text it was set and settled with."""
    found = ReviewTask.objects.filter(case=viewing.case).with_lateness(at=viewing.at)
    tasks = list(found.select_related("unit", "settled_by"))
    if not tasks:
        return None
    said = viewing.case.notes.filter(kind__in=("assignment", "outcome", "remark"))
    events = {
        (event.data.get("task"), event.name): event.seq
        for event in viewing.case.events.filter(name__startswith="task.").order_by("seq")
    }
    texts = {(note.seq, note.kind): note.text for note in said}

    def told(task: ReviewTask, name: str, kind: str) -> str:
        seq = events.get((task.number, name))
        return texts.get((seq, kind), "") if seq is not None else ""

    views = [
        TaskView(
            task=task,
            assignment=told(task, "task.set", "assignment"),
            outcome=told(task, "task.finished", "outcome") or told(task, "task.handed_over", "remark"),
            late=task.late,  # type: ignore[attr-defined]
        )
        for task in tasks
    ]
    return Block("opinion/case/tasks.html", views)
