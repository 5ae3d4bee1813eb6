"""How a model's values become what the database driver takes, worked out once per model and database.

The ORM asks every field about every value. Most values are plain (an int for an integer column, a str for text) and
go as they are; all others still pass the field's own preparation, so what is stored is what the ORM would store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

Prepare = Callable[[Any], Any]
# (attribute, the type whose values are plain, what to make of those (None: nothing), the field's own preparation)
Column = tuple[str, type | None, Prepare | None, Prepare]

_TEXT = (models.CharField, models.TextField)
_SMALL = (models.SmallIntegerField, models.PositiveSmallIntegerField)
_INTEGER = (models.IntegerField, models.PositiveIntegerField, models.AutoField)
_BIG = (models.BigIntegerField, models.PositiveBigIntegerField, models.BigAutoField)


@lru_cache(maxsize=256)
def shape(fields: tuple[models.Field[Any, Any], ...]) -> tuple[Column, ...]:
    """One entry a field."""
    connection = connections[DEFAULT_DB_ALIAS]
    return tuple(_column(field, connection) for field in fields)


def prepared(shape: Sequence[Column], row: models.Model) -> list[Any]:
    """The row's values for these columns."""
    values = row.__dict__
    ready: list[Any] = []
    for name, plain, convert, prepare in shape:
        value = values[name] if name in values else getattr(row, name)
        if value is None:
            ready.append(None)
        elif type(value) is plain:
            ready.append(value if convert is None else convert(value))
        else:
            ready.append(prepare(value))
    return ready


class CopyShape:
    """The columns of a COPY. In its text form a number has no size, so most rows go to the driver as they are.

    Which combinations of types are plain is remembered; a row with any other value, with a naive moment or with a
    column not loaded passes through `prepared`.
    """

    def __init__(self, fields: tuple[models.Field[Any, Any], ...]) -> None:
        self.columns = shape(fields)
        self.read = itemgetter(*(field.attname for field in fields))
        self.moments = [i for i, field in enumerate(fields) if type(field) is models.DateTimeField]
        self.documents = [
            i for i, field in enumerate(fields) if type(field) is models.JSONField and not field.encoder
        ]
        self.known: dict[tuple[type, ...], bool] = {}

    def values(self, row: models.Model) -> Sequence[Any]:
        """The row's values for these columns."""
        try:
            raw: Sequence[Any] = self.read(row.__dict__)
        except KeyError:
            return prepared(self.columns, row)
        kinds = tuple(map(type, raw))
        if kinds not in self.known:
            self.known[kinds] = all(map(self._is_plain, range(len(kinds)), kinds))
        if not self.known[kinds] or any(raw[i] is not None and raw[i].tzinfo is None for i in self.moments):
            return prepared(self.columns, row)
        if self.documents:
            changed = list(raw)
            for i in self.documents:
                changed[i] = None if raw[i] is None else json.dumps(raw[i])
            return changed
        return raw

    def _is_plain(self, index: int, kind: type) -> bool:
        if kind is type(None):
            return True
        return kind in {dict, list} if index in self.documents else kind is self.columns[index][1]


def array_text(column: Column, rows: Sequence[models.Model]) -> str:
    """The rows' values for one column as a PostgreSQL array in its text form.

    psycopg asks every value of a list for its type and form; for a thousand rows that takes ten times as long.
    """
    name, plain, _, prepare = column
    values = [row.__dict__[name] if name in row.__dict__ else getattr(row, name) for row in rows]
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {plain} and plain in _WRITTEN:
        write = _WRITTEN[plain]
        naive = plain is datetime and any(value is not None and value.tzinfo is None for value in values)
        if not naive:
            return "{" + ",".join(["NULL" if value is None else write(value) for value in values]) + "}"
    return "{" + ",".join(["NULL" if value is None else _element(prepare(value)) for value in values]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITTEN: dict[type | None, Callable[[Any], str]] = {
    int: str, bool: str, str: _quoted, datetime: datetime.isoformat
}  # fmt: skip


def _element(value: Any) -> str:
    """psycopg wraps JSON and bytes for a single parameter; inside an array their text is wanted."""
    if isinstance(value, bytes | memoryview):
        return _quoted("\\x" + value.hex())
    if hasattr(value, "dumps") and hasattr(value, "obj"):
        value = value.dumps(value.obj)
    return "NULL" if value is None else _quoted(str(value))


@lru_cache(maxsize=64)
def copy_shape(fields: tuple[models.Field[Any, Any], ...]) -> CopyShape:
    """Made once for each list of fields."""
    return CopyShape(fields)


def _column(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Column:
    def prepare(value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    plain, convert = _plain(field, connection)
    return field.attname, plain, convert, prepare


def _plain(
    field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[type | None, Prepare | None]:
    """By exact class: a subclass may prepare its values in a way of its own."""
    kind = type(field)
    if isinstance(field, models.ForeignKey):
        return _plain(field.target_field, connection)
    if kind in _TEXT:
        return str, None
    if kind is models.BooleanField:
        return bool, None
    if kind is models.DateTimeField:
        # Naive moments fall through to the field, which says what is wrong with them.
        return datetime, _moment(field, connection)
    if kind in {*_SMALL, *_INTEGER, *_BIG}:
        return int, _integer(kind, connection)
    return None, None


def _integer(kind: type, connection: BaseDatabaseWrapper) -> Prepare | None:
    """psycopg types an int by its size; a statement whose types change has to be prepared again."""
    if connection.vendor != "postgresql":
        return None
    from psycopg.types.numeric import Int2, Int4, Int8

    return Int2 if kind in _SMALL else Int4 if kind in _INTEGER else Int8


def _moment(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Prepare:
    """PostgreSQL takes a moment as it is, SQLite a text without an offset."""
    zone = None if connection.vendor == "postgresql" else connection.timezone

    def prepare(value: datetime) -> Any:
        if value.tzinfo is None:
            return field.get_db_prep_save(value, connection)
        return value if zone is None else str(value.astimezone(zone).replace(tzinfo=None))

    return prepare
