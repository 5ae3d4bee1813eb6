"""Duplicates joined to a master: one root, no cycles, an undo. Each keeps its number, person and clock."""

from __future__ import annotations

from django.db import connection

from opinion.barring import barred_units
from opinion.models import Link, Reply
from workflows.models import Case

# All merges queue behind this advisory lock, taken after the case's own row.
_MERGE_LOCK = 7_201_701


def master_of(case: Case) -> Case | None:
    """The case this one is merged into."""
    link = Link.objects.merged().filter(from_case=case).select_related("to_case").first()
    return link.to_case if link else None


def obstacle(case: Case, master: Case) -> str | None:
    """Why `case` cannot be merged into `master`, in Chinese; None if it can."""
    if master.pk == case.pk:
        return "不能并入自身，请填写另一件案件的编号"
    if master.kind != case.kind or not (
        master.is_open or Reply.objects.filter(case=master, kind=Reply.Kind.FINAL).exists()
    ):
        return f"{master.number} 已结束且没有答复，不能作为主案件"
    if master.restricted != case.restricted:
        return "限制知悉的案件不能与普通案件并案"
    if master.lead_id in barred_units(case):
        return f"{master.number} 的主办单位是本案的被反映单位，不能并入"
    root = master_of(master)
    if root is not None:
        return f"{master.number} 已并入 {root.number}，请直接并入 {root.number}"
    if Link.objects.merged().filter(to_case=case).exists():
        return f"{case.number} 是其他案件的主案件，不能再并入别的案件"
    present = master_of(case)
    return f"{case.number} 已并入 {present.number}" if present else None


def queue_merges() -> None:
    """Let one merge at a time decide, until the transaction ends: two cases can never be merged into each other.

    SQLite needs nothing: its transaction is the lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MERGE_LOCK])
