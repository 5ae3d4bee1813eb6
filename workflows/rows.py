"""Rows in and out with few statements: what the door, intake and the sweep write by.

The ORM spends two thirds of a transition in Python. Here a statement is put together once per model and shape, and
`shapes` hands plain values to the driver as they are. All of it works on the default connection, inside the caller's
transaction. No signals are sent. Names in SQL are those of models, never input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState

from workflows.shapes import array_text, copy_shape, prepared, shape

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")

# From here on PostgreSQL's COPY beats a multi-row INSERT.
COPY_FROM = 40
# Parameters in one statement, under the limits of SQLite (32766) and PostgreSQL (65535).
MAX_PARAMS = 30000


def _connection() -> BaseDatabaseWrapper:
    """The thread's own, without the proxy that looks it up again for every attribute."""
    return connections[DEFAULT_DB_ALIAS]


@lru_cache(maxsize=64)
def _converters(model: type[models.Model]) -> tuple[list[str], list[tuple[str, Callable[..., Any], Any]]]:
    """Column attributes, and what turns a column's raw value into Python's."""
    connection = _connection()
    fields = model._meta.concrete_fields
    found = []
    for field in fields:
        column = field.get_col(model._meta.db_table)
        converts = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        if isinstance(field, models.DateTimeField):
            # Django's own, on SQLite, asks the settings about each.
            converts = [_moment_from_text if connection.vendor == "postgresql" else _moment_of_the_connection]
        found += [(field.attname, convert, column) for convert in converts]
    return [field.attname for field in fields], found


@lru_cache(maxsize=64)
def columns(model: type[models.Model], alias: str) -> str:
    """The model's columns as a select list, in the order `build` expects.

    On PostgreSQL moments come as text: Django has each read by a loader in Python, thirty times slower than `build`.
    """
    as_text = _connection().vendor == "postgresql"
    return ", ".join(
        f"{alias}.{quote(f)}{'::text' if as_text and isinstance(f, models.DateTimeField) else ''}"
        for f in model._meta.concrete_fields
    )


def build(model: type[M], found: Iterable[Sequence[Any]], *, skip: int = 0) -> list[M]:
    """Instances from rows that hold the model's columns after `skip` others."""
    connection = _connection()
    names, converters = _converters(model)
    built = []
    for row in found:
        values = dict(zip(names, row[skip : skip + len(names)], strict=True))
        for name, convert, column in converters:
            values[name] = convert(values[name], column, connection)
        built.append(_bare(model, values, adding=False))
    return built


def _moment_from_text(value: str | None, column: Any, connection: Any) -> datetime | None:
    """PostgreSQL's ISO form, in the session's time zone, which Django sets to UTC."""
    return None if value is None else datetime.fromisoformat(value)


def _moment_of_the_connection(value: datetime | str | None, column: Any, connection: Any) -> datetime | None:
    """SQLite's form, without an offset: read by the driver where it knows the column, else still a text."""
    if value is None:
        return None
    naive = datetime.fromisoformat(value) if isinstance(value, str) else value
    return naive.replace(tzinfo=connection.timezone)


@lru_cache(maxsize=64)
def _defaults(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Every column's default: plain values, and those to be made anew each time."""
    fields = model._meta.concrete_fields
    made = [(f.attname, f.default) for f in fields if f.has_default() and callable(f.default)]
    return {f.attname: f.get_default() for f in fields}, made


def make(model: type[M], **values: Any) -> M:
    """A new instance by column attributes (`case_id`, not `case`), without the cost of `Model.__init__`."""
    plain, made = _defaults(model)
    full = {**plain, **values}
    for name, default in made:
        if name not in values:
            full[name] = default()
    if len(full) != len(plain):
        raise TypeError(f"{model.__name__} has no column {sorted(full.keys() - plain.keys())}")
    return _bare(model, full, adding=True)


def _bare(model: type[M], values: dict[str, Any], *, adding: bool) -> M:
    """What `Model.__init__` and `from_db` end up with; models with their own `__init__` or `from_db` are not for this."""
    instance = model.__new__(model)
    state = ModelState()
    state.adding, state.db = adding, None if adding else DEFAULT_DB_ALIAS
    instance.__dict__.update(values, _state=state)
    return instance


def quote(of: models.Field[Any, Any] | type[models.Model]) -> str:
    """The quoted name of a column or table."""
    name = str(of.column) if isinstance(of, models.Field) else of._meta.db_table
    return _connection().ops.quote_name(name)


@lru_cache(maxsize=64)
def inserted(model: type[models.Model], with_id: bool) -> tuple[models.Field[Any, Any], ...]:
    """The columns an INSERT names."""
    return tuple(f for f in model._meta.concrete_fields if with_id or not isinstance(f, models.AutoField))


@lru_cache(maxsize=64)
def updated(model: type[models.Model], names: tuple[str, ...]) -> tuple[models.Field[Any, Any], ...]:
    """The columns an UPDATE has values for: those named, by attribute or field name, and the primary key."""
    known = {name: field for field in model._meta.concrete_fields for name in (field.name, field.attname)}
    return (*(known[name] for name in names), model._meta.pk)


def insert_sql(model: type[models.Model], with_id: bool, marks: Sequence[str]) -> str:
    """INSERT of one row. marks: what stands for each value."""
    names = ", ".join(quote(f) for f in inserted(model, with_id))
    return f"INSERT INTO {quote(model)} ({names}) VALUES ({', '.join(marks)})"  # noqa: S608


def update_sql(model: type[models.Model], names: tuple[str, ...], marks: Sequence[str]) -> str:
    """UPDATE of one row. marks: what stands for each value, the primary key's last."""
    *fields, pk = updated(model, names)
    sets = ", ".join(f"{quote(f)} = {mark}" for f, mark in zip(fields, marks[:-1], strict=True))
    return f"UPDATE {quote(model)} SET {sets} WHERE {quote(pk)} = {marks[-1]}"  # noqa: S608


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model and give each its id. Ids may be set already (see `reserve_ids`)."""
    if not rows:
        return
    model, connection = type(rows[0]), _connection()
    if connection.vendor == "postgresql" and len(rows) >= COPY_FROM:
        _copy(model, rows)
        return
    with_id = rows[0].pk is not None
    shaped = shape(inserted(model, with_id))
    first, more, returning = _insert_many(model, with_id)
    with connection.cursor() as cursor:
        for part in parts(rows, MAX_PARAMS // len(shaped)):
            values = [value for row in part for value in prepared(shaped, row)]
            cursor.execute(f"{first}{more * (len(part) - 1)}{returning}", values)
            if not with_id:
                for row, (pk,) in zip(part, cursor.fetchall(), strict=True):
                    row.pk = pk
    for row in rows:
        row._state.adding = False


@lru_cache(maxsize=64)
def _insert_many(model: type[models.Model], with_id: bool) -> tuple[str, str, str]:
    """INSERT of one row, what each further row adds to it, and what gives the ids back."""
    marks = ["%s"] * len(inserted(model, with_id))
    returning = "" if with_id else f" RETURNING {quote(model._meta.pk)}"
    return insert_sql(model, with_id, marks), f", ({', '.join(marks)})", returning


def _copy(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    if rows[0].pk is None:
        for row, pk in zip(rows, reserve_ids(model, len(rows)), strict=True):
            row.pk = pk
    fields = inserted(model, True)
    copied, names = copy_shape(fields), ", ".join(quote(f) for f in fields)
    # Django wraps what `execute` raises, not what `copy` does: a key that is there already is an IntegrityError here, too.
    wrapped = _connection().wrap_database_errors
    with (
        _connection().cursor() as cursor,
        wrapped,
        cursor.copy(f"COPY {quote(model)} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(copied.values(row))
    for row in rows:
        row._state.adding = False


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """`count` ids nobody else will get. On SQLite only inside the transaction that uses them."""
    table, connection = model._meta.db_table, _connection()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')::regclass) FROM generate_series(1, %s)",
                [table, count],
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        first = (row[0] if row else 0) + 1
        return list(range(first, first + count))


def update(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the named fields of existing rows of one model. Raises RuntimeError where a row is gone."""
    if not rows or not names:
        return
    model, connection = type(rows[0]), _connection()
    key = tuple(sorted(names))
    with connection.cursor() as cursor:
        if len(rows) > 1 and connection.vendor == "postgresql":
            changed = _update_set(cursor, model, key, rows)
        else:
            shaped = shape(updated(model, key))
            sql = _update_one(model, key)
            if len(rows) == 1:
                cursor.execute(sql, prepared(shaped, rows[0]))
            else:
                cursor.executemany(sql, [prepared(shaped, row) for row in rows])
            changed = cursor.rowcount
    if changed != len(rows):
        raise RuntimeError(f"{model._meta.db_table}: {len(rows)} rows to update, {changed} found")


@lru_cache(maxsize=256)
def _update_one(model: type[models.Model], names: tuple[str, ...]) -> str:
    return update_sql(model, names, ["%s"] * (len(names) + 1))


@lru_cache(maxsize=256)
def _update_many(model: type[models.Model], names: tuple[str, ...]) -> str:
    *fields, pk = every = updated(model, names)
    sets = ", ".join(f"{quote(f)} = v.{quote(f)}" for f in fields)
    # "varchar(30)[]" is not an array type name that unnest takes well, so the bare type is used.
    kinds = ", ".join(f"%s::text::{_bare_type(f)}[]" for f in every)
    return (
        f"UPDATE {quote(model)} AS t SET {sets} FROM unnest({kinds}) AS v({', '.join(quote(f) for f in every)})"  # noqa: S608
        f" WHERE t.{quote(pk)} = v.{quote(pk)}"
    )


def _update_set(
    cursor: Any, model: type[models.Model], names: tuple[str, ...], rows: Sequence[models.Model]
) -> int:
    """One UPDATE … FROM unnest(arrays), whatever the number of rows."""
    shaped = shape(updated(model, names))
    cursor.execute(_update_many(model, names), [array_text(column, rows) for column in shaped])
    return int(cursor.rowcount)


def _bare_type(field: models.Field[Any, Any]) -> str:
    connection = _connection()
    kind = field.rel_db_type(connection) if isinstance(field, models.AutoField) else field.db_type(connection)
    return str(kind).split("(")[0]


def parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Slices of at most `size`."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def among(column: str, ids: Sequence[int] | Sequence[str]) -> tuple[str, list[Any]]:
    """A condition `column is one of ids` and its parameters, for one statement of any length."""
    if not ids:
        return "1 = 0", []
    if _connection().vendor == "postgresql":
        return (f"{column} = ANY(%s)", [list(ids)]) if len(ids) > 1 else (f"{column} = %s", list(ids))
    return f"{column} IN ({', '.join(['%s'] * len(ids))})", list(ids)
