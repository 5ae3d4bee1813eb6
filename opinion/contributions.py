"""Co-tasks as the case page shows them: who helps with what, by when, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from opinion.models import Attachment, CoTask
from workflows.models import Case, Clock
from workflows.wording import event_label

# What was said about a task, by kind of note.
SAID = {"contribution": "协办情况", "comments": "退回意见", "grounds": "理由"}


@dataclass(frozen=True)
class Said:
    """One text about a task, with the files that came with it. what: 完成协办任务 and the like."""

    what: str
    by: str
    at: datetime
    label: str
    text: str
    files: list[Attachment]


@dataclass(frozen=True)
class TaskRow:
    """asked, basis: what is asked of the unit, and on which legal ground; empty where nothing was said.

    due_at: None where nothing is awaited. late: it is awaited and overdue. said: oldest first.
    """

    task: CoTask
    asked: str
    basis: str
    result: str
    due_at: datetime | None
    late: bool
    said: list[Said]


def task_rows(
    case: Case,
    tasks: Sequence[CoTask],
    clocks: Sequence[Clock],
    label: Callable[[str, str], str],
    files: Mapping[int, list[Attachment]],
    *,
    at: datetime,
) -> list[TaskRow]:
    """clocks: of the case. label: (list, code) → words. files: of the case, by record. Two statements, none where nobody helps."""
    if not tasks:
        return []
    events = [
        event
        for event in case.events.filter(name__startswith="co_task.").select_related("actor").order_by("seq")
        if event.data.get("task")
    ]
    wanted = {*(event.seq for event in events), *(task.seq for task in tasks)}
    notes: dict[int, dict[str, str]] = defaultdict(dict)
    for note in case.notes.filter(seq__in=wanted):
        notes[note.seq][note.kind] = note.text
    said: dict[int, list[Said]] = defaultdict(list)
    for event in events:
        for kind, word in SAID.items():
            if text := notes[event.seq].get(kind):
                said[event.data["task"]].append(
                    Said(
                        what=event_label(case, event),
                        by=str(event.actor),
                        at=event.happened_at,
                        label=word,
                        text=text,
                        files=files.get(event.seq, []),
                    )
                )
    due = {clock.kind: clock.due_at for clock in clocks if clock.is_going}
    return [
        TaskRow(
            task=task,
            asked=notes[task.seq].get("asked") or notes[task.seq].get("requirement", ""),
            basis=notes[task.seq].get("legal_basis", ""),
            result=label("result", task.result),
            due_at=(due_at := due.get(task.clock) if task.is_at_work else None),
            late=due_at is not None and due_at < at,
            said=said[task.number],
        )
        for task in tasks
    ]
