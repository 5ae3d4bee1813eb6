"""Ladder documents: when a running clock makes itself heard, to whom, and what the system then does.

A policy names the ladder of each of its clocks. Rungs are climbed in the document's order, before and after the due
moment; percentages are of the clock's limit and, like lengths, count working time for working units and natural time
for natural ones. Everything here is arithmetic: who is told is found by `RECIPIENTS`, when by `workflows.sweeper`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from workflows.documents import Document, Label, Name, Names, load_yaml, validate
from workflows.limits import Limit, LimitError, LimitUnit
from workflows.registry import RECIPIENTS

if TYPE_CHECKING:
    from workflows.calendars import WorkingCalendar
    from workflows.models import Clock

COLOURS = {"": "", "blue": "蓝色", "yellow": "黄色", "red": "红色"}
LEVELS = tuple(COLOURS)
"""Colours from mild to grave; a case keeps the position of its worst (`Case.rung`)."""

NATURAL = {LimitUnit.HOUR: timedelta(hours=1), LimitUnit.DAY: timedelta(days=1)}
ACCEPTED = "写成 50%、1wd left、80% or 1wd left、due、+1wd 或 +50%"
_PERCENT = re.compile(r"(\+?)(\d{1,4})%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Point:
    """A place on a clock's way. percent: of the limit; length: an absolute one; both unset: the due moment itself."""

    after: bool = False
    percent: int = 0
    length: Limit | None = None

    @property
    def is_due(self) -> bool:
        return not self.percent and self.length is None


@lru_cache(maxsize=256)
def points(text: str) -> tuple[Point, ...]:
    """Read `at` of a rung: one point, or alternatives before the due moment. Raises ValueError in Chinese."""
    found = tuple(_point(part.strip()) for part in text.split(" or "))
    if len(found) > 1 and any(point.after or point.is_due for point in found):
        raise ValueError(f"“{text}” 中的 or 只能连接到期之前的时点；{ACCEPTED}")
    return found


def _point(text: str) -> Point:
    if text == "due":
        return Point()
    if match := _PERCENT.fullmatch(text):
        percent, after = int(match[2]), bool(match[1])
        if not 0 < percent < (1001 if after else 100):
            raise ValueError(f"“{text}” 超出范围：到期前为 1% 至 99%，到期后为 +1% 至 +1000%")
        return Point(after, percent)
    after, length = text.startswith("+"), text.removeprefix("+").removesuffix(" left")
    if after == text.endswith(" left"):
        raise ValueError(f"看不懂时点“{text}”；{ACCEPTED}")
    try:
        return Point(after, length=Limit.parse(length))
    except LimitError as error:
        raise ValueError(str(error)) from error


def _at(text: str) -> str:
    points(text)
    return text


def _limit(text: str) -> str:
    try:
        return str(Limit.parse(text))
    except LimitError as error:
        raise ValueError(str(error)) from error


class Repeat(Document):
    """Say it again after `every` more, at most `most` times, until the next rung or until it is acknowledged."""

    every: Annotated[str, AfterValidator(_limit)]
    most: Annotated[int, Field(ge=1, le=20)]


class Rung(Document):
    """One rung.

    tell: recipients, each with a deputy of its own where it has one. colour: what the case shows from here on.
    fire: transitions of the lifecycle, tried in turn until its guards allow one; the system makes it.
    urgent: waits for no quiet hours.
    """

    name: Name
    label: Label
    at: Annotated[str, AfterValidator(_at)]
    tell: Annotated[Names, Field(min_length=1)]
    colour: Literal["", "blue", "yellow", "red"] = ""
    fire: Names = ()
    repeat: Repeat | None = None
    urgent: bool = False

    @cached_property
    def points(self) -> tuple[Point, ...]:
        return points(self.at)

    @property
    def stage(self) -> int:
        """-1 before the due moment, 0 at it, 1 after it."""
        first = self.points[0]
        return 0 if first.is_due else 1 if first.after else -1


class LadderSpec(Document):
    """A ladder. fallback: whom to tell where nobody of a rung can be; after them comes an alert."""

    code: Name
    label: Label
    source: Label
    fallback: Annotated[Names, Field(min_length=1)]
    rungs: Annotated[tuple[Rung, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @cached_property
    def breach(self) -> int:
        """Number of the rung at the due moment; rungs are numbered from 1."""
        return next(number for number, rung in enumerate(self.rungs, 1) if rung.stage == 0)

    @cached_property
    def named(self) -> dict[str, Rung]:
        return {rung.name: rung for rung in self.rungs}

    def level(self, rung: int) -> int:
        """How grave the colour is that has been reached with this rung: a position in LEVELS."""
        return self._levels[rung]

    @cached_property
    def _levels(self) -> tuple[int, ...]:
        worst = [0]
        for rung in self.rungs:
            worst.append(max(worst[-1], LEVELS.index(rung.colour)))
        return tuple(worst)

    def _problems(self) -> Iterable[str]:
        names: set[str] = set()
        stage, level = -1, 0
        latest: dict[tuple[bool, object], tuple[Decimal, str]] = {}
        for index, rung in enumerate(self.rungs):
            at = f"rungs.{index}"
            if rung.name in names:
                yield f"{at}.name: “{rung.name}” 重复，请改名"
            names.add(rung.name)
            if rung.stage < stage:
                yield f"{at}.at: “{rung.at}” 早于前一级，请按时间先后排列：到期前、due、到期后"
            stage = max(stage, rung.stage)
            for point in rung.points:
                key, height = _comparable(point)
                before = latest.get(key)
                if before is not None and height <= before[0]:
                    yield f"{at}.at: “{rung.at}” 不晚于前面的“{before[1]}”，请按时间先后排列"
                latest[key] = (height, rung.at)
            if rung.colour and LEVELS.index(rung.colour) < level:
                yield f"{at}.colour: {COLOURS[rung.colour]}轻于前一级，颜色只能加重"
            level = max(level, LEVELS.index(rung.colour))
            yield from _unregistered(f"{at}.tell", rung.tell)
        if sum(rung.stage == 0 for rung in self.rungs) != 1:
            yield "rungs: 必须有且只有一级写 at: due，逾期那一刻总要有人知道"
        yield from _unregistered("fallback", self.fallback)


def _comparable(point: Point) -> tuple[tuple[bool, object], Decimal]:
    """What a point can be compared with, and how late it is among those."""
    if point.is_due:
        return (False, "due"), Decimal(0)
    if point.length is None:
        return (point.after, "%"), Decimal(point.percent)
    amount = point.length.amount
    return (point.after, point.length.unit), amount if point.after else -amount


def _unregistered(at: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name not in RECIPIENTS:
            yield f"{at}: 告知对象 “{name}” 未登记；可用的有：{'、'.join(RECIPIENTS)}"


def parse(text: str, origin: str) -> LadderSpec:
    """Read and check one ladder document. Raises SpecError."""
    return validate(LadderSpec, load_yaml(text, origin), origin)


# ---- moments


def moments(clock: Clock, ladder: LadderSpec, on: WorkingCalendar) -> Iterator[datetime]:
    """When each rung is reached, in order; never before the clock's start nor before the rung below.

    Of alternatives the earliest counts that lies after the rung below: `80% or 1wd left` of one working day is 80 %.
    """
    below = clock.started_at
    for rung in ladder.rungs:
        if len(rung.points) == 1:
            below = max(_moment(rung.points[0], clock, on), below)
        else:
            found = [_moment(point, clock, on) for point in rung.points]
            below = min((moment for moment in found if moment > below), default=below)
        yield below


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a clock stands on its ladder at some moment.

    rung: the highest reached, never below the clock's own; reached_at: when it was; next_at: when the next one will be.
    """

    rung: int
    reached_at: datetime | None
    next_at: datetime | None


def standing(clock: Clock, ladder: LadderSpec, on: WorkingCalendar, *, at: datetime) -> Standing:
    """One pass over the rungs, no further than needed."""
    rung, reached_at = clock.rung, None
    for number, moment in enumerate(moments(clock, ladder, on), 1):
        if number > clock.rung and moment > at:
            return Standing(rung, reached_at, moment)
        if number >= rung:
            rung, reached_at = number, moment
    return Standing(rung, reached_at, None)


def next_moment(clock: Clock, ladder: LadderSpec | None, on: WorkingCalendar) -> datetime | None:
    """When the sweep has to look at a running clock again; None when nothing is left to do.

    The clock's next rung, the next repetition of the present one, or the due moment while its miss is not logged.
    To be set as `next_at` whenever `due_at`, `rung`, `repeats` or `missed_at` changes.
    """
    here = None if ladder is None else standing(clock, ladder, on, at=BEFORE_ALL)
    return moment_after(clock, ladder, on, here)


def moment_after(
    clock: Clock, ladder: LadderSpec | None, on: WorkingCalendar, here: Standing | None
) -> datetime | None:
    """The same, for a clock whose standing is known already."""
    waiting = [clock.due_at] if clock.missed_at is None else []
    if ladder is not None and here is not None:
        if here.next_at is not None:
            waiting.append(here.next_at)
        if here.reached_at is not None and clock.rung:
            again = repetition(clock, ladder, on, reached_at=here.reached_at)
            waiting += [] if again is None else [again]
    return min(waiting, default=None)


def repetition(
    clock: Clock, ladder: LadderSpec, on: WorkingCalendar, *, reached_at: datetime
) -> datetime | None:
    """When the present rung is to be said again, having been reached at `reached_at`."""
    repeat = ladder.rungs[clock.rung - 1].repeat
    if repeat is None or clock.repeats >= repeat.most:
        return None
    every = Limit.parse(repeat.every)
    return on.due(reached_at, Limit(every.amount * (clock.repeats + 1), every.unit)).at


BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def _moment(point: Point, clock: Clock, on: WorkingCalendar) -> datetime:
    """Backward from the due moment, or forward from it: pauses and extensions have moved that one already."""
    step = _step(point, clock.limit, on)
    if isinstance(step, int):
        return on.shifted(clock.due_at, step) if step else clock.due_at
    return clock.due_at + step if isinstance(step, timedelta) else on.due(clock.due_at, step).at


@lru_cache(maxsize=1024)
def _step(point: Point, limit: str, on: WorkingCalendar) -> int | timedelta | Limit:
    """How far a point lies from the due moment: microseconds of working time, natural time, or a limit from there."""
    if point.is_due:
        return 0
    if point.after and point.length is not None:
        return point.length
    length = point.length or Limit.parse(limit)
    share = Decimal(point.percent) / 100 if point.percent else Decimal(1)
    signed = share if point.after else -share if point.length else share - 1
    if length.unit in NATURAL:
        return NATURAL[length.unit] * float(length.amount * signed)
    return int(on.working_time_of(length) * signed)
