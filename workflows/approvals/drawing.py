"""An approval as a picture and as BPMN 2.0: its own levels in their order, with where it stands.

The picture is drawn as all others are: presentation attributes only, every label escaped. The BPMN comes from viewflow,
which lays out a flow made for the purpose: the generic flow that runs them all would show every approval alike.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from viewflow import this
from viewflow.workflow import chart, nodes
from viewflow.workflow.base import Flow

from workflows.approvals.rules import LevelSpec
from workflows.approvals.standing import LevelState, level_state
from workflows.diagrams.drawing import FAINT, FONTS, INK, NOW, PAPER
from workflows.models import Approval, ApprovalTask

BOX, HIGH, GAP, MARGIN, LINE = 210, 96, 46, 16, 18
# (fill, line, width of the line): a level that gave it back stands out without its colour, too.
AHEAD = ("#f6f8fa", "#6b6b6b", 1)
LOOKS: dict[LevelState, tuple[str, str, int]] = {
    "done": ("#e8f5ec", "#2e7d4f", 1),
    "now": ("#fdf4e3", "#a06a12", 1),
    "ahead": AHEAD,
    "returned": ("#fdecea", NOW, 3),
    "off": AHEAD,
}


def svg(approval: Approval, label: str, names: dict[int, list[str]]) -> str:
    """One `<svg>` element. names: number of a level → who sits in it, with what each said."""
    levels = [LevelSpec.model_validate(level) for level in approval.levels]
    width = MARGIN * 2 + (BOX + GAP) * len(levels) + 120
    most = max([len(names.get(number, ())) for number in range(1, len(levels) + 1)], default=0)
    height = MARGIN * 2 + HIGH + LINE * max(most - 1, 0)
    title = f"{label}第 {approval.round} 轮：{approval.get_outcome_display()}"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    face = f'font-family={quoteattr(FONTS)} font-size="13" fill="{INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(title)} {size} {face}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    tall = height - MARGIN * 2
    for number, level in enumerate(levels, 1):
        x = MARGIN + (BOX + GAP) * (number - 1)
        parts.append(_box(x, tall, level.label, names.get(number, []), level_state(approval, number)))
        parts.append(_arrow(x + BOX, MARGIN + tall / 2))
    x = MARGIN + (BOX + GAP) * len(levels)
    ended = NOW if approval.outcome == Approval.Outcome.RETURNED else INK
    parts.append(
        f'<circle cx="{x + 14}" cy="{MARGIN + tall / 2}" r="12" fill="{PAPER}" stroke="{ended}" stroke-width="3"/>'
    )
    parts.append(
        f'<text x="{x + 34}" y="{MARGIN + tall / 2 + 5}" fill="{ended}">{escape(approval.get_outcome_display())}</text></svg>'
    )
    return "\n".join(parts)


def _box(x: float, tall: float, label: str, people: list[str], state: LevelState) -> str:
    fill, line, thick = LOOKS[state]
    lines = [f'<text x="{x + 12}" y="{MARGIN + 26}" font-size="14" font-weight="bold">{escape(label)}</text>']
    lines += [
        f'<text x="{x + 12}" y="{MARGIN + 52 + LINE * row}" fill="{FAINT}">{escape(person)}</text>'
        for row, person in enumerate(people or ["（未到）"])
    ]
    return (
        f'<g><rect x="{x}" y="{MARGIN}" width="{BOX}" height="{tall}" rx="6" fill="{fill}" stroke="{line}" '
        f'stroke-width="{thick}"/>' + "".join(lines) + "</g>"
    )


def _arrow(x: float, y: float) -> str:
    return (
        f'<path d="M{x} {y} h{GAP - 8}" stroke="{FAINT}" fill="none"/>'
        f'<path d="M{x + GAP - 8} {y - 4} l8 4 l-8 4 z" fill="{FAINT}"/>'
    )


def bpmn(approval: Approval, label: str, names: dict[int, list[str]]) -> str:
    """BPMN 2.0 XML with a diagram: a level is one user task with all its names, and a gateway behind it for giving back."""
    levels = [LevelSpec.model_validate(level) for level in approval.levels]
    members: dict[str, Any] = {
        "__module__": __name__, "process_class": Approval, "task_class": ApprovalTask,
        "process_title": f"{label}第 {approval.round} 轮",
    }  # fmt: skip
    first = f"level_{levels[0].name}" if levels else "granted"
    members["start"] = nodes.StartHandle().Next(getattr(this, first)).Annotation(title="提请")
    for number, level in enumerate(levels, 1):
        after = f"level_{levels[number].name}" if number < len(levels) else "granted"
        people = "、".join(names.get(number, [])) or "未到"
        task = nodes.View(None).Assign(lambda activation: None)
        members[f"level_{level.name}"] = task.Annotation(title=f"{level.label}：{people}").Next(
            getattr(this, f"agreed_{level.name}")
        )
        gate = nodes.If(lambda activation: True).Then(getattr(this, after)).Else(this.returned)
        members[f"agreed_{level.name}"] = gate.Annotation(title="同意？")
    members["granted"] = nodes.End().Annotation(title="同意")
    members["returned"] = nodes.End().Annotation(title="退回")
    return str(chart.grid_to_bpmn(chart.calc_layout_data(type("DrawnFlow", (Flow,), members))))
