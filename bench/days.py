"""Adding working days: our tables beside two libraries that know China's holidays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chinese_calendar
import holidays

from bench.timing import Figure, Table, Target, interleave
from workflows.calendars import compile_calendar, load_calendar
from workflows.limits import Limit

OURS, HOLIDAYS, CHINESE = (
    "our calendar, due(start, 15wd)",
    "holidays, get_nth_working_day",
    "chinesecalendar, day by day",
)
FIRST = dt.date(2025, 1, 1)
SPAN = 600
CALENDAR = Path(__file__).resolve().parent.parent / "workflows" / "data" / "calendars" / "china.yaml"


def adding(*, quick: bool) -> list[Table]:
    """Fifteen working days from each of 600 mornings; all three must agree wherever a library knows make-up days."""
    calendar = compile_calendar(load_calendar(CALENDAR))
    known = holidays.country_holidays("CN", years=range(2024, 2028))
    limit = Limit.parse("15wd")
    dates = [FIRST + dt.timedelta(days=n) for n in range(SPAN)]
    mornings = [dt.datetime(d.year, d.month, d.day, 9, 30, tzinfo=calendar.zone) for d in dates]

    def day_by_day(day: dt.date) -> dt.date:
        left = 15
        while left:
            day += dt.timedelta(days=1)
            left -= chinese_calendar.is_workday(day)
        return day

    ours = [calendar.due(morning, limit).at.date() for morning in mornings]
    if ours != [day_by_day(day) for day in dates]:
        raise RuntimeError("chinesecalendar comes to other days")
    rates = interleave(
        {
            OURS: _all(mornings * 20, lambda morning: calendar.due(morning, limit)),
            HOLIDAYS: _all(dates, lambda day: known.get_nth_working_day(day, 15)),
            CHINESE: _all(dates[:60], day_by_day),
        },
        rounds=3 if quick else 9,
    )
    return [
        Table(
            title="adding 15 working days",
            unit="additions/s",
            figures=[Figure(label, rate) for label, rate in rates.items()],
            targets=[Target("× holidays", rates[OURS] / rates[HOLIDAYS], 100)],
            database="no database",
        )
    ]


def _all(starts: list[Any], add: Callable[[Any], object]) -> Callable[[], int]:
    def run() -> int:
        for start in starts:
            add(start)
        return len(starts)

    return run
