"""What a number on the board or in the statistics counts: one definition for the number and for the list behind it.

Every number links to `board_cases` with these questions; the list starts from `Case.objects.visible_to(user)` and is
narrowed by the very rows the sums were made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from opinion.models import Act, CaseFigure, CoTask, Held, MonthSum, OpenCase, SupervisionOrder
from opinion.reports.area import Area, month_named, soon_until
from workflows.ladders import COLOURS, LEVELS
from workflows.models import Case, Clock, User
from workflows.models.case import CaseQuerySet

WHAT = {
    "open": "在办",
    "soon": "即将到期",
    "overdue": "已逾期",
    "ordered": "督办单未审结",
    "helping_late": "协办逾期",
    "held": "经手并已交出",
    **{kind.value: str(kind.label) for kind in Act.Kind},
    "closed": "已办结",
    "on_time": "按时办结",
    "late": "逾期办结",
    "late_open": "逾期未办结",
    "counted": "已办结和逾期未办结",
    "rated": "已评价",
    "satisfied": "满意",
}
NOW = ("open", "soon", "overdue", "ordered", "helping_late")
BY_DEADLINE = ("closed", "on_time", "late", "late_open", "counted", "rated", "satisfied")


class BadDrill(ValueError):
    """Questions that no number of ours asks."""


def standing_orders(units: list[int]) -> QuerySet[SupervisionOrder]:
    """Orders not ended against these units; restricted cases stay with their officer, as everywhere here."""
    return SupervisionOrder.objects.open().filter(unit__in=units, case__restricted=False)


def late_tasks(units: list[int], at: datetime) -> QuerySet[CoTask]:
    """Co-tasks of these units that are awaited and overdue."""
    return CoTask.objects.late(at=at).filter(unit__in=units, case__restricted=False)


@dataclass(frozen=True)
class Drill:
    """what: a key of WHAT. unit: one of the area; group: a peer group of it; neither: all of it. step, level: of what
    is open or held. month: of all that is not about now. basis: by which deadline."""

    what: str
    unit: int | None = None
    group: str | None = None
    step: str = ""
    level: int | None = None
    month: date | None = None
    basis: str = MonthSum.Basis.DUE.value

    @property
    def href(self) -> str:
        asked: dict[str, Any] = {
            "what": self.what,
            "unit": self.unit,
            "group": self.group,
            "step": self.step or None,
            "level": self.level,
            "month": f"{self.month:%Y-%m}" if self.month else None,
            "basis": self.basis if self.basis != MonthSum.Basis.DUE else None,
        }
        said = {name: value for name, value in asked.items() if value is not None}
        return f"{reverse('board_cases')}?{urlencode(said)}"

    @classmethod
    def parse(cls, asked: QueryDict) -> Drill:
        """Read what `href` wrote. Raises BadDrill."""
        said = asked.dict()
        month = month_named(str(said["month"])) if said.get("month") else None
        try:
            found = cls(
                what=asked.get("what", ""),
                unit=int(str(said["unit"])) if said.get("unit") else None,
                group=asked.get("group"),
                step=asked.get("step", ""),
                level=int(str(said["level"])) if said.get("level") else None,
                month=month,
                basis=asked.get("basis", MonthSum.Basis.DUE.value),
            )
        except ValueError as error:
            raise BadDrill(str(error)) from error
        known = found.what in WHAT and found.basis in MonthSum.Basis.values
        dated = (found.month is None) == (found.what in NOW)
        coloured = found.level is None or 0 <= found.level < len(LEVELS)
        if not (known and dated and coloured):
            raise BadDrill(asked.urlencode())
        return found

    def of(self, **changes: Any) -> Drill:
        return replace(self, **changes)

    def rows(self, area: Area, *, at: datetime) -> QuerySet[Any]:
        """The rows counted; each is one case, except that a cycle of a case is a row of its own."""
        units = list(area.narrowed(self.unit, self.group).units)
        if self.what in NOW:
            return self._open(units, at)
        assert self.month is not None, "`parse` and the pages give a month to whatever is not about now"
        if self.what == "held":
            held = Held.objects.filter(month=self.month, unit__in=units)
            return held.filter(step=self.step) if self.step else held
        if self.what in Act.Kind.values:
            return Act.objects.filter(month=self.month, unit__in=units, kind=self.what)
        return self.by_deadline(units, at)

    def _open(self, units: list[int], at: datetime) -> QuerySet[Any]:
        if self.what == "ordered":
            return standing_orders(units)
        if self.what == "helping_late":
            return late_tasks(units, at)
        found = OpenCase.objects.filter(unit__in=units)
        if self.what == "overdue":
            found = found.filter(due_at__lt=at)
        elif self.what == "soon":
            found = found.filter(due_at__gte=at, due_at__lt=soon_until(at))
        if self.step:
            found = found.filter(step=self.step)
        return found if self.level is None else found.filter(level=self.level)

    def by_deadline(self, units: list[int], at: datetime) -> QuerySet[CaseFigure]:
        """Cycles by when they were due and how they ended."""
        original = self.basis == MonthSum.Basis.ORIGINAL
        month, on_time = ("original_month", "original_on_time") if original else ("month", "on_time")
        late_open = (
            Q(on_time=None, original_due_at__lt=at)
            if original
            else Q(state=Clock.State.RUNNING, due_at__lt=at)
        )
        meaning = {
            "closed": Q(on_time__isnull=False),
            "on_time": Q(**{on_time: True}),
            "late": Q(**{on_time: False}),
            "late_open": late_open,
            "counted": Q(on_time__isnull=False) | late_open,
            "rated": Q(satisfied__isnull=False),
            "satisfied": Q(satisfied=True),
        }
        return CaseFigure.objects.filter(meaning[self.what], **{month: self.month, "unit__in": units})

    def cases(self, user: User, area: Area, *, at: datetime) -> CaseQuerySet:
        """The cases behind the number that this user may know of."""
        return Case.objects.visible_to(user).filter(pk__in=self.rows(area, at=at).values("case"))

    def title(self, area: Area) -> str:
        """In words: 道路管理处 2026年11月 按时办结."""
        parts = [area.units[self.unit].name if self.unit is not None else self.group or "全部单位"]
        if self.month:
            by = f"{MonthSum.Basis(self.basis).label}在" if self.what in BY_DEADLINE else ""
            parts.append(f"{by}{self.month.year}年{self.month.month}月")
        parts += [self.step] if self.step else []
        parts += [COLOURS[LEVELS[self.level]] or "未亮灯"] if self.level is not None else []
        return " ".join([*parts, WHAT[self.what]])
