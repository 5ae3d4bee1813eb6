"""Keeping the figures: a subscriber of the relay, in the very transaction that marks the events as handed on.

What a case's rows should be is derived afresh from its whole history whenever one of its events goes by, and the sums
take the difference to what was stored. So an event handed on twice changes nothing, and no order of events matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from opinion.models import Act, CaseFigure, Held, OpenCase
from opinion.reports import sums
from opinion.reports.deriving import derived
from workflows import rows
from workflows.models import Case, Event

# Any number that nothing else here takes; see `pg_advisory_xact_lock`.
_FIGURES_LOCK = 4_801_733_019
KEPT: tuple[type[models.Model], ...] = (OpenCase, CaseFigure, Held, Act)
CHUNK = 500


def count_events(events: Sequence[Event], at: datetime) -> None:
    """The relay's subscriber."""
    refresh(sorted({event.case_id for event in events}))


def refresh(case_ids: Sequence[int]) -> None:
    """Bring the rows of these cases, and the sums over them, to what the log and the clocks now say.

    In the caller's transaction. One at a time on PostgreSQL: all of them add to the same sums anyway, and whoever
    reads after the lock reads everything committed before. SQLite's transaction is the lock.
    """
    if not case_ids:
        return
    lock()
    before = {model: _stored(model, case_ids) for model in KEPT}
    after: dict[type[models.Model], dict[tuple[Any, ...], models.Model]] = defaultdict(dict)
    for row in derived(case_ids):
        after[type(row)][_values(row)] = row
    all_fresh: list[models.Model] = []
    all_gone: list[models.Model] = []
    for model in KEPT:
        gone = [row for values, row in before[model].items() if values not in after[model]]
        fresh = [row for values, row in after[model].items() if values not in before[model]]
        model._default_manager.filter(pk__in=[row.pk for row in gone]).delete()
        rows.insert(fresh)
        all_fresh += fresh
        all_gone += gone
    sums.add(all_fresh, all_gone)


def rebuild(*, chunk: int = CHUNK) -> Iterator[int]:
    """Make every figure anew, in transactions of `chunk` cases; yields how many cases are done.

    The desk works on meanwhile, and so does the relay. Sums are made from the rows at the end, in one transaction.
    """
    done, last = 0, 0
    while True:
        with transaction.atomic():
            case_ids = list(
                Case.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:chunk]
            )
            refresh(case_ids)
        if not case_ids:
            break
        done, last = done + len(case_ids), case_ids[-1]
        yield done
    with transaction.atomic():
        lock()
        sums.rebuild()


def lock() -> None:
    """Let one transaction at a time change figures, until it ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIGURES_LOCK])


def _stored(model: type[models.Model], case_ids: Sequence[int]) -> dict[tuple[Any, ...], models.Model]:
    return {_values(row): row for row in model._default_manager.filter(case__in=case_ids)}


def _values(row: models.Model) -> tuple[Any, ...]:
    """Everything but a made-up id."""
    return tuple(
        getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not isinstance(field, models.AutoField)
    )
