"""The loop over the table of periodic work: a thread an entry, asleep until there is something to do.

Each sleeps until the rows say it is needed, at most its period; on PostgreSQL it is woken earlier by what happens.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db import close_old_connections

from config import running
from config.listening import can_listen, listen
from config.schedule import SCHEDULE, Periodic

logger = logging.getLogger("huiyin.ticker")

# A job that fails is tried again, at most this many seconds later.
BACK_OFF_SECONDS = 30.0
GRACE_SECONDS = 10.0
# Between two runs on account of what happened: a busy minute is worked off in gulps.
REST_SECONDS = 0.005
# Whoever commits while another is ringing does not ring itself (`workflows.triggers.Bell`): look again after this.
ECHO_SECONDS = 0.05

LONG_AGO = datetime.min.replace(tzinfo=UTC)

Now = Callable[[], datetime]
Work = Callable[[Periodic, datetime], object]


def run_until(
    stop: threading.Event,
    jobs: Sequence[Periodic] = SCHEDULE,
    *,
    now: Now,
    work: Work | None = None,
    periodic: bool = True,
) -> None:
    """Run the table until told to stop, each entry in a thread of its own: a slow or failing one holds up no other.

    work: what to do with an entry instead of running it here. periodic: whether it is done every period, too, and not
    only when the rows or a bell ask for it. What is still at work some seconds after the word to stop is left to its
    transaction, which rolls back.
    """
    loops = [_Loop(job, stop, now, work or _run, periodic) for job in jobs]
    threads = [threading.Thread(target=loop.repeat, name=loop.job.name, daemon=True) for loop in loops]
    by_topic: dict[str, list[_Loop]] = defaultdict(list)
    for loop in loops:
        for topic in loop.job.bells:
            by_topic[topic].append(loop)
    if by_topic and can_listen():

        def ring(topic: str) -> None:
            for loop in by_topic.get(topic, ()):
                loop.bell.set()

        threads.append(
            threading.Thread(target=listen, args=(ring, stop, list(by_topic)), name="listen", daemon=True)
        )
    for thread in threads:
        thread.start()
    stop.wait()
    for loop in loops:
        loop.bell.set()
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


class _Loop:
    """One entry of the table, over and over."""

    def __init__(self, job: Periodic, stop: threading.Event, now: Now, work: Work, periodic: bool) -> None:
        self.job, self.stop, self.now, self.work, self.periodic = job, stop, now, work, periodic
        self.bell = threading.Event()

    def repeat(self) -> None:
        failures = 0
        echo = False
        while not self.stop.is_set():
            close_old_connections()
            try:
                at = self.now()
                self.work(self.job, at)
                failures = 0
                echo = self._sleep(at, echo=echo)
            except Exception:  # the loop outlives a job; the traceback is in the log and it runs again
                logger.exception("定时工作 %s 失败，稍后重试", self.job.name)
                failures, echo = failures + 1, False
            finally:
                close_old_connections()
            if failures:
                pause = self.job.every_seconds * 2.0 ** min(failures, 10)
                self.stop.wait(min(pause, max(BACK_OFF_SECONDS, self.job.every_seconds)))

    def _sleep(self, ran_at: datetime, *, echo: bool) -> bool:
        """Until there is something to do again; returns whether to look once more soon after that.

        echo: this is that second look. A job whose rows say when it is needed looks there when the bell rings and
        runs only if it is; what is written in a ringer's shadow it finds within its period.
        """
        slept_from = time.monotonic()
        until = slept_from + (ECHO_SECONDS if echo else self.job.every_seconds)
        # What was due when it ran and is still there is held by somebody, who rings when letting go.
        after = ran_at
        while not self.stop.is_set():
            left = until - time.monotonic()
            due = self.job.next_at(after=after)
            ahead = None if due is None else (due - self.now()).total_seconds()
            if (ahead is not None and ahead <= 0) or (left <= 0 and (echo or self.periodic)):
                return False
            wait = self.job.every_seconds if left <= 0 else left
            after = ran_at
            if self.bell.wait(wait if ahead is None else min(wait, ahead)):
                self.stop.wait(max(0.0, slept_from + REST_SECONDS - time.monotonic()))
                # What rings from here on is seen by the run that follows, or rings for the one after it.
                self.bell.clear()
                if not self.job.next_path:
                    return True
                after = LONG_AGO
        return False


def _run(job: Periodic, at: datetime) -> None:
    result = running.run(job, at)
    if result:
        logger.info("%s: %s", job.name, result)
