"""Writes put off until the end of a move, then sent in as few round trips as the database allows.

PostgreSQL takes a handful of rows of several tables in one statement (data-modifying CTEs). Their order inside it is
not defined, so writes that would collide with earlier ones on a unique index go behind a `barrier`. SQLite, and
larger batches, get a statement a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models

from workflows import rows
from workflows.shapes import Column, prepared, shape

# Rows of one combined statement. Each combination is planned and prepared once per connection; with few parameters
# (psycopg keeps statements of at most 50 apart from their values).
MOST = 8


@dataclass(frozen=True)
class _Write:
    """names: the columns to update; empty for an insert. owners: whose new ids go into `link`, row by row."""

    rows: Sequence[models.Model]
    names: tuple[str, ...] = ()
    link: str = ""
    owners: Sequence[models.Model] = ()


class Sheaf:
    """Inserts and updates, in the order in which they must become true."""

    def __init__(self) -> None:
        self._groups: list[list[_Write]] = [[]]

    def insert(
        self, new: Sequence[models.Model], *, link: str = "", owners: Sequence[models.Model] = ()
    ) -> None:
        """New rows of one model. link, owners: a foreign key whose targets are inserted by this sheaf, too."""
        if new:
            self._groups[-1].append(_Write(new, link=link, owners=owners))

    def update(self, changed: Sequence[models.Model], names: Sequence[str]) -> None:
        """The named fields of existing rows of one model."""
        if changed and names:
            self._groups[-1].append(_Write(changed, tuple(sorted(names))))

    def barrier(self) -> None:
        """What follows must find what went before already written."""
        if self._groups[-1]:
            self._groups.append([])

    def write(self) -> None:
        """Send everything. Raises RuntimeError where a row to update is gone."""
        combines = connections[DEFAULT_DB_ALIAS].vendor == "postgresql"
        for group in self._groups:
            if combines and 1 < sum(len(write.rows) for write in group) <= MOST:
                _combined(group)
            else:
                _one_by_one(group)
        self._groups = [[]]


def _one_by_one(group: Sequence[_Write]) -> None:
    for write in group:
        if write.names:
            rows.update(write.rows, write.names)
            continue
        for row, owner in zip(write.rows, write.owners, strict=bool(write.owners)):
            setattr(row, write.link, owner.pk)
        rows.insert(write.rows)


@dataclass(frozen=True)
class _Part:
    """One row of a combined statement. nulls: which of its columns are NULL, written as such and not as parameters.

    owner: where the foreign key `link` points at a row of the same statement, the position of that row.
    """

    model: type[models.Model]
    names: tuple[str, ...]
    with_id: bool
    nulls: tuple[bool, ...]
    link: str
    owner: int


def _combined(group: Sequence[_Write]) -> None:
    parts: list[_Part] = []
    flat: list[models.Model] = []
    values: list[Any] = []
    for write in group:
        for number, row in enumerate(write.rows):
            ready = prepared(_columns(type(row), write.names, row.pk is not None), row)
            nulls = tuple(value is None for value in ready)
            owner = flat.index(write.owners[number]) if write.owners else -1
            parts.append(_Part(type(row), write.names, row.pk is not None, nulls, write.link, owner))
            flat.append(row)
            values += [value for value in ready if value is not None]
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_statement(tuple(parts)), values)
        results = cursor.fetchone()
    for part, row, result in zip(parts, flat, results, strict=True):
        if result is None:
            raise RuntimeError(f"{part.model._meta.db_table}: row {row.pk} to update is gone")
        if not part.names:
            row.pk = result
            row._state.adding = False
        if part.link:
            setattr(row, part.link, flat[part.owner].pk)


@lru_cache(maxsize=128)
def _columns(model: type[models.Model], names: tuple[str, ...], with_id: bool) -> tuple[Column, ...]:
    return shape(rows.updated(model, names) if names else rows.inserted(model, with_id))


@lru_cache(maxsize=512)
def _statement(parts: tuple[_Part, ...]) -> str:
    """`WITH w0 AS (…), w1 AS (…) SELECT` each row's id."""
    texts = []
    for number, part in enumerate(parts):
        marks = ["NULL" if null else "%s" for null in part.nulls]
        if part.names:
            text = rows.update_sql(part.model, part.names, marks)
        else:
            fields = rows.inserted(part.model, part.with_id)
            marks = [
                _id_of(part.owner) if f.attname == part.link else m
                for f, m in zip(fields, marks, strict=True)
            ]
            text = rows.insert_sql(part.model, part.with_id, marks)
        texts.append(f"w{number} AS ({text} RETURNING {rows.quote(part.model._meta.pk)} AS id)")
    results = ", ".join(_id_of(number) for number in range(len(parts)))
    return f"WITH {', '.join(texts)} SELECT {results}"  # names of models and positions


def _id_of(number: int) -> str:
    return f"(SELECT id FROM w{number})"  # noqa: S608  # a position
