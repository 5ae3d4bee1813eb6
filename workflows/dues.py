"""Until when a clock runs: its limit from its start, the pauses in between, the extensions after it.

A pure function of what is stored, so that whoever asks (the door, a change of calendar, `verify_clocks`) gets the
same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache

from workflows.calendars import Due, Pause, WorkingCalendar
from workflows.errors import Cannot
from workflows.limits import Limit, LimitUnit
from workflows.policy import ClockRule

NATURAL = frozenset({LimitUnit.HOUR, LimitUnit.DAY})
SECONDS = {LimitUnit.HOUR: 3600, LimitUnit.DAY: 86400}

# Documents and clocks repeat a handful of limits a million times.
limit_of = lru_cache(maxsize=256)(Limit.parse)


def due_of(
    on: WorkingCalendar,
    started_at: datetime,
    limit: str,
    *,
    paused: Sequence[Pause] = (),
    extended: Sequence[str] = (),
) -> Due:
    """The last moment. extended: what was granted, in the order granted; each is counted from the due moment before it.

    A pause moves whichever part it falls into. Raises NoWorkingTime.
    """
    due = on.due(started_at, limit_of(limit), paused=paused)
    for amount in extended:
        after = on.due(due.at, limit_of(amount), paused=paused)
        due = Due(after.at, due.provisional or after.provisional)
    return due


def chosen_due(on: WorkingCalendar, rule: ClockRule, limit: str, *, at: datetime, longest: Due) -> Due:
    """The last moment of a limit that somebody chose instead of the rule's own. Raises Cannot beyond that one's."""
    if not rule.chosen:
        raise ValueError(f"时限规则 {rule.row} 没有让人选定期限")
    due = due_of(on, at, limit)
    if due.at > longest.at:
        raise Cannot(f"选定的期限超过了最长的{limit_of(rule.limit).label}")
    return due


def consumed(on: WorkingCalendar, limit: str, start: datetime, end: datetime) -> int:
    """Seconds used between two moments: working time for working units, natural time otherwise."""
    if limit_of(limit).unit in NATURAL:
        return int((end - start).total_seconds())
    return int(on.worked(start, end).total_seconds())


def left_in_total(on: WorkingCalendar, total: str, used_seconds: int) -> Limit | None:
    """What several cycles together may still use, in working minutes or natural hours; None where that is nothing."""
    whole = limit_of(total)
    if whole.unit in NATURAL:
        left = whole.amount * SECONDS[whole.unit] - used_seconds
        hours = (left / 3600).quantize(Decimal("0.0001"), rounding=ROUND_DOWN)
        return Limit(hours, LimitUnit.HOUR) if hours > 0 else None
    minutes = on.working_time_of(whole) // 60_000_000 - -(-used_seconds // 60)
    return Limit(Decimal(minutes), LimitUnit.WORKING_MINUTE) if minutes > 0 else None
