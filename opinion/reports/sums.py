"""The sums over the rows of figures: what each row adds to which sum, and the same as one query per table.

The first keeps sums up to date row by row, the second makes them anew; `rebuild_figures` and a test compare them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import singledispatch
from typing import Any

from django.db import connection, models
from django.db.models import Count, Q, Sum

from opinion.models import Act, ActSum, CaseFigure, Held, HeldSum, MonthSum, OpenCase, OpenSum
from workflows import rows
from workflows.models import Clock

# table → what makes a sum the one it is, and what is summed up.
SUMS: dict[type[models.Model], tuple[tuple[str, ...], tuple[str, ...]]] = {
    OpenSum: (("unit_id", "step", "level"), ("cases", "since_seconds")),
    MonthSum: (("month", "basis", "unit_id"), ("on_time", "late", "going", "rated", "satisfied")),
    HeldSum: (("month", "unit_id", "step"), ("cases", "seconds")),
    ActSum: (("month", "unit_id", "kind"), ("cases", "times")),
}
Addend = tuple[type[models.Model], tuple[Any, ...], tuple[int, ...]]

# Every moment is counted in whole seconds, the same way in Python and on both databases.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@singledispatch
def addends(row: models.Model) -> Iterable[Addend]:
    """What a row adds: table, key, amounts in the order of `SUMS`."""
    raise TypeError(f"{type(row).__name__} is no figure")


@addends.register
def _(row: OpenCase) -> Iterator[Addend]:
    yield OpenSum, (row.unit_id, row.step, row.level), (1, seconds_of(row.since))


@addends.register
def _(row: CaseFigure) -> Iterator[Addend]:
    rated = (int(row.satisfied is not None), int(row.satisfied is True))
    running = row.state == Clock.State.RUNNING
    due = (int(row.on_time is True), int(row.on_time is False), int(running))
    yield MonthSum, (row.month, MonthSum.Basis.DUE.value, row.unit_id), (*due, *rated)
    original = (
        int(row.original_on_time is True),
        int(row.original_on_time is False),
        int(row.on_time is None),
    )
    yield MonthSum, (row.original_month, MonthSum.Basis.ORIGINAL.value, row.unit_id), (*original, 0, 0)


@addends.register
def _(row: Held) -> Iterator[Addend]:
    yield HeldSum, (row.month, row.unit_id, row.step), (1, row.seconds)


@addends.register
def _(row: Act) -> Iterator[Addend]:
    yield ActSum, (row.month, row.unit_id, row.kind), (1, row.times)


def seconds_of(at: datetime) -> int:
    return (at - EPOCH) // timedelta(seconds=1)


def add(fresh: Sequence[models.Model], gone: Sequence[models.Model]) -> None:
    """Carry what came and what went into the sums; at most a statement a table. In the caller's transaction."""
    changes: dict[type[models.Model], dict[tuple[Any, ...], list[int]]] = {model: {} for model in SUMS}
    for sign, some in ((1, fresh), (-1, gone)):
        for row in some:
            for model, key, amounts in addends(row):
                total = changes[model].setdefault(key, [0] * len(amounts))
                for place, amount in enumerate(amounts):
                    total[place] += sign * amount
    for model, found in changes.items():
        _upsert(model, {key: amounts for key, amounts in found.items() if any(amounts)})


def _upsert(model: type[models.Model], changes: dict[tuple[Any, ...], list[int]]) -> None:
    keys, amounts = SUMS[model]
    table, names = rows.quote(model), (*keys, *amounts)
    mark = f"({', '.join(['%s'] * len(names))})"
    sets = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in amounts)
    for part in _parts(sorted(changes.items()), rows.MAX_PARAMS // len(names)):
        values = [value for key, added in part for value in (*key, *added)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([mark] * len(part))}"  # noqa: S608
                f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sets}",
                values,
            )


def _parts(found: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]


def rebuild() -> None:
    """Make every sum anew from the rows. In the caller's transaction."""
    for model in SUMS:
        model._default_manager.all().delete()
    totals: dict[tuple[type[models.Model], tuple[Any, ...]], list[int]] = defaultdict(list)
    for model, key, amounts in _totals():
        kept = totals[model, key]
        totals[model, key] = [a + b for a, b in zip(kept, amounts, strict=True)] if kept else list(amounts)
    made: dict[type[models.Model], list[models.Model]] = {model: [] for model in SUMS}
    for (model, key), total in totals.items():
        keys, names = SUMS[model]
        if any(total):
            made[model].append(rows.make(model, **dict(zip((*keys, *names), (*key, *total), strict=True))))
    for some in made.values():
        rows.insert(some)


def _totals() -> Iterator[Addend]:
    held_now = OpenCase.objects.values_list("unit_id", "step", "level")
    for unit, step, level, cases, since in held_now.annotate(
        cases=Count("pk"), seconds=Sum(_seconds_sql())
    ).order_by():
        yield OpenSum, (unit, step, level), (cases, int(since))
    for month, unit, *amounts in _cycles("month", "on_time", Q(state=Clock.State.RUNNING)).annotate(
        rated=Count("pk", Q(satisfied__isnull=False)), happy=Count("pk", Q(satisfied=True))
    ):
        yield MonthSum, (month, MonthSum.Basis.DUE.value, unit), tuple(amounts)
    for month, unit, *counted in _cycles("original_month", "original_on_time", Q(on_time=None)):
        yield MonthSum, (month, MonthSum.Basis.ORIGINAL.value, unit), (*counted, 0, 0)
    held = Held.objects.values_list("month", "unit_id", "step").annotate(Count("pk"), Sum("seconds"))
    for month, unit, step, cases, seconds in held.order_by():
        yield HeldSum, (month, unit, step), (cases, int(seconds))
    acts = Act.objects.values_list("month", "unit_id", "kind").annotate(Count("pk"), Sum("times"))
    for month, unit, kind, cases, times in acts.order_by():
        yield ActSum, (month, unit, kind), (cases, int(times))


def _cycles(month: str, on_time: str, going: Q) -> Any:
    return (
        CaseFigure.objects.values_list(month, "unit_id")
        .annotate(
            kept=Count("pk", Q(**{on_time: True})),
            missed=Count("pk", Q(**{on_time: False})),
            going=Count("pk", going),
        )
        .order_by()
    )


def _seconds_sql() -> Any:
    """`seconds_of` in SQL."""
    text = (
        "floor(extract(epoch from since))::bigint"
        if connection.vendor == "postgresql"
        else "CAST(strftime('%%s', since) AS INTEGER)"
    )
    return models.expressions.RawSQL(text, [], output_field=models.BigIntegerField())  # noqa: S611  # constants
