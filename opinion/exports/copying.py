"""CSV written by PostgreSQL itself: formatting, labels and formula escape in SQL, streamed by COPY."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection

from opinion.exports.columns import Column
from opinion.exports.writing import Told, csv_head

_BLOCK = 1 << 16


def copy_csv(target: io.RawIOBase, rows: Any, columns: Sequence[Column], zone: str, told: Told) -> int:
    """The same bytes as `writing.write_csv`, several times faster. `rows`: a queryset of tuples."""
    target.write(csv_head(columns).encode())
    pending: list[bytes] = []
    size = count = 0
    with connection.cursor() as cursor:
        statement = f"COPY ({formatted(rows, columns, zone)}) TO STDOUT WITH (FORMAT csv)"
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            # One block is one row.
            for count, block in enumerate(copy, 1):
                pending.append(bytes(block))
                size += len(block)
                if size >= _BLOCK:
                    target.write(b"".join(pending))
                    pending, size = [], 0
                    told(count)
    target.write(b"".join(pending))
    return count


def formatted(rows: Any, columns: Sequence[Column], zone: str) -> str:
    """One SELECT whose every column is text as the file shows it."""
    names = [f"c{index}" for index in range(len(columns))]
    select = ", ".join(column.sql(f"q.{name}", zone) for column, name in zip(columns, names, strict=True))
    return f"SELECT {select} FROM ({as_sql(rows)}) AS q({', '.join(names)})"  # noqa: S608  # our own names and bound values


def as_sql(rows: Any) -> str:
    """A queryset as one statement with its values in it, as COPY takes no parameters."""
    sql, params = rows.query.sql_with_params()
    connection.ensure_connection()
    return psycopg.ClientCursor(connection.connection).mogrify(sql, params)
