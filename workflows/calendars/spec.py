"""The calendar document: weekly working hours, dated exceptions, how far the holidays are published.

Explicit dates beat the weekly pattern. Outside ``published_from`` … ``published_through`` nobody has
announced holidays and make-up days, so only the ``statutory`` days are taken off and every result is
provisional. Errors are in Chinese and name the place in the document and what to write instead.
"""

import datetime as dt
import enum
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from workflows.calendars.wording import problems_of

MINUTES_A_DAY = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEGMENT = re.compile(r"(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)", re.ASCII)


class CalendarError(ValueError):
    """A calendar document that cannot be used; ``problems`` holds one Chinese line per fault."""

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{origin}：{problem}" for problem in problems))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(_Part):
    """Working time from ``start`` to ``end``, minutes after local midnight; written ``08:30-12:00``."""

    start: int
    end: int

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, Segment):
            return value
        match = _SEGMENT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"看不懂时段 {value!r}，写成 08:30-12:00 这样的文字")
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if not start < end <= MINUTES_A_DAY:
            raise ValueError(f"时段 {value} 的结束应晚于开始，且不晚于 24:00")
        return {"start": start, "end": end}

    @model_serializer
    def _write(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


def _in_order(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    for earlier, later in pairwise(segments):
        if later.start < earlier.end:
            raise ValueError(f"时段 {earlier} 与 {later} 重叠或顺序颠倒，请按先后写成互不重叠的时段")
    return segments


class Weekly(_Part):
    """Working segments of each weekday; a weekday left out is not worked."""

    monday: tuple[Segment, ...] = ()
    tuesday: tuple[Segment, ...] = ()
    wednesday: tuple[Segment, ...] = ()
    thursday: tuple[Segment, ...] = ()
    friday: tuple[Segment, ...] = ()
    saturday: tuple[Segment, ...] = ()
    sunday: tuple[Segment, ...] = ()

    _ordered = field_validator(*WEEKDAYS)(_in_order)

    def on(self, weekday: int) -> tuple[Segment, ...]:
        """Segments of a weekday, Monday being 0."""
        segments: tuple[Segment, ...] = getattr(self, WEEKDAYS[weekday])
        return segments


class DayKind(enum.StrEnum):
    """What an explicit date is."""

    HOLIDAY = "holiday"
    MAKEUP = "makeup"
    SPECIAL = "special"


class CalendarException(_Part):
    """One explicit date and the document it comes from (notice number).

    ``segments`` are the hours worked that day: never for a holiday, always for special hours, and for a
    make-up day only where they differ from ``makeup_segments``.
    """

    date: dt.date
    kind: DayKind
    name: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    segments: tuple[Segment, ...] = ()

    _ordered = field_validator("segments")(_in_order)

    @model_validator(mode="after")
    def _hours_fit_the_kind(self) -> Self:
        if self.kind is DayKind.HOLIDAY and self.segments:
            raise ValueError(f"{self.date} 放假不能有 segments；只上半天请把 kind 改为 special")
        if self.kind is DayKind.SPECIAL and not self.segments:
            raise ValueError(f"{self.date} 是 special，须写 segments；全天不上班请改为 holiday")
        return self


class StatutoryDay(_Part):
    """A day off by law, whatever the yearly notice will say. Source: 全国年节及纪念日放假办法."""

    date: dt.date
    name: Annotated[str, Field(min_length=1)]


class CalendarSpec(_Part):
    """A whole calendar. ``model_dump(mode="json")`` and ``model_validate`` are inverse."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    label: Annotated[str, Field(min_length=1)]
    source: str = ""
    timezone: str
    published_from: dt.date
    published_through: dt.date
    weekly: Weekly
    makeup_segments: tuple[Segment, ...] = ()
    exceptions: tuple[CalendarException, ...] = ()
    statutory: tuple[StatutoryDay, ...] = ()

    _ordered = field_validator("makeup_segments")(_in_order)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError(f"没有时区“{value}”，写成 Asia/Shanghai 这样的名称") from error
        return value

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        problems = [*self._period_problems(), *self._date_problems(), *self._statutory_problems()]
        if problems:
            raise ValueError("；".join(problems))
        return self

    def working_weekday(self, day: dt.date) -> bool:
        """Whether the weekly pattern alone works on this date."""
        return bool(self.weekly.on(day.weekday()))

    @property
    def provisional_note(self) -> str:
        """Why a result outside the published dates may still change, in a sentence fit to show."""
        return (
            f"“{self.label}”的放假安排只公布了 {self.published_from} 至 {self.published_through}，"
            "此外的日期只扣除周末和法定节假日，通知公布后可能变动"
        )

    def _period_problems(self) -> list[str]:
        problems = []
        if not any(self.weekly.on(weekday) for weekday in range(7)):
            problems.append("weekly：一周内没有任何工作时段，期限将永远算不出来；至少写一天的时段")
        if self.published_from > self.published_through:
            problems.append("published_from：晚于 published_through，请调换或更正")
        return problems

    def _date_problems(self) -> list[str]:
        problems = []
        for date, times in Counter(row.date for row in self.exceptions).items():
            if times > 1:
                problems.append(f"exceptions：{date} 写了 {times} 次，只保留一行")
        for position, row in enumerate(self.exceptions):
            place = f"exceptions[{position}]（{row.date}）"
            if row.kind is DayKind.MAKEUP and self.working_weekday(row.date):
                problems.append(f"{place}：补班日本来就是工作日；请删除该行，或改用 special 写特殊时段")
            if row.kind is DayKind.MAKEUP and not (row.segments or self.makeup_segments):
                problems.append(f"{place}：补班日没有工作时段；请写 makeup_segments 或该行的 segments")
            if row.kind is DayKind.SPECIAL and not self.working_weekday(row.date):
                problems.append(f"{place}：平时不上班的日子要上班，请改用 makeup 并写 segments")
        return problems

    def _statutory_problems(self) -> list[str]:
        problems = []
        off = {row.date for row in self.exceptions if row.kind is DayKind.HOLIDAY}
        for date, times in Counter(row.date for row in self.statutory).items():
            if times > 1:
                problems.append(f"statutory：{date} 写了 {times} 次，请合并为一行，名称用顿号连接")
            published = self.published_from <= date <= self.published_through
            if published and self.working_weekday(date) and date not in off:
                problems.append(f"statutory：{date} 已在公布范围内却未列为放假，请按通知补入 exceptions")
        return problems


def parse_calendar(data: Any, *, origin: str = "日历") -> CalendarSpec:
    """Check a document already read from YAML or JSON. Raises CalendarError naming ``origin``."""
    try:
        return CalendarSpec.model_validate(data)
    except ValidationError as error:
        raise CalendarError(origin, problems_of(error)) from error


def load_calendar(path: Path) -> CalendarSpec:
    """Read and check a YAML calendar (UTF-8). Raises CalendarError naming the file, OSError if unreadable."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CalendarError(str(path), [f"不是可读的 UTF-8 YAML 文件：{error}"]) from error
    return parse_calendar(data, origin=str(path))
