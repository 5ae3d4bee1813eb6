"""A wall clock that believes a step forward only after a while.

On one machine there is no other clock to ask. Time since boot, sleep included, tells a step from a night in which the
machine was off; a wrong hand at the clock is usually put right within minutes, and until then nothing comes due early.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
HOLD_SECONDS = 600.0


def since_boot() -> float:
    """Seconds, counted through suspension where the system can say so."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Steady:
    """Call it for the moment. stepped: told how far a step forward went, once a step, and what moment is kept to."""

    def __init__(
        self,
        wall: Callable[[], datetime],
        stepped: Callable[[timedelta, datetime], None],
        elapsed: Callable[[], float] = since_boot,
    ) -> None:
        self._wall, self._stepped, self._elapsed = wall, stepped, elapsed
        self._lock = threading.Lock()
        self._base: tuple[datetime, float] | None = None
        self._held_since: float | None = None

    def __call__(self) -> datetime:
        with self._lock:
            moment, ahead = self._moment()
        if ahead is not None:
            self._stepped(ahead, moment)
        return moment

    def _moment(self) -> tuple[datetime, timedelta | None]:
        """The moment, and a step forward that is new."""
        wall, elapsed = self._wall(), self._elapsed()
        began, at = self._base or (wall, elapsed)
        expected = began + timedelta(seconds=elapsed - at)
        ahead = wall - expected
        new = self._held_since is None
        if ahead <= TOLERANCE or (not new and elapsed - (self._held_since or 0.0) >= HOLD_SECONDS):
            self._base, self._held_since = (wall, elapsed), None
            return wall, None
        if new:
            self._held_since = elapsed
        return expected, ahead if new else None
