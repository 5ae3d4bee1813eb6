"""Writes put off until the end of a move, then sent in as few round trips as the database allows.

PostgreSQL takes a handful of rows of several tables in one statement (data-modifying CTEs). Their order inside it is
not defined, so writes that would collide with earlier ones on a unique index go behind a `barrier`. SQLite, and
larger batches, get a statement a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db import DEFAULT_DB_ALIAS, connections, models

from workflows import rows
from workflows.shapes import Column, prepared

# Rows of one combined statement. Each combination is planned and prepared once per connection.
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


# One row of a combined statement: its model, the columns to update, whether its id is known, and, where its
# foreign key `link` points at a row of the same statement, the position of that row.
_Part = tuple[type[models.Model], tuple[str, ...], bool, str, int]


def _combined(group: Sequence[_Write]) -> None:
    parts: list[_Part] = []
    flat: list[models.Model] = []
    for write in group:
        for number, row in enumerate(write.rows):
            owner = flat.index(write.owners[number]) if write.owners else -1
            parts.append((type(row), write.names, row.pk is not None, write.link, owner))
            flat.append(row)
    sql, shapes = _statement(tuple(parts))
    values = [value for shaped, row in zip(shapes, flat, strict=True) for value in prepared(shaped, row)]
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, values)
        results = cursor.fetchone()
    for (model, names, _, link, owner), row, result in zip(parts, flat, results, strict=True):
        if result is None:
            raise RuntimeError(f"{model._meta.db_table}: row {row.pk} to update is gone")
        if not names:
            row.pk = result
            row._state.adding = False
        if link:
            setattr(row, link, flat[owner].pk)


@lru_cache(maxsize=256)
def _statement(parts: tuple[_Part, ...]) -> tuple[str, list[tuple[Column, ...]]]:
    """`WITH w0 AS (…), w1 AS (…) SELECT` each row's id, and how to prepare each row's values."""
    texts: list[str] = []
    shapes: list[tuple[Column, ...]] = []
    for model, names, with_id, link, owner in parts:
        if names:
            text, shaped = rows.update_statement(model, names)
        else:
            head, shaped = rows.insert_head(model, with_id)
            marks = [_id_of(owner) if link and column[0] == link else "%s" for column in shaped]
            shaped = tuple(column for column in shaped if not link or column[0] != link)
            text = f"INSERT INTO {head} VALUES ({', '.join(marks)})"  # noqa: S608
        texts.append(f"w{len(texts)} AS ({text} RETURNING {rows.quote(model._meta.pk)} AS id)")
        shapes.append(shaped)
    results = ", ".join(_id_of(number) for number in range(len(parts)))
    return f"WITH {', '.join(texts)} SELECT {results}", shapes


def _id_of(number: int) -> str:
    return f"(SELECT id FROM w{number})"  # noqa: S608  # a position
