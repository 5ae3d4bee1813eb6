"""Lengths of time and shares, as a bulletin prints them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86400
TOO_FEW = "样本不足"


def length(seconds: int | None) -> str:
    """`2 天 3 小时`, natural time; two units at most, the smaller one only where it matters."""
    if seconds is None:
        return "—"
    if seconds >= DAY:
        days, rest = divmod(seconds, DAY)
        hours = rest // HOUR
        return f"{days} 天 {hours} 小时" if hours and days < 10 else f"{days} 天"
    if seconds >= HOUR:
        hours, rest = divmod(seconds, HOUR)
        minutes = rest // MINUTE
        return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"
    return f"{seconds // MINUTE} 分" if seconds >= MINUTE else "不到 1 分"


def share(part: int, whole: int, *, at_least: int) -> str:
    """`83.3%`; too few to say anything fair below `at_least`."""
    return f"{part * 100 / whole:.1f}%" if whole and whole >= at_least else TOO_FEW
