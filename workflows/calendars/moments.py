"""Moments: aware or refused, counted in microseconds, joined into pauses."""

import datetime as dt
from collections.abc import Iterable

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECONDS = 1_000_000

Pause = tuple[dt.datetime, dt.datetime]
"""From when until when a clock stood still; both aware."""


def aware(moment: dt.datetime) -> dt.datetime:
    """The same moment. Raises ValueError when it has no time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"时间 {moment.isoformat()} 没有时区；请给出带时区的时间。")
    return moment


def in_utc(moment: dt.datetime) -> dt.datetime:
    """Two moments of one zone compare by the clock on the wall; in UTC they compare by time."""
    return aware(moment).astimezone(dt.UTC)


def wall_clock(midnight: dt.datetime, minutes: int) -> dt.datetime:
    """The local wall-clock time so many minutes after midnight (24:00 is the next midnight)."""
    return midnight + dt.timedelta(minutes=minutes)


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since 1970, exact, of an aware moment."""
    passed = moment - EPOCH
    return (passed.days * 86_400 + passed.seconds) * MICROSECONDS + passed.microseconds


def merged(paused: Iterable[Pause], *, since: dt.datetime) -> list[Pause]:
    """Pauses in order, overlapping ones joined, the time before ``since`` cut off.

    Raises ValueError when a moment is naive or a pause ends before it begins.
    """
    aware(since)
    joined: list[Pause] = []
    for begin, end in sorted((in_utc(begin), in_utc(end)) for begin, end in paused):
        if end < begin:
            raise ValueError(f"中止时段的结束 {end.isoformat()} 早于开始 {begin.isoformat()}。")
        if end <= since:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((max(begin, in_utc(since)), end))
    return joined
