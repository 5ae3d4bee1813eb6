"""The lock of a case is its row, always taken first: clocks and approvals are touched only under it.

On SQLite the transaction itself is the lock (IMMEDIATE), and UNIQUE(case, seq) refuses whoever got in without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from django.db import connection

from workflows import rows
from workflows.errors import UnknownCase
from workflows.models import Case, Event


def lock(case_id: int, key: str | None = None) -> tuple[Case, int | None]:
    """Lock one case; returns it and the id of the event that already carries `key`. Raises UnknownCase.

    One statement. A reader that waited for the lock gets the new row but old sub-selects (PostgreSQL re-reads only
    the locked row). The row's `rev` shows that, and then the key is looked up again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _lock_sql(connection.vendor, key is not None), [case_id] if key is None else [key, case_id]
        )
        row = cursor.fetchone()
        if row is None:
            raise UnknownCase("没有这件案件，可能编号有误")
        case = rows.build(Case, [row])[0]
        if key is None:
            return case, None
        seen, newest = row[-2:]
        if seen is None and newest != case.rev:
            cursor.execute("SELECT id FROM workflows_event WHERE case_id = %s AND key = %s", [case_id, key])
            again = cursor.fetchone()
            seen = again[0] if again else None
        return case, seen


def lock_many(case_ids: Sequence[int], *, skip_locked: bool = False) -> dict[int, Case]:
    """Lock many cases in the order of their ids, so that two batches never wait for each other in a ring."""
    where, params = rows.among("c.id", case_ids)
    suffix = f" ORDER BY c.id {_for_update()}{' SKIP LOCKED' if skip_locked else ''}" if _for_update() else ""
    with connection.cursor() as cursor:
        columns = rows.columns(Case, "c")
        cursor.execute(f"SELECT {columns} FROM workflows_case c WHERE {where}{suffix}", params)  # noqa: S608  # our names
        return {case.pk: case for case in rows.build(Case, cursor.fetchall())}


def lock_unchanged(revs: Mapping[int, int]) -> set[int]:
    """Of cases read without a lock (id → rev), lock those that nobody holds and nobody has moved since; returns their ids."""
    if not revs:
        return set()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A row that changed while it was looked for is compared again, in its new form.
            cursor.execute(
                "SELECT c.id FROM workflows_case c JOIN unnest(%s::bigint[], %s::integer[]) AS v(id, rev)"  # noqa: S608
                f" ON c.id = v.id AND c.rev = v.rev ORDER BY c.id {_for_update()} SKIP LOCKED",
                [list(revs), list(revs.values())],
            )
            return {row[0] for row in cursor.fetchall()}
        where, params = rows.among("id", list(revs))
        cursor.execute(f"SELECT id, rev FROM workflows_case WHERE {where}", params)  # noqa: S608  # our names
        return {pk for pk, rev in cursor.fetchall() if revs[pk] == rev}


def seen_keys(keys: dict[int, str]) -> dict[int, Event]:
    """case id → the event that already carries its key. The cases are locked."""
    found = Event.objects.filter(case__in=keys, key__in=set(keys.values()))
    return {event.case_id: event for event in found if keys[event.case_id] == event.key}


def _for_update() -> str:
    # NO KEY: an event's foreign key check may share the row, a second mover may not.
    return "FOR NO KEY UPDATE OF c" if connection.vendor == "postgresql" else ""


@lru_cache(maxsize=4)
def _lock_sql(vendor: str, keyed: bool) -> str:
    seen = (
        ", (SELECT e.id FROM workflows_event e WHERE e.case_id = c.id AND e.key = %s) AS seen"
        ", (SELECT max(e.seq) FROM workflows_event e WHERE e.case_id = c.id) AS newest"
        if keyed
        else ""
    )
    return f"SELECT {rows.columns(Case, 'c')}{seen} FROM workflows_case c WHERE c.id = %s {_for_update()}"  # noqa: S608
