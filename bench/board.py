"""The supervisor's board over a million open cases: its SQL, beside grouping the cases themselves."""

from __future__ import annotations

import time
from datetime import datetime
from statistics import median

from django.db import connection, transaction
from django.db.models import Count, Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.timing import Figure, Table, Target
from opinion.reports import sums
from opinion.reports.area import Area, soon_until
from opinion.reports.board import board
from opinion.reports.spans import month_of
from workflows.models import Case, Definition, PolicyVersion, Unit

UNITS = 100
OURS, LIVE = "board, its SQL", "group the cases themselves, same numbers"
# One case in fifty is overdue, as many again are due by the next working day.
CASES = """
INSERT INTO workflows_case (number, kind, title, state, parked, rev, head, facts, restricted, rung, due_at, provisional,
  opened_at, state_since, definition_id, policy_id, desk_id, unit_id, lead_id)
SELECT 'B' || n, 'message', 'x', 'handling', '', 1, '', '{}', false, n %% 50 / 47,
  %s::timestamptz + ((n %% 50) - 1) * interval '1 day', false, now(), now(), %s, %s, u.ids[1 + n %% %s],
  u.ids[1 + n %% %s], u.ids[1 + n %% %s]
FROM generate_series(1, %s) n, (SELECT %s::bigint[] AS ids) u
"""
OPEN = """
INSERT INTO opinion_opencase (case_id, unit_id, step, level, due_at, since)
SELECT id, unit_id, '办理', rung, due_at, state_since FROM workflows_case WHERE number LIKE 'B%%'
"""


def supervising(*, quick: bool) -> list[Table]:
    """PostgreSQL alone: the promise is made for it."""
    if connection.vendor != "postgresql":
        return []
    count, rounds = (20_000, 3) if quick else (1_000_000, 9)
    at = timezone.now()
    area = _fill(count, at)
    ours, live = [], []
    for _ in range(rounds):
        ours.append(_sql_seconds(area, at))
        live.append(_live(area, at))
    spent, direct = median(ours), median(live)
    promised = [] if quick else [Target("milliseconds of SQL", spent * 1000, 50, at_most=True)]
    return [
        Table(
            title=f"board: {count:,} open cases of {UNITS} units",
            unit="boards/s",
            figures=[Figure(OURS, 1 / spent, f"{spent * 1000:.1f} ms"), Figure(LIVE, 1 / direct)],
            targets=promised,
        )
    ]


def _fill(count: int, at: datetime) -> Area:
    root = Unit.objects.root()
    units = Unit.objects.bulk_create(
        Unit(code=f"bench{n}", name=f"单位{n}", parent=root) for n in range(UNITS)
    )
    ids = [unit.pk for unit in units]
    definition = Definition.objects.newest().get(code="message")
    policy = PolicyVersion.objects.latest_of("default")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CASES, [at, definition.pk, policy.pk, UNITS, UNITS, UNITS, count, ids])
        cursor.execute(OPEN)
        sums.rebuild()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE opinion_opencase, opinion_opensum, workflows_case")
    return Area({unit.pk: unit for unit in units})


def _sql_seconds(area: Area, at: datetime) -> float:
    with CaptureQueriesContext(connection) as asked:
        shown = board(area, month=month_of(at), at=at)
    if not shown.total.counts["overdue"]:
        raise RuntimeError("the board shows nothing overdue")
    return sum(float(query["time"]) for query in asked.captured_queries)


def _live(area: Area, at: datetime) -> float:
    began = time.perf_counter()
    until = soon_until(at)
    found = Case.objects.open().filter(restricted=False, unit__in=list(area.units)).values("unit", "rung")
    list(
        found.annotate(
            n=Count("pk"), late=Count("pk", Q(due_at__lt=at)), soon=Count("pk", Q(due_at__lt=until))
        )
    )
    return time.perf_counter() - began
