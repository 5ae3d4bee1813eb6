"""The clocks of some cases, read in one statement together with what new clocks may need; what is written back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db import connection

from workflows import rows
from workflows.models import Clock, ClockInterval
from workflows.published import policy

# Columns a move may change.
CLOCK_CHANGES = [
    "state", "limit", "rule", "calendar_id", "ladder_id", "due_at", "next_at", "missed_at", "finished_at",
    "consumed_seconds", "rung", "repeats", "provisional",
]  # fmt: skip
EXTENSION_CHANGES = ["state", "decider_id", "decided_at", "due_from", "due_to"]


@dataclass
class Going:
    """A clock that has not finished, and its open interval."""

    clock: Clock
    interval: ClockInterval


@dataclass
class Reading:
    """going: case id → kind → clock. cycles, used: (case id, kind) → newest cycle, seconds its finished cycles used.

    finished: (case id, kind) → row of a newest cycle that has ended. calendars, ladders: code → newest version id.
    """

    going: dict[int, dict[str, Going]] = field(default_factory=lambda: defaultdict(dict))
    cycles: dict[tuple[int, str], int] = field(default_factory=dict)
    used: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    finished: dict[tuple[int, str], Sequence[Any]] = field(default_factory=dict)
    calendars: dict[str, int] = field(default_factory=dict)
    ladders: dict[str, int] = field(default_factory=dict)


def read(case_ids: Sequence[int], policies: Collection[int]) -> Reading:
    """policies: ids of the policy versions by which clocks may begin."""
    done = Reading()
    where, params = rows.among("k.case_id", case_ids)
    rules = [policy(pk) for pk in sorted(policies)]
    calendars = sorted({spec.calendar for spec in rules})
    ladders = sorted({code for spec in rules for code in spec.ladders})
    newest = _NEWEST_CALENDAR * len(calendars) + _NEWEST_LADDER * len(ladders)
    with connection.cursor() as cursor:
        cursor.execute(_read_sql(newest, where, connection.vendor), [*calendars, *ladders, *params])
        found = cursor.fetchall()
    for row in found:
        slot = (row[_CASE], row[_KIND])
        done.cycles[slot] = max(done.cycles.get(slot, 0), row[_CYCLE])
        if row[_FINISHED] is not None:
            done.used[slot] += row[_CONSUMED]
            if row[_CYCLE] == done.cycles[slot]:
                done.finished[slot] = row
    going = [row for row in found if row[_FINISHED] is None]
    intervals = rows.build(ClockInterval, going, skip=_WIDTH)
    for clock, interval in zip(rows.build(Clock, going), intervals, strict=True):
        done.going[clock.case_id][clock.kind] = Going(clock, interval)
    if found:
        ids = found[0][_WIDTH + _INTERVAL_WIDTH :]
        done.calendars = dict(zip(calendars, ids[: len(calendars)], strict=True))
        done.ladders = dict(zip(ladders, ids[len(calendars) :], strict=True))
    return done


_NEWEST_CALENDAR = (
    ", (SELECT v.id FROM workflows_calendarversion v WHERE v.code = %s ORDER BY v.version DESC LIMIT 1)"
)
_NEWEST_LADDER = _NEWEST_CALENDAR.replace("calendarversion", "ladderversion")
_WIDTH = len(Clock._meta.concrete_fields)
_INTERVAL_WIDTH = len(ClockInterval._meta.concrete_fields)
_CASE, _KIND, _CYCLE, _FINISHED, _CONSUMED = (
    [field.attname for field in Clock._meta.concrete_fields].index(name)
    for name in ("case_id", "kind", "cycle", "finished_at", "consumed_seconds")
)


@lru_cache(maxsize=256)
def _read_sql(newest: str, where: str, vendor: str) -> str:
    # PostgreSQL plans a prepared statement for any number of ids, and would rather hash every open interval there
    # is than look up a few; LATERAL with a LIMIT leaves it the index alone.
    interval = (
        "LEFT JOIN LATERAL (SELECT * FROM workflows_clockinterval"
        " WHERE clock_id = k.id AND ended_at IS NULL LIMIT 1) i ON true"
        if vendor == "postgresql"
        else "LEFT JOIN workflows_clockinterval i ON i.clock_id = k.id AND i.ended_at IS NULL"
    )
    return (
        f"SELECT {rows.columns(Clock, 'k')}, {rows.columns(ClockInterval, 'i')}{newest}"  # noqa: S608  # our own names
        f" FROM workflows_clock k {interval} WHERE {where}"
    )
