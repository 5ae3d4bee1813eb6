"""Read the dates that offices write, and say plainly when one cannot be a date."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")

_EARLIEST_YEAR, _LATEST_YEAR = 1949, 2100
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 -- serial numbers carry no zone
_SECONDS_A_DAY = 86_400

_WRITTEN = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?"
    r"(?:(?:\s*(?:星期|周)[一二三四五六日天])?[\sT]*(上午|下午|中午|晚上|凌晨|早上|AM|PM)?\s*"
    r"(\d{1,2})\s*[:时点]\s*(?:(\d{1,2})\s*(?:[:分]\s*(?:(\d{1,2})(?:\.\d{1,9})?\s*秒?)?)?)?\s*(AM|PM)?)?"
    r"\s*(?:(Z)|(?:GMT|UTC)?([+-])(\d{2}):?(\d{2}))?",
    re.IGNORECASE,
)
_USUAL = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2}):(\d{2})", re.ASCII)
"""What exports write nearly always; the general pattern takes three times as long."""
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_AFTERNOON = frozenset(("下午", "晚上", "PM"))
_MORNING = frozenset(("上午", "凌晨", "早上", "AM"))

NOT_A_DATE = "看不懂的时间，请写成 2026-03-05 09:30 这样的格式"
IMPOSSIBLE = "没有这个日期或时刻，请更正"
IMPLAUSIBLE_YEAR = f"年份不在 {_EARLIEST_YEAR} 至 {_LATEST_YEAR} 之间，请更正"


class Moment(NamedTuple):
    """An aware time, and whether the file gave the day only (the time of day is then 00:00)."""

    at: datetime
    date_only: bool


class NotAMoment(ValueError):
    """Carries the Chinese reason, without quoting the cell."""


def read_usual(value: str, zone: tzinfo) -> datetime | None:
    """The time if it is written the way nearly every export writes it, None if it needs `read_moment`."""
    usual = _USUAL.fullmatch(value)
    if usual is None:
        return None
    year, month, day, hour, minute, second = map(int, usual.groups())
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        # 24:00:00 is for the general pattern to understand, as is the reason when nothing fits.
        return None


def read_moment(value: str | datetime, zone: tzinfo = CHINA) -> Moment:
    """Understand a date cell or text; naive times are local to `zone`, and so is the result.

    Takes 2019/2/8 9:05:00, 2019-02-08, 2019年2月8日 9:05, ISO 8601 with an offset, 20190208,
    20190208090500, Excel serial numbers and epoch seconds or milliseconds. Raises NotAMoment.
    """
    if isinstance(value, datetime):
        midnight = not (value.hour or value.minute or value.second)
        local = value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)
        return Moment(_plausible(local), midnight)
    match = _WRITTEN.fullmatch(value)
    if match is None:
        value = unicodedata.normalize("NFKC", value).strip()
        match = _WRITTEN.fullmatch(value)
    if match is None:
        return _read_number(value, zone)
    year, month, day, half_before, hour, minute, second, half_after, utc, sign, oh, om = match.groups()
    try:
        if hour is None:
            if utc or sign:
                raise NotAMoment(NOT_A_DATE)
            return Moment(_plausible(datetime(int(year), int(month), int(day), tzinfo=zone)), True)
        hours = int(hour)
        half = half_before or half_after
        if half:
            hours = _on_24_hour_clock(hours, half.upper())
        # 24:00 is the end of the day; Python has no such hour.
        past_midnight = hours == 24 and not int(minute or 0) and not int(second or 0)
        at = datetime(
            int(year),
            int(month),
            int(day),
            0 if past_midnight else hours,
            int(minute or 0),
            int(second or 0),
            tzinfo=_offset(utc, sign, oh, om) or zone,
        )
        if past_midnight:
            at += timedelta(days=1)
        return Moment(_plausible(at.astimezone(zone) if utc or sign else at), False)
    except NotAMoment:
        raise
    except (ValueError, OverflowError) as error:
        raise NotAMoment(IMPOSSIBLE) from error


def _offset(utc: str | None, sign: str | None, hours: str, minutes: str) -> tzinfo | None:
    if utc:
        return UTC
    if not sign:
        return None
    shift = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-shift if sign == "-" else shift)


def _on_24_hour_clock(hours: int, half: str) -> int:
    if half in _AFTERNOON and hours < 12:
        return hours + 12
    if half in _MORNING and hours == 12:
        return 0
    return hours


def _read_number(value: str, zone: tzinfo) -> Moment:
    if not value.isascii():
        raise NotAMoment(NOT_A_DATE)
    try:
        if value.isdigit():
            if len(value) == 8:
                at = datetime(int(value[:4]), int(value[4:6]), int(value[6:]), tzinfo=zone)
                return Moment(_plausible(at), True)
            if len(value) in {12, 14}:
                parts = [int(value[:4]), *(int(value[i : i + 2]) for i in range(4, len(value), 2))]
                return Moment(_plausible(datetime(*parts, tzinfo=zone)), False)  # type: ignore[arg-type,misc]
            if len(value) in {10, 13}:
                seconds = int(value) if len(value) == 10 else int(value) // 1000
                return Moment(_plausible(datetime.fromtimestamp(seconds, zone)), False)
        if _SERIAL.fullmatch(value):
            seconds = round(float(value) * _SECONDS_A_DAY)
            at = _EXCEL_DAY_ZERO + timedelta(seconds=seconds)
            return Moment(_plausible(at.replace(tzinfo=zone)), "." not in value)
    except NotAMoment:
        raise
    except (ValueError, OverflowError, OSError) as error:
        raise NotAMoment(IMPOSSIBLE) from error
    raise NotAMoment(NOT_A_DATE)


def _plausible(at: datetime) -> datetime:
    if not _EARLIEST_YEAR <= at.year <= _LATEST_YEAR:
        raise NotAMoment(IMPLAUSIBLE_YEAR)
    return at
