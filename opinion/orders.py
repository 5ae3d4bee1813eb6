"""Supervision orders as pages show them: the list, and one order with everything that was said about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms

from opinion.clock_names import name_of, plain
from opinion.keyset import Position, beyond
from opinion.models import SupervisionOrder
from opinion.models.supervision import AWAITING
from workflows.ladders import COLOURS, LEVELS
from workflows.limits import Limit
from workflows.models import Case, Event, Unit, User
from workflows.worded import WordedForm
from workflows.wording import event_label

PAGE_SIZE = 30
STANDS = [
    ("open", "未审结"),
    ("awaiting", "待反馈"),
    ("answered", "待审结"),
    ("ended", "已审结或撤销"),
    ("all", "全部"),
]


class OrderFilter(WordedForm):
    """The questions the list of orders answers; kept in the query string."""

    stand = forms.ChoiceField(label="状态", choices=STANDS, required=False)
    colour = forms.ChoiceField(label="级别", required=False)
    unit = forms.ModelChoiceField(Unit.objects.all(), label="被督办单位", empty_label="全部", required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        colour = self.fields["colour"]
        assert isinstance(colour, forms.ChoiceField)
        colour.choices = [("", "全部"), *((name, COLOURS[name]) for name in LEVELS if name)]

    @property
    def narrowed(self) -> bool:
        return any(self.cleaned_data.values())


@dataclass(frozen=True)
class OrderRow:
    """late: feedback is awaited and overdue. due_at: by when, null where none is awaited."""

    order: SupervisionOrder
    due_at: datetime | None
    late: bool


def page_of_orders(
    asked: OrderFilter, viewer: User, *, before: Position | None, at: datetime
) -> tuple[list[OrderRow], Position | None]:
    """The last issued first, and the position of the next page, None where this is the last. Two statements."""
    found = (
        SupervisionOrder.objects.visible_to(viewer)
        .with_feedback_due()
        .select_related("case", "unit", "issuer")
    )
    said = asked.cleaned_data
    match said["stand"] or "open":
        case "open":
            found = found.open()
        case "awaiting":
            found = found.filter(state__in=AWAITING)
        case "answered":
            found = found.filter(state=SupervisionOrder.State.ANSWERED)
        case "ended":
            found = found.filter(ended_at__isnull=False)
    if said["colour"]:
        found = found.filter(level=LEVELS.index(said["colour"]))
    if said["unit"]:
        found = found.filter(unit=said["unit"])
    if before is not None and before.moment is not None:
        found = found.filter(beyond("issued_at", before.moment, before.id, falling=True))
    orders = list(found.order_by("-issued_at", "-id")[: PAGE_SIZE + 1])
    rows = [_row(order, at) for order in orders[:PAGE_SIZE]]
    if len(orders) <= PAGE_SIZE:
        return rows, None
    last = orders[PAGE_SIZE - 1]
    return rows, Position(last.issued_at, last.pk)


def rows_of_case(case: Case, *, at: datetime) -> list[OrderRow]:
    """All of one case, newest first. One statement."""
    orders = SupervisionOrder.objects.filter(case=case).with_feedback_due().select_related("unit", "issuer")
    found = list(orders.order_by("-number"))
    for order in found:
        order.case = case
    return [_row(order, at) for order in found]


def _row(order: SupervisionOrder, at: datetime) -> OrderRow:
    due_at: datetime | None = order.feedback_due_at if order.state in AWAITING else None  # type: ignore[attr-defined]
    return OrderRow(order, due_at, due_at is not None and due_at < at)


@dataclass(frozen=True)
class Said:
    """One step of an order in words, with its texts (what it is, the text)."""

    event: Event
    label: str
    texts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class OrderSheet:
    """What the printed form says. limit: of the deadline that was missed, with its source. clock: its name."""

    row: OrderRow
    problem: str
    demand: str
    clock: str
    limit: str
    source: str
    clock_due_at: datetime | None
    steps: list[Said]


NOTES = {
    "problem": "督办事由", "demand": "督办要求", "answer": "反馈", "comments": "退回意见", "remark": "说明",
}  # fmt: skip


def sheet_of(order: SupervisionOrder, *, at: datetime) -> OrderSheet:
    """order: with `feedback_due_at`, case, unit and issuer loaded. Three statements."""
    case = order.case
    events = case.events.filter(name__startswith="order.", data__order=order.number).select_related("actor")
    steps = list(events.order_by("seq"))
    texts: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for note in case.notes.filter(seq__in=[event.seq for event in steps]).order_by("seq", "id"):
        texts[note.seq].append((note.kind, note.text))
    issued = dict(texts[order.seq])
    missed = case.clocks.filter(kind=order.clock, cycle=order.cycle).select_related("policy").first()
    rule = missed.policy.parsed.row(missed.rule) if missed else None
    return OrderSheet(
        row=_row(order, at),
        problem=issued.get("problem", ""),
        demand=issued.get("demand", ""),
        clock=name_of(missed) if missed else plain(case, order.clock, order.cycle),
        limit=Limit.parse(missed.limit).label if missed else "",
        source=rule.source if rule else "",
        clock_due_at=missed.due_at if missed else None,
        steps=[
            Said(
                event,
                event_label(case, event),
                [(NOTES.get(kind, "说明"), text) for kind, text in texts[event.seq]],
            )
            for event in steps
        ],
    )
