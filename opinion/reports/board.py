"""The supervisor's board: what is overdue or soon due by unit and colour, and who has held what how long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count, Q

from opinion.models import ActSum, HeldSum, OpenCase, OpenSum
from opinion.reports.area import Area, soon_until
from opinion.reports.drill import Drill, late_tasks, standing_orders
from opinion.reports.sums import seconds_of
from workflows.ladders import LEVELS
from workflows.models import Unit

COLOURED = tuple(level for level in range(len(LEVELS)) if level)


@dataclass(frozen=True)
class Number:
    """A count and the list behind it."""

    count: int
    drill: Drill

    @property
    def href(self) -> str:
        return self.drill.href


@dataclass
class Line:
    """One unit, or all of them (unit None; only: where that is a single one). colours: by level, blue to red."""

    unit: Unit | None
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    colours: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    month: date | None = None
    only: int | None = None

    @property
    def _drill(self) -> Drill:
        return Drill("open", unit=self.unit.pk if self.unit else self.only)

    def _number(self, what: str) -> Number:
        return Number(self.counts[what], self._drill.of(what=what))

    @property
    def open(self) -> Number:
        return self._number("open")

    @property
    def soon(self) -> Number:
        return self._number("soon")

    @property
    def overdue(self) -> Number:
        return self._number("overdue")

    @property
    def ordered(self) -> Number:
        return self._number("ordered")

    @property
    def helping_late(self) -> Number:
        return self._number("helping_late")

    @property
    def declined(self) -> Number:
        return Number(self.counts["declined"], self._drill.of(what="declined", month=self.month))

    @property
    def redone(self) -> Number:
        return Number(self.counts["redone"], self._drill.of(what="redone", month=self.month))

    @property
    def lights(self) -> list[tuple[str, Number]]:
        """Name of the colour and the open cases that show it."""
        return [
            (LEVELS[level], Number(self.colours[level], self._drill.of(level=level))) for level in COLOURED
        ]

    @property
    def is_empty(self) -> bool:
        return not any(self.counts.values())


@dataclass
class StepLine:
    """One step: what is in hand there now, and what was handed on in the month. Seconds are natural time."""

    step: str
    drill: Drill
    month: date
    now: int = 0
    since_seconds: int = 0
    held: int = 0
    held_seconds: int = 0
    at_seconds: int = 0

    @property
    def in_hand(self) -> Number:
        return Number(self.now, self.drill.of(what="open", step=self.step))

    @property
    def handed_on(self) -> Number:
        return Number(self.held, self.drill.of(what="held", step=self.step, month=self.month))

    @property
    def mean_so_far(self) -> int | None:
        """How long the cases in hand have been here, on average."""
        return self.at_seconds - self.since_seconds // self.now if self.now else None

    @property
    def mean_held(self) -> int | None:
        return self.held_seconds // self.held if self.held else None


@dataclass(frozen=True)
class HolderLine:
    """One unit over all its steps."""

    unit: Unit
    total: StepLine


@dataclass(frozen=True)
class Board:
    """lines: units with anything to show, worst first. steps: of all units shown; holders: by unit."""

    soon_until: datetime
    total: Line
    lines: list[Line]
    steps: list[StepLine]
    holders: list[HolderLine]


def board(area: Area, *, month: date, at: datetime) -> Board:
    """Eight statements, whatever the number of cases. month: of declines, redos and handed-on time."""
    until = soon_until(at)
    lines = {pk: Line(unit, month=month) for pk, unit in area.units.items()}
    steps: dict[str, StepLine] = {}
    holders: dict[int, StepLine] = {}
    _in_hand(area, month, at, lines, steps, holders)
    _dues(area, until, at, lines)
    ordered = standing_orders(list(area.units)).values_list("unit_id").annotate(orders=Count("pk")).order_by()
    for unit, orders in ordered:
        lines[unit].counts["ordered"] += orders
    late = late_tasks(list(area.units), at).values_list("unit_id").annotate(tasks=Count("pk")).order_by()
    for unit, tasks in late:
        lines[unit].counts["helping_late"] += tasks
    for unit, kind, cases in ActSum.objects.filter(unit__in=list(area.units), month=month).values_list(
        "unit_id", "kind", "cases"
    ):
        lines[unit].counts[kind] += cases
    total = Line(None, month=month, only=next(iter(area.units)) if len(area.units) == 1 else None)
    for line in lines.values():
        for name, count in line.counts.items():
            total.counts[name] += count
        for level, count in line.colours.items():
            total.colours[level] += count
    shown = sorted(
        (line for line in lines.values() if not line.is_empty),
        key=lambda line: (-line.counts["overdue"], -line.counts["soon"], line.unit.code if line.unit else ""),
    )
    held = [HolderLine(area.units[pk], line) for pk, line in holders.items() if line.now or line.held]
    held.sort(key=lambda line: -(line.total.mean_so_far or 0))
    return Board(until, total, shown, [line for line in steps.values() if line.now or line.held], held)


def _in_hand(
    area: Area,
    month: date,
    at: datetime,
    lines: dict[int, Line],
    steps: dict[str, StepLine],
    holders: dict[int, StepLine],
) -> None:
    only = next(iter(area.units)) if len(area.units) == 1 else None

    def both(unit: int, step: str) -> Iterable[StepLine]:
        seconds = seconds_of(at)
        if step not in steps:
            steps[step] = StepLine(step, Drill("open", unit=only), month, at_seconds=seconds)
        if unit not in holders:
            holders[unit] = StepLine("", Drill("open", unit=unit), month, at_seconds=seconds)
        return steps[step], holders[unit]

    units = list(area.units)
    now = OpenSum.objects.filter(unit__in=units, cases__gt=0).order_by("id")
    for unit, step, level, cases, since in now.values_list(
        "unit_id", "step", "level", "cases", "since_seconds"
    ):
        lines[unit].counts["open"] += cases
        lines[unit].colours[level] += cases
        for line in both(unit, step):
            line.now += cases
            line.since_seconds += since
    held = HeldSum.objects.filter(unit__in=units, month=month, cases__gt=0).order_by("id")
    for unit, step, cases, seconds in held.values_list("unit_id", "step", "cases", "seconds"):
        for line in both(unit, step):
            line.held += cases
            line.held_seconds += seconds


def _dues(area: Area, until: datetime, at: datetime, lines: dict[int, Line]) -> None:
    """Only what is due by `until` is looked at: the index `op_open_due` holds every column asked for."""
    due = OpenCase.objects.filter(due_at__lt=until, unit__in=list(area.units)).values_list("unit_id")
    for unit, overdue, all_due in due.annotate(
        overdue=Count("due_at", Q(due_at__lt=at)), all_due=Count("due_at")
    ).order_by():
        lines[unit].counts["overdue"] += overdue
        lines[unit].counts["soon"] += all_due - overdue
