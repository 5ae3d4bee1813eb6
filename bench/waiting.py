"""What waits for one person among all that a county has open: the pages 待办 and 待我审批, and their SQL."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

from django.db import connection
from django.test import Client
from django.urls import reverse

from bench.desk.world import Desk, settle
from bench.timing import Figure, Table, Target
from workflows.models import ApprovalRules, ApprovalTask, Case, Definition, Membership, Unit, User

OFFICES, SEATS, OWN = 200, 500, 300
MOST_MS = 10

CASES = """
INSERT INTO workflows_case (number, kind, title, state, parked, rev, head, facts, restricted, rung, due_at, provisional,
  opened_at, state_since, definition_id, policy_id, desk_id, unit_id, lead_id)
SELECT 'S' || n, 'signed', 'x', CASE WHEN n <= %s THEN 'working' ELSE 'waiting' END, '', 1, '', '{}', false, 0,
  now() + n %% 1000 * interval '1 minute', false, now(), now(), %s, %s, %s,
  CASE WHEN n <= %s THEN %s ELSE units[1 + n %% %s] END, units[1 + n %% %s]
FROM generate_series(1, %s) n, (SELECT %s::bigint[] AS units) given
"""
PARTS = """
INSERT INTO workflows_participation (case_id, unit_id, role, started_at)
SELECT c.id, CASE WHEN part = 'desk' THEN c.desk_id ELSE c.lead_id END, part, now()
FROM workflows_case c, unnest(ARRAY['desk', 'lead']) part WHERE c.number LIKE 'S%%'
"""
APPROVALS = """
INSERT INTO workflows_approval (flow_class, status, created, kind, round, outcome, rule, levels, level, queue, said, seq,
  case_id, requester_id, rules_id)
SELECT 'workflows/approvals.flow.ApprovalFlow', 'NEW', now(), 'reply', 1, 'running', 'reply', %s::jsonb, 1, '[]', '{}', 1,
  id, %s, %s FROM workflows_case WHERE number LIKE 'S%%' AND state = 'waiting'
"""
SITTING = """
INSERT INTO workflows_approvaltask (flow_task, token, flow_task_type, status, created, assigned, level, extra, decision,
  case_id, owner_id, process_id, requester_id)
SELECT 'workflows/approvals.flow.ApprovalFlow.decide', 'start/1_1', 'HUMAN', 'ASSIGNED', now(), now(), 1, false, 'none',
  a.case_id, CASE WHEN row_number() OVER (ORDER BY md5(a.id::text)) <= %s THEN %s ELSE %s END, a.id, a.requester_id
  FROM workflows_approval a WHERE a.outcome = 'running'
"""


def waiting(desk: Desk, people: list[User], *, quick: bool) -> list[Table]:
    """Somebody at the desk of the whole county, who may see every case: 300 to handle, 500 to sign, the rest others'.

    On PostgreSQL alone: the promise is made for it.
    """
    if connection.vendor != "postgresql":
        return []
    everything, rounds = (20_000, 5) if quick else (200_000, 15)
    mine, other = people[0], people[1]
    Membership.objects.get_or_create(user=mine, unit=desk.unit, role="bench_clerk")
    _fill(desk, mine, other, everything)
    open_now = Case.objects.visible_to(User.objects.get(pk=mine.pk)).open().count()
    if open_now < everything:
        raise RuntimeError(f"{mine} sees {open_now} open cases, {everything} should be seen")
    own = Case.objects.open().filter(kind="signed", state="working", unit=desk.unit).count()
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(mine)
    todo, todo_ms = _asked(client, "todo", f"共 {own} 件", rounds)
    signing, signing_ms = _asked(client, "signing", f"共 {SEATS} 项", rounds)
    return [
        Table(
            title=f"待办 of one person among {open_now:,} open cases, {ApprovalTask.objects.waiting().count():,} approvals",
            unit="pages/s",
            figures=[
                Figure(
                    f"待我审批, {SEATS} wait, all its SQL",
                    1000 / signing_ms,
                    f"{signing_ms:.1f} ms, {signing} statements",
                ),
                Figure(
                    f"待办, {own} wait, all its SQL", 1000 / todo_ms, f"{todo_ms:.1f} ms, {todo} statements"
                ),
            ],
            targets=[
                Target("milliseconds of SQL, 待我审批", signing_ms, MOST_MS, at_most=True),
                Target("milliseconds of SQL, 待办", todo_ms, MOST_MS, at_most=True),
            ],
        )
    ]


def _fill(desk: Desk, mine: User, other: User, everything: int) -> None:
    units = Unit.objects.bulk_create(
        Unit(code=f"bench{n}", name=f"测速单位{n}", parent=desk.unit) for n in range(OFFICES)
    )
    definition, rules = Definition.objects.latest_of("signed"), ApprovalRules.objects.latest_of("signed")
    policy = Case.objects.filter(kind="signed").values_list("policy_id", flat=True)[:1].get()
    root, levels = desk.unit.pk, '[{"name": "one", "label": "一级", "by": ["bench_one"]}]'
    fillings: list[tuple[str, list[Any]]] = [
        (CASES, [OWN, definition.pk, policy, root, OWN, root, OFFICES, OFFICES, everything, [u.pk for u in units]]),
        (PARTS, []),
        (APPROVALS, [levels, desk.clerk.pk, rules.pk]),
        (SITTING, [SEATS, mine.pk, other.pk]),
    ]  # fmt: skip
    for statement, given in fillings:
        with connection.cursor() as cursor:
            cursor.execute(statement, given)
        # Looked at at once, or the next table's foreign keys are checked as if this one were still small.
        settle()


class Spent:
    """Seconds and number of the statements run through it; Django's own record rounds each to a millisecond."""

    def __init__(self) -> None:
        self.seconds, self.statements = 0.0, 0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += perf_counter() - began
            self.statements += 1


def _asked(client: Client, name: str, words: str, rounds: int) -> tuple[int, float]:
    """Statements of a page and milliseconds they took together: median, the first not counted."""
    found = []
    for _ in range(rounds + 1):
        spent = Spent()
        with connection.execute_wrapper(spent):
            page = client.get(reverse(name))
        if page.status_code != 200 or words not in page.content.decode():
            raise RuntimeError(f"page {name} should say {words}")
        found.append(spent)
    return found[-1].statements, median(spent.seconds for spent in found[1:]) * 1000
