"""Statistics of a month, by unit within its peer group: numerators first, rates only where there is enough to count.

A case counts in the month in which its deadline lies, by the deadline in force or by the original one. Sums come from
`MonthSum` and `ActSum`; medians are exact, read from the month's own rows through an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings
from django.db import connection
from django.db.models import Count

from opinion.models import ActSum, CaseFigure, MonthSum
from opinion.reports.area import Area, months_before
from opinion.reports.board import Number
from opinion.reports.drill import Drill
from opinion.reports.spans import month_of
from opinion.reports.wording import TOO_FEW, length, share
from workflows import rows
from workflows.models import Unit

DUE, ORIGINAL = MonthSum.Basis.DUE.value, MonthSum.Basis.ORIGINAL.value
UNGROUPED = "未分组"
MONTHS_SHOWN = 12
MEASURES = (("accept", "签收用时"), ("contact", "首次联系用时"), ("resolve", "办结用时"))

DEFINITIONS = (
    ("统计范围", ("群众留言，按期限所在月份计入；撤回的、限制知悉的不计。"
        "责任单位为办结时的主办单位，未办结的为现主办单位，尚无主办的为受理台。")),
    ("按时率", "按时办结 ÷（已办结 + 逾期未办结）。逾期未办结的计入分母，拖着不办不会让比率好看。"),
    ("现行期限与原定期限", ("现行期限含经批准的延期和暂停，原定期限是起算时确定的期限；"
        "两个口径都列出，暂停期间按现行期限不算逾期、按原定期限照算。")),
    ("用时", "自该时限起算至完成的自然时间；中位数和 90 分位数按从短到长排在第 50%、90% 的一件取值（不足一件进一），只计已完成的。"),
    ("满意率", "满意 ÷ 已评价。已评价只计留言人最近一次亲自作出的评价，满意含非常满意、满意、基本满意；系统默认、未评价、无法联系不计。"),
    ("退单率", ("当月退过单的案件 ÷ 当月交到该单位的案件（交办、改派、转来、指定）。退单的结果分同意、驳回、指定，"
        "记在退单的单位名下；未裁定的尚不在其中。转出记在转出的单位名下。")),
    ("重办率", "当月重办的案件 ÷ 当月答复的案件；重办含评价不满意重办和办结后重新办理，后者另列。"),
    ("接通率", "当月接通的案件 ÷ 当月拨打过的案件。抽中回访为答复时随机抽中的案件，未抽中的不回访。"),
    ("按发生月份", "退单、转出、重办、回访按发生的月份计，同一案件当月多次只计一件；按时率、满意率按期限所在月份计。"),
)  # fmt: skip


# Label, act, and the act it is a share of.
CONDUCT = (
    ("退单率", "declined", "assigned"), ("同意", "upheld", ""), ("驳回", "rejected", ""), ("指定", "designated", ""),
    ("提请裁定", "disputed", ""), ("转出", "transferred", ""), ("重办率", "redone", "replied"), ("重新办理", "reopened", ""),
    ("抽中回访", "drawn", ""), ("接通率", "reached", "called"),
)  # fmt: skip

# Acts that stand beside the deadlines of a month.
BESIDE = ("declined", "redone")


@dataclass(frozen=True)
class Rate:
    """part of whole, each with its list. text: the rate, or that there is too little to tell."""

    part: Number
    whole: Number

    @property
    def text(self) -> str:
        return share(self.part.count, self.whole.count, at_least=settings.HUIYIN_FIGURES_MINIMUM)


@dataclass(frozen=True)
class Spread:
    """Median and 90th percentile of natural seconds; count: how many they rest on."""

    count: int = 0
    median: int | None = None
    p90: int | None = None

    @property
    def enough(self) -> bool:
        return self.count >= max(settings.HUIYIN_FIGURES_MINIMUM, 1)

    @property
    def text(self) -> str:
        return f"{length(self.median)} / {length(self.p90)}" if self.enough else TOO_FEW


@dataclass
class Counts:
    """Sums of one unit, group or month by one deadline. late_open: running and past due now."""

    on_time: int = 0
    late: int = 0
    late_open: int = 0
    rated: int = 0
    satisfied: int = 0

    def add(self, other: Counts) -> None:
        self.on_time += other.on_time
        self.late += other.late
        self.late_open += other.late_open
        self.rated += other.rated
        self.satisfied += other.satisfied


@dataclass
class Line:
    """A unit, a peer group (unit None) or a month of all units. drill: its questions but for `what`."""

    label: str
    drill: Drill
    unit: Unit | None = None
    by: dict[str, Counts] = field(default_factory=lambda: {DUE: Counts(), ORIGINAL: Counts()})
    acts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    spreads: dict[str, Spread] = field(default_factory=dict)

    def number(self, what: str, count: int, basis: str = DUE) -> Number:
        return Number(count, self.drill.of(what=what, basis=basis))

    def _rate(self, basis: str) -> Rate:
        counts = self.by[basis]
        whole = counts.on_time + counts.late + counts.late_open
        return Rate(self.number("on_time", counts.on_time, basis), self.number("counted", whole, basis))

    @property
    def on_time(self) -> Rate:
        return self._rate(DUE)

    @property
    def original_on_time(self) -> Rate:
        return self._rate(ORIGINAL)

    @property
    def closed(self) -> Number:
        return self.number("closed", self.by[DUE].on_time + self.by[DUE].late)

    @property
    def late_open(self) -> Number:
        return self.number("late_open", self.by[DUE].late_open)

    @property
    def satisfied(self) -> Rate:
        counts = self.by[DUE]
        return Rate(self.number("satisfied", counts.satisfied), self.number("rated", counts.rated))

    @property
    def declined(self) -> Number:
        return self.number("declined", self.acts["declined"])

    @property
    def redone(self) -> Number:
        return self.number("redone", self.acts["redone"])

    def act(self, kind: str) -> Number:
        return self.number(kind, self.acts[kind])

    def share_of(self, kind: str, whole: str) -> Rate:
        return Rate(self.act(kind), self.act(whole))

    @property
    def conduct(self) -> list[tuple[str, Rate | Number]]:
        """Label → rate or number of what happened in the month, as `CONDUCT` lists them."""
        return [
            (label, self.share_of(kind, whole) if whole else self.act(kind)) for label, kind, whole in CONDUCT
        ]

    @property
    def times(self) -> list[tuple[str, Spread]]:
        return [(label, self.spreads.get(name, Spread())) for name, label in MEASURES]

    @property
    def has_acts(self) -> bool:
        """Whether anything was declined, handed on, redone or called back, or could have been."""
        return any(self.acts.values())

    @property
    def has_deadlines(self) -> bool:
        """Whether the table of deadlines, which also counts what was declined and redone, shows more than zeros."""
        found = (vars(counts) for counts in self.by.values())
        return any(any(values.values()) for values in found) or any(self.acts[kind] for kind in BESIDE)

    @property
    def is_empty(self) -> bool:
        return not self.has_deadlines and not self.has_acts


@dataclass(frozen=True)
class Group:
    """Units that may fairly be compared. total: all of them together."""

    name: str
    lines: list[Line]
    total: Line


def month_table(area: Area, month: date, *, at: datetime) -> list[Group]:
    """Groups in the order of their names, units by code; units without a figure are left out."""
    lines = {
        pk: Line(unit.name, Drill("closed", unit=pk, month=month), unit) for pk, unit in area.units.items()
    }
    only = next(iter(area.units)) if len(area.units) == 1 else None
    groups: dict[str, Line] = {}
    for unit in area.units.values():
        name = unit.peer_group
        # Of an area of one unit the group is that unit, and so is the list behind it.
        drill = Drill("closed", unit=only, group=name if only is None else None, month=month)
        groups.setdefault(name, Line(name or UNGROUPED, drill))
    for unit_id, basis, counts in _sums(area, month, at):
        lines[unit_id].by[basis].add(counts)
        groups[area.units[unit_id].peer_group].by[basis].add(counts)
    acts = ActSum.objects.filter(month=month, unit__in=list(area.units))
    for unit_id, kind, cases in acts.values_list("unit_id", "kind", "cases"):
        lines[unit_id].acts[kind] += cases
        groups[area.units[unit_id].peer_group].acts[kind] += cases
    for name, _ in MEASURES:
        for part, spread in _spreads(area, month, name, "f.unit_id"):
            lines[int(part)].spreads[name] = spread
        for group, spread in _spreads(area, month, name, "u.peer_group"):
            groups[str(group)].spreads[name] = spread
    found = []
    for name, total in sorted(groups.items(), key=lambda item: (not item[0], item[0])):
        members = [
            line
            for line in lines.values()
            if line.unit and line.unit.peer_group == name and not line.is_empty
        ]
        if members:
            found.append(Group(total.label, members, total))
    return found


def trend(area: Area, month: date, *, at: datetime) -> list[Line]:
    """The months up to this one, oldest first, all units together; no medians: those are of one month."""
    only = next(iter(area.units)) if len(area.units) == 1 else None
    lines = {
        each: Line(f"{each:%Y-%m}", Drill("closed", unit=only, month=each))
        for each in months_before(month, MONTHS_SHOWN)
    }
    units, current = list(area.units), month_of(at)
    sums = MonthSum.objects.filter(unit__in=units, month__in=list(lines)).order_by("id")
    for found in sums:
        lines[found.month].by[found.basis].add(_counts(found, found.month < current))
    if current in lines:
        for basis in (DUE, ORIGINAL):
            lines[current].by[basis].late_open += sum(
                count for _, count in _late_now(units, current, basis, at)
            )
    acts = ActSum.objects.filter(unit__in=units, month__in=list(lines))
    for each, kind, cases in acts.values_list("month", "kind", "cases"):
        lines[each].acts[kind] += cases
    return list(lines.values())


def _sums(area: Area, month: date, at: datetime) -> Iterable[tuple[int, str, Counts]]:
    current, units = month_of(at), list(area.units)
    for found in MonthSum.objects.filter(month=month, unit__in=units):
        yield found.unit_id, found.basis, _counts(found, month < current)
    if month == current:
        for basis in (DUE, ORIGINAL):
            for unit_id, count in _late_now(units, month, basis, at):
                yield unit_id, basis, Counts(late_open=count)


def _counts(found: MonthSum, over: bool) -> Counts:
    """Once a month is over, whatever is going with a deadline in it is late; before, the clock has to be asked."""
    return Counts(found.on_time, found.late, found.going if over else 0, found.rated, found.satisfied)


def _late_now(units: list[int], month: date, basis: str, at: datetime) -> Iterable[tuple[int, int]]:
    late = Drill("late_open", month=month, basis=basis).by_deadline(units, at)
    return late.values_list("unit_id").annotate(count=Count("pk")).order_by()


def _spreads(area: Area, month: date, measure: str, part: str) -> Iterable[tuple[int | str, Spread]]:
    """By nearest rank, in SQL both databases speak. part: the column that makes the parts; ours, never input."""
    units, params = rows.among("f.unit_id", list(area.units))
    column = f"{measure}_seconds"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH ranked AS (SELECT {part} AS part, f.{column} AS seconds,"  # noqa: S608  # our own names
            f" row_number() OVER (PARTITION BY {part} ORDER BY f.{column}) AS rank,"
            f" count(*) OVER (PARTITION BY {part}) AS total"
            f" FROM {rows.quote(CaseFigure)} f JOIN {rows.quote(Unit)} u ON u.id = f.unit_id"
            f" WHERE f.month = %s AND f.resolve_seconds IS NOT NULL AND f.{column} IS NOT NULL AND {units})"
            " SELECT part, total, max(CASE WHEN rank = (total + 1) / 2 THEN seconds END),"
            " max(CASE WHEN rank = (9 * total + 9) / 10 THEN seconds END) FROM ranked GROUP BY part, total",
            [month, *params],
        )
        for found, total, median, p90 in cursor.fetchall():
            yield found, Spread(total, median, p90)
