"""Deeds of the sweep that failed: kept, tried again at growing intervals, and made once whatever blocked them is mended.

What fails for one case harms no other, and its missed deadline is in the log all the same. Administrators are told.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction

from workflows.climbing import Deed
from workflows.engine import carry_through
from workflows.errors import MoveRefused
from workflows.locking import lock_many
from workflows.models import Case, Clock, Event, OwedMove
from workflows.registry import raise_alarm

logger = logging.getLogger("huiyin.sweep")

# Of the machinery and no case's fault: the whole run stops, and the next one takes it up.
MACHINERY = (OperationalError, InterfaceError)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=15)
# In one sweep: thousands that fail for one reason must not keep clocks waiting.
AT_ONCE = 100


def attempt(deed: Deed, *, at: datetime, owed: OwedMove | None = None) -> bool | None:
    """Make the one deed of a locked case, in a savepoint; a failure is kept to be tried again after `at`.

    owed: the row it is kept in already. Returns whether it was made; None where it has become needless.
    """
    try:
        with transaction.atomic():
            move = deed.move()
            if move is not None:
                carry_through([(move, deed.key)])
    except MACHINERY:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a guard or an effect raises, the other cases go on
        _keep(deed, error, at, owed)
        return False
    if owed is not None:
        owed.delete()
    return None if move is None else True


def _keep(deed: Deed, error: Exception, at: datetime, owed: OwedMove | None) -> None:
    case = deed.case
    row = owed or OwedMove.objects.filter(case=case.pk, key=deed.key).first()
    if row is None:
        row = OwedMove(case_id=case.pk, key=deed.key, answers_id=deed.answers, tries=0)
    row.names, row.data, row.error = list(deed.names), deed.data, type(error).__name__[:60]
    row.tries += 1
    row.try_at = at + min(FIRST_PAUSE * 2 ** min(row.tries - 1, 10), LONGEST_PAUSE)
    row.save()
    report(error, f"{'/'.join(deed.names)} {type(error).__name__}", case.number, at)


def report(error: Exception, what: str, case_number: str, at: datetime) -> None:
    """Into the log and to the administrators. A refusal is no fault of the program and has no traceback."""
    refused = isinstance(error, MoveRefused)
    logger.error("%s 到期未能自动办理：%s", case_number, what, exc_info=None if refused else error)
    raise_alarm(what, case_number, at)


def settle(*, at: datetime) -> tuple[int, int]:
    """Try again what is due by `at`, at most AT_ONCE; returns how many were made, and how many failed again."""
    made = failed = 0
    due = OwedMove.objects.filter(try_at__lte=at).order_by("try_at", "id")
    for pk, case_id in due.values_list("pk", "case_id")[:AT_ONCE]:
        with transaction.atomic():
            case = lock_many([case_id], skip_locked=True).get(case_id)
            # Read behind the lock: somebody else may have settled it.
            owed = due.filter(pk=pk).select_related("answers").first() if case else None
            if case is None or owed is None:
                continue
            deed = _still_to_do(owed, case, at)
            if deed is None:
                continue
            did = attempt(deed, at=at, owed=owed)
            made, failed = made + (did is True), failed + (did is False)
    return made, failed


def _still_to_do(owed: OwedMove, case: Case, at: datetime) -> Deed | None:
    """The deed, unless it was done or has become needless, and then it is forgotten; or its deadline was put off."""
    clock = owed.answers
    done = Event.objects.filter(case=case, key=owed.key).exists()
    if done or (clock is not None and not clock.is_going):
        owed.delete()
        return None
    if clock is not None and (clock.state != Clock.State.RUNNING or clock.due_at > at):
        owed.try_at = max(clock.due_at, at + LONGEST_PAUSE)
        owed.save(update_fields=["try_at"])
        return None
    return Deed(case, tuple(owed.names), _dated(case, clock, at), owed.key, dict(owed.data), owed.answers_id)


def _dated(case: Case, clock: Clock | None, at: datetime) -> datetime:
    """The lifecycle's own step is dated at the deadline, unless people have moved the case since; a rung's, when made."""
    if clock is None:
        return at
    moves = Event.objects.filter(case=case, happened_at__gt=clock.due_at).exclude(transition="")
    return at if moves.exists() else clock.due_at
