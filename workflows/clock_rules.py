"""What limits, policies and lifecycles say of a clock: questions without a row or a lock."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from workflows.calendars import WorkingCalendar
from workflows.limits import Limit, LimitUnit
from workflows.moves import Move
from workflows.spec import LifecycleSpec

limit_of = lru_cache(maxsize=256)(Limit.parse)


def consumed(on: WorkingCalendar, limit: Limit, start: datetime, end: datetime) -> int:
    """Seconds used between two moments: working time for working units, natural time otherwise."""
    if limit.unit in {LimitUnit.HOUR, LimitUnit.DAY}:
        return int((end - start).total_seconds())
    return int(on.worked(start, end).total_seconds())


def lapses(spec: LifecycleSpec, kind: str) -> bool:
    """Whether running out of this clock is nobody's fault. A clock the lifecycle no longer declares is a promise."""
    declared = spec.clocks.get(kind)
    return declared is not None and declared.lapses


def untouched(spec: LifecycleSpec, source: str, target: str, move: Move) -> bool:
    """Whether a move leaves every clock alone, so that none needs to be read."""
    a, b = spec.states[source], spec.states[target]
    same = a.clocks == b.clocks and a.pauses == b.pauses and not move.transition.restarts
    return same and "facts" not in move.changed and not any(met_by(move, kind) for kind in a.clocks)


def met_by(move: Move, kind: str) -> bool:
    """Whether this move fulfils the clock. One that the lifecycle no longer declares can only become void."""
    declared = move.lifecycle.clocks.get(kind)
    return declared is not None and move.name in declared.met_by
