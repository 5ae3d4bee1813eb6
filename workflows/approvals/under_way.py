"""What is running in a case and who sits there, in one statement: roles and guards ask it, then the book changes it.

Within the door both see the same rows: they are read under the lock, by whoever needs them first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.db import connection

from workflows import rows
from workflows.models import Approval, ApprovalTask, Case

_REMEMBERED = "_under_way"


@dataclass
class UnderWay:
    """A running approval and the seats of its present level, in order of making."""

    approval: Approval
    seats: list[ApprovalTask] = field(default_factory=list)


def under_way(case: Case) -> Sequence[UnderWay]:
    """One statement, remembered with this instance of the case until a book takes it over."""
    if case._state.adding:
        return []  # a case thought up to ask a role about a place
    known: Sequence[UnderWay] | None = case.__dict__.get(_REMEMBERED)
    if known is None:
        known = case.__dict__[_REMEMBERED] = _read([case.pk])[case.pk]
    return known


def take_over(cases: Iterable[Case]) -> list[UnderWay]:
    """Of all these cases, the oldest first, for whoever is going to change it: nothing stays remembered."""
    known = {case.pk: case.__dict__.pop(_REMEMBERED, None) for case in cases}
    unread = _read([pk for pk, found in known.items() if found is None])
    found = [one for pk, read in known.items() for one in (unread[pk] if read is None else read)]
    return sorted(found, key=lambda one: one.approval.pk)


def _read(case_ids: Sequence[int]) -> Mapping[int, Sequence[UnderWay]]:
    found: dict[int, list[UnderWay]] = defaultdict(list)
    if not case_ids:
        return found
    where, params = rows.among("a.case_id", case_ids)
    with connection.cursor() as cursor:
        cursor.execute(_read_sql(where), params)
        read = cursor.fetchall()
    running: dict[int, UnderWay] = {}
    for approval in rows.build(Approval, read):
        if approval.pk not in running:
            running[approval.pk] = UnderWay(approval)
            found[approval.case_id].append(running[approval.pk])
    for seat in rows.build(ApprovalTask, (row for row in read if row[_WIDTH] is not None), skip=_WIDTH):
        of = running[seat.process_id]
        seat.process = of.approval
        of.seats.append(seat)
    return found


_WIDTH = len(Approval._meta.concrete_fields)


@lru_cache(maxsize=64)
def _read_sql(where: str) -> str:
    return (
        f"SELECT {rows.columns(Approval, 'a')}, {rows.columns(ApprovalTask, 't')} FROM workflows_approval a"  # noqa: S608
        " LEFT JOIN workflows_approvaltask t ON t.process_id = a.id AND t.level = a.level"
        f" WHERE {where} AND a.finished IS NULL ORDER BY a.id, t.id"
    )
