"""Rows in and out with few statements: what the door, intake and the sweep write by.

The ORM spends two thirds of a transition in Python. Here a statement is put together once per model and shape;
values still pass each field's own preparation, so what is stored is what the ORM would store. All of it works on
the default connection, inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)

# From here on PostgreSQL's COPY beats a multi-row INSERT.
COPY_FROM = 40
# Parameters in one statement, under the limits of SQLite (32766) and PostgreSQL (65535).
MAX_PARAMS = 30000


def _vendor_is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)


@lru_cache(maxsize=64)
def _converters(model: type[models.Model], vendor: str) -> tuple[list[str], list[tuple[int, Callable[..., Any], Any]]]:
    fields = model._meta.concrete_fields
    found = []
    for index, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        for convert in [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]:
            found.append((index, convert, column))
    return [field.attname for field in fields], found


def columns(model: type[models.Model], alias: str) -> str:
    """The model's columns as a select list, in the order `build` expects."""
    return ", ".join(f"{alias}.{_quote(str(f.column))}" for f in model._meta.concrete_fields)


def build(model: type[M], row: Sequence[Any]) -> M:
    """An instance from a row that starts with the model's columns."""
    names, converters = _converters(model, connection.vendor)
    values = list(row[: len(names)])
    for index, convert, column in converters:
        values[index] = convert(values[index], column, connection)
    return model.from_db(connection.alias, names, values)


@lru_cache(maxsize=64)
def _insert_head(model: type[models.Model], with_id: bool, vendor: str) -> tuple[str, list[models.Field[Any, Any]]]:
    fields = [f for f in model._meta.concrete_fields if with_id or not isinstance(f, models.AutoField)]
    names = ", ".join(_quote(str(f.column)) for f in fields)
    return f"{_quote(model._meta.db_table)} ({names})", fields


def _prepared(fields: Sequence[models.Field[Any, Any]], row: models.Model) -> list[Any]:
    return [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model and give each its id. Ids may be set already (see `reserve_ids`)."""
    if not rows:
        return
    model = type(rows[0])
    if _vendor_is_postgresql() and len(rows) >= COPY_FROM:
        _copy(model, rows)
        return
    with_id = rows[0].pk is not None
    head, fields = _insert_head(model, with_id, connection.vendor)
    marks = f"({', '.join(['%s'] * len(fields))})"
    returning = "" if with_id else f" RETURNING {_quote(str(model._meta.pk.column))}"
    with connection.cursor() as cursor:
        for part in parts(rows, MAX_PARAMS // len(fields)):
            values = [value for row in part for value in _prepared(fields, row)]
            cursor.execute(f"INSERT INTO {head} VALUES {', '.join([marks] * len(part))}{returning}", values)
            if not with_id:
                for row, (pk,) in zip(part, cursor.fetchall(), strict=True):
                    row.pk = pk
    for row in rows:
        row._state.adding = False


def _copy(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    if rows[0].pk is None:
        for row, pk in zip(rows, reserve_ids(model, len(rows)), strict=True):
            row.pk = pk
    head, fields = _insert_head(model, True, connection.vendor)
    with connection.cursor() as cursor, cursor.copy(f"COPY {head} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(_prepared(fields, row))
    for row in rows:
        row._state.adding = False


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """`count` ids nobody else will get. On SQLite only inside the transaction that uses them."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if _vendor_is_postgresql():
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')::regclass) FROM generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        first = (row[0] if row else 0) + 1
        return list(range(first, first + count))


@lru_cache(maxsize=256)
def _update_one(model: type[models.Model], names: tuple[str, ...], vendor: str) -> tuple[str, list[models.Field[Any, Any]]]:
    fields = [model._meta.get_field(name) for name in names]
    sets = ", ".join(f"{_quote(f.column)} = %s" for f in fields)
    return f"UPDATE {_quote(model._meta.db_table)} SET {sets} WHERE {_quote(model._meta.pk.column)} = %s", fields


def update(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the named fields of existing rows of one model. Raises RuntimeError where a row is gone."""
    if not rows or not names:
        return
    model = type(rows[0])
    key = tuple(sorted(names))
    sql, fields = _update_one(model, key, connection.vendor)
    with connection.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(sql, [*_prepared(fields, rows[0]), rows[0].pk])
            changed = cursor.rowcount
        elif _vendor_is_postgresql():
            changed = _update_set(cursor, model, fields, rows)
        else:
            cursor.executemany(sql, [[*_prepared(fields, row), row.pk] for row in rows])
            changed = cursor.rowcount
    if changed != len(rows):
        raise RuntimeError(f"{model._meta.db_table}: {len(rows)} rows to update, {changed} found")


def _update_set(cursor: Any, model: type[models.Model], fields: list[models.Field[Any, Any]], rows: Sequence[models.Model]) -> int:
    """One UPDATE … FROM unnest(arrays), whatever the number of rows."""
    pk = model._meta.pk
    every = [pk, *fields]
    names = ", ".join(_quote(f.column) for f in every)
    sets = ", ".join(f"{_quote(f.column)} = v.{_quote(f.column)}" for f in fields)
    # cast_db_type: "varchar(30)[]" is not an array type name that unnest takes well, so the bare type is used.
    kinds = ", ".join(f"%s::{_bare_type(f)}[]" for f in every)
    columns_ = [[_flat(f.get_db_prep_save(getattr(row, f.attname), connection)) for row in rows] for f in every]
    cursor.execute(
        f"UPDATE {_quote(model._meta.db_table)} AS t SET {sets} FROM unnest({kinds}) AS v({names})"
        f" WHERE t.{_quote(pk.column)} = v.{_quote(pk.column)}",
        columns_,
    )
    return int(cursor.rowcount)


def _flat(value: Any) -> Any:
    """psycopg wraps JSON for a single parameter; inside an array its text is wanted."""
    return value.dumps(value.obj) if hasattr(value, "dumps") and hasattr(value, "obj") else value


def _bare_type(field: models.Field[Any, Any]) -> str:
    kind = field.rel_db_type(connection) if isinstance(field, models.AutoField) else field.db_type(connection)
    return str(kind).split("(")[0]


def parts(rows: Sequence[M], size: int) -> Iterator[Sequence[M]]:
    """Slices of at most `size`."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def among(column: str, ids: Sequence[int]) -> tuple[str, list[Any]]:
    """A condition `column is one of ids` and its parameters, for one statement of any length."""
    if _vendor_is_postgresql():
        return f"{column} = ANY(%s)", [list(ids)]
    return f"{column} IN ({', '.join(['%s'] * len(ids))})", list(ids)
