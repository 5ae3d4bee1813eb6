"""What a rehearsal found, as figures and as a table whose columns line up under Chinese headings."""

from __future__ import annotations

import statistics
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from opinion.rehearsal.replay import Outcome, Replayed
from workflows.calendars import WorkingCalendar
from workflows.limits import Limit

SECONDS_A_DAY = 86400
_ONE_WORKING_DAY = Limit.parse("1wd")


@dataclass(frozen=True)
class Group:
    """on_time of count; delays from arrival to reply in days: natural, and working (working time over a standard day)."""

    label: str
    on_time: int
    count: int
    median_days: float
    p90_days: float
    worst_days: float
    median_working_days: float
    p90_working_days: float
    worst_working_days: float

    @property
    def rate(self) -> float:
        return self.on_time / self.count


@dataclass(frozen=True)
class Reached:
    """A rung of a ladder, and how many messages had come to it before they were answered."""

    ladder: str
    rung: str
    count: int


@dataclass(frozen=True)
class Report:
    """whole is None when no row could be rehearsed. skipped: reason → rows, read errors among them.

    rungs: of each ladder from the lowest up.
    """

    read: int
    skipped: dict[str, int]
    misses: int
    whole: Group | None
    by_type: list[Group]
    by_month: list[Group]
    rungs: list[Reached]

    def as_dict(self) -> dict[str, Any]:
        groups = {name: getattr(self, name) for name in ("by_type", "by_month")}
        return {
            "read": self.read,
            "skipped": self.skipped,
            "misses_logged": self.misses,
            "whole": asdict(self.whole) if self.whole else None,
            **{name: [asdict(group) for group in found] for name, found in groups.items()},
            "rungs": [asdict(reached) for reached in self.rungs],
        }


def summarise(
    replayed: Replayed, *, read: int, skipped: dict[str, int], types: dict[str, str], working: WorkingCalendar
) -> Report:
    """types: code → label. working: the calendar that working days are counted by. Months are local, of arrival."""
    outcomes = replayed.outcomes
    standard = working.working_time_of(_ONE_WORKING_DAY) / 1e6

    def group(label: str, found: Sequence[Outcome]) -> Group:
        natural = sorted((o.replied_at - o.received_at).total_seconds() / SECONDS_A_DAY for o in found)
        worked = sorted(working.worked(o.received_at, o.replied_at).total_seconds() / standard for o in found)
        on_time = sum(o.on_time for o in found)
        return Group(label, on_time, len(found), *_spread(natural), *_spread(worked))

    def grouped(label_of: Callable[[Outcome], str]) -> list[Group]:
        parts: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            parts[label_of(outcome)].append(outcome)
        return [group(label, parts[label]) for label in sorted(parts)]

    return Report(
        read=read,
        skipped={reason: count for reason, count in {**skipped, **replayed.skipped}.items() if count},
        misses=replayed.misses,
        whole=group("全部", outcomes) if outcomes else None,
        by_type=grouped(lambda o: types.get(o.type, o.type or "未分类")),
        by_month=grouped(lambda o: f"{timezone.localtime(o.received_at):%Y-%m}"),
        rungs=_reached(outcomes),
    )


def _reached(outcomes: Iterable[Outcome]) -> list[Reached]:
    """Whoever came to a rung came to those below it, so longer climbs give the order."""
    climbs = Counter(outcome.rungs for outcome in outcomes)
    counts: Counter[tuple[str, str]] = Counter()
    for climb in sorted(climbs, key=len, reverse=True):
        for rung in climb:
            counts[rung] += climbs[climb]
    return sorted(
        (Reached(*rung, count) for rung, count in counts.items()), key=lambda reached: reached.ladder
    )


def _spread(days: Sequence[float]) -> tuple[float, float, float]:
    """Median, the least value that 90 % do not exceed, and worst, of sorted values."""
    return statistics.median(days), days[-(-len(days) * 9 // 10) - 1], days[-1]


def lines(report: Report) -> Iterable[str]:
    """The figures as text."""
    rehearsed = report.whole.count if report.whole else 0
    skipped = sum(report.skipped.values())
    yield f"读取 {report.read} 件，推演 {rehearsed} 件，跳过 {skipped} 件"
    for reason, count in report.skipped.items():
        yield f"  跳过 {count} 件：{reason}"
    if report.whole is None:
        yield "没有可推演的留言"
        return
    whole = report.whole
    yield f"按时答复 {whole.on_time} / {whole.count}（{whole.rate:.1%}），日志记逾期 {report.misses} 次"
    yield ""
    yield from table(
        ["答复用时（天）", "自然日", "工作日"],
        [
            ["中位数", f"{whole.median_days:.1f}", f"{whole.median_working_days:.1f}"],
            ["九成不超过", f"{whole.p90_days:.1f}", f"{whole.p90_working_days:.1f}"],
            ["最长", f"{whole.worst_days:.1f}", f"{whole.worst_working_days:.1f}"],
        ],
    )
    for title, groups in (("按类型", report.by_type), ("按留言月份", report.by_month)):
        yield ""
        yield from table(
            [title, "按时", "总数", "按时率", "中位自然日", "中位工作日", "九成自然日", "最长自然日"],
            [
                [
                    g.label, str(g.on_time), str(g.count), f"{g.rate:.1%}", f"{g.median_days:.1f}",
                    f"{g.median_working_days:.1f}", f"{g.p90_days:.1f}", f"{g.worst_days:.1f}",
                ]
                for g in groups
            ],
        )  # fmt: skip
    if report.rungs:
        yield ""
        yield from table(
            ["答复前走到的阶梯", "件数", "占比"],
            [
                [
                    f"{reached.ladder}：{reached.rung}",
                    str(reached.count),
                    f"{reached.count / whole.count:.1%}",
                ]
                for reached in report.rungs
            ],
        )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """First column to the left, the others to the right; a Chinese character is two columns of a terminal wide."""
    widths = [max(map(_width, column)) for column in zip(head, *rows, strict=True)]
    for row in [head, *rows]:
        first, *others = row
        cells = [first + " " * (widths[0] - _width(first))]
        cells += [" " * (width - _width(text)) + text for text, width in zip(others, widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
