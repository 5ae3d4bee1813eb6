"""Running an entry of the table at an agreed moment, and noting how it went.

Nothing here decides what is due: the rows do. A wall clock that is wrong is noticed, said aloud, and on PostgreSQL not
believed: the database server's is one for all machines.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from config.schedule import Periodic
from config.steady import TOLERANCE
from notifications.models import Alert
from workflows.models import PeriodicRun

logger = logging.getLogger("huiyin.ticker")

# Idle runs are noted this often, those that did something a little more often, failures always.
IDLE, BUSY = timedelta(seconds=10), timedelta(seconds=1)


def run(job: Periodic, at: datetime) -> object:
    """Run one entry, `at` being what this machine's clock says."""
    return noted(job.name, at, job.run)


def noted(name: str, at: datetime, work: Callable[[datetime], object]) -> object:
    """`work(moment)`, its outcome kept under this name. What it raises is noted and raised again."""
    before, there = _before(name)
    at = agreed(at, there)
    # Said before the work is done: it may fail, and the next run shall not say it again.
    turned_back = before is not None and at < before.latest_at - TOLERANCE
    if before is not None and turned_back:
        back, before.latest_at = before.latest_at - at, at
        PeriodicRun.objects.filter(pk=name).update(latest_at=at)
        _sound(f"{socket.gethostname()[:30]} 时钟回拨", f"{name} 上次运行的时刻比现在晚 {back}", at)
    began = time.monotonic()
    try:
        result = work(at)
    except Exception as error:
        try:
            _note(name, at, began, before, error=type(error).__name__)
        except DatabaseError:  # most likely what the work died of
            logger.warning("定时工作 %s 的失败未能记入数据库", name)
        raise
    due = BUSY if result else IDLE
    if before is None or turned_back or before.failures or at - before.ran_at >= due:
        _note(name, at, began, before, result=str(result)[:200] if result else "")
    return result


def _before(name: str) -> tuple[PeriodicRun | None, datetime | None]:
    """What is noted of an entry, and in the same statement the server's clock where it has one of its own."""
    if connection.vendor != "postgresql":
        return PeriodicRun.objects.filter(pk=name).first(), None
    row = PeriodicRun.objects.filter(pk=name).annotate(there=Now()).first()
    return row, row.there if row else None


def _note(
    name: str, at: datetime, began: float, before: PeriodicRun | None, *, result: str = "", error: str = ""
) -> None:
    row = before or PeriodicRun(name=name, latest_at=at)
    row.latest_at = max(row.latest_at, at)
    row.ran_at, row.took_ms = at, int((time.monotonic() - began) * 1000)
    if result:
        row.result, row.result_at = result, at
    if error:
        row.failures, row.failed_at, row.error = row.failures + 1, at, error[:60]
    else:
        row.failures = 0
    names = [field.name for field in PeriodicRun._meta.concrete_fields if not field.primary_key]
    PeriodicRun.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=names)


def agreed(at: datetime, there: datetime | None = None) -> datetime:
    """The moment to work for: `at`, unless the database server's clock is minutes away from it; then that one.

    there: what the server's clock says; asked when not given. SQLite's clock is this machine's.
    """
    if there is None:
        if connection.vendor != "postgresql":
            return at
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            there = cursor.fetchone()[0]
    if abs(at - there) <= TOLERANCE:
        return at
    _sound(
        f"{socket.gethostname()[:30]} 时钟与数据库不一致", f"本机 {at:%F %T%z}，数据库 {there:%F %T%z}", there
    )
    return there


def stepped(ahead: timedelta, kept: datetime) -> None:
    """This machine's clock went forward (`config.steady`)."""
    _sound(f"{socket.gethostname()[:30]} 时钟前跳", f"快了 {ahead}，暂按原时钟 {kept:%F %T%z} 工作", kept)


_said: dict[str, datetime] = {}
SAY_AGAIN = timedelta(minutes=10)


def _sound(subject: str, details: str, at: datetime) -> None:
    """An alert for the administrators; the same one from this process at most every few minutes."""
    last = _said.get(subject)
    if last is not None and abs(at - last) < SAY_AGAIN:
        return
    _said[subject] = at
    logger.error("%s：%s", subject, details)
    Alert.objects.sound(Alert.Kind.CLOCK, subject, at=at)
