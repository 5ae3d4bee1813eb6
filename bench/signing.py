"""Approvals: a reply through three levels beside the same in plain viewflow, and the list of what waits for one person."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from statistics import median

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.desk.world import BEGAN, HERE, Desk, make_desk, settle
from bench.peers.signing import sign_all
from bench.timing import Figure, Table, Target, interleave
from opinion.queues import PAGE_SIZE
from opinion.waiting import seat_rows, seats_waiting_for
from workflows.engine import Draft, fire, open_many
from workflows.models import Approval, ApprovalRules, ApprovalTask, Case, Definition, Membership, User
from workflows.publishing import publish_missing
from workflows.registry import role

OURS, PEER = "three levels, log and clocks", "plain viewflow, neither"
LEVELS = ("bench_one", "bench_two", "bench_three")


def _level(name: str) -> None:
    role(name, name, sees="own")(lambda case, user: user.standing.holds(name, case.desk_id))


for _name in LEVELS:
    _level(_name)


def signing(*, quick: bool) -> list[Table]:
    """End to end: put up, signed three times, granted. Each person's request reads its own user, as a page would."""
    desk, people = _seated()
    cases, rounds = (30, 3) if quick else (150, 7)
    ours, peers = _cases(desk, cases), _cases(desk, cases)
    settle()
    turn = count()

    def signed() -> int:
        at = BEGAN + timedelta(minutes=next(turn) + 1)
        for pk in ours:
            fire(pk, "submit", by=desk.clerk, at=at)
            for person in people:
                fire(pk, "sign", by=person, at=at)
        return len(ours)

    def flowed() -> int:
        for pk in peers:
            sign_all(pk)
        return len(peers)

    rates = interleave({OURS: signed, PEER: flowed}, rounds=rounds)
    done = Approval.objects.filter(case__in=ours, outcome="granted").count()
    if done != cases * (rounds + 1) or Case.objects.filter(pk__in=ours).exclude(state="working").exists():
        raise RuntimeError(f"{done} approvals were granted, {cases * (rounds + 1)} should have been")
    return [
        Table(
            title="approvals: a reply through three levels",
            unit="replies/s",
            figures=[Figure(label, rate) for label, rate in rates.items()],
            targets=[Target("× plain viewflow", rates[OURS] / rates[PEER], 0.8)],
        ),
        *_waiting(desk, people[0], quick=quick),
    ]


def _seated() -> tuple[Desk, list[User]]:
    desk = make_desk()
    system = User.objects.system()
    for name in ("signed_limits", "signed_levels", "signed"):
        publish_missing([HERE / f"{name}.yaml"], by=system, at=BEGAN)
    people = []
    for name in LEVELS:
        person, made = User.objects.get_or_create(username=name)
        if made:
            Membership.objects.create(user=person, unit=desk.unit, role=name)
        people.append(person)
    return desk, people


def _cases(desk: Desk, number: int) -> list[int]:
    drafts = [Draft(title=f"测速第 {n} 件", desk_id=desk.unit.pk, at=BEGAN) for n in range(number)]
    return [case.pk for case in open_many("signed", drafts, by=desk.clerk)]


# ---- the list

CASES = """
INSERT INTO workflows_case (number, kind, title, state, parked, rev, head, facts, restricted, rung, due_at, provisional,
  opened_at, state_since, definition_id, policy_id, desk_id, unit_id)
SELECT 'S' || n, 'signed', 'x', 'waiting', '', 1, '', '{}', false, 0, %s, false, now(), now(), %s, %s, %s, %s
FROM generate_series(1, %s) n
"""
APPROVALS = """
INSERT INTO workflows_approval (flow_class, status, created, kind, round, outcome, rule, levels, level, queue, said, seq,
  case_id, requester_id, rules_id)
SELECT 'workflows/approvals.flow.ApprovalFlow', 'NEW', now(), 'reply', 1, 'running', 'reply', %s::jsonb, 1, '[]', '{}', 1,
  id, %s, %s FROM workflows_case WHERE number LIKE 'S%%'
"""
SEATS = """
INSERT INTO workflows_approvaltask (flow_task, token, flow_task_type, status, created, assigned, level, extra, decision,
  case_id, owner_id, process_id, requester_id)
SELECT 'workflows/approvals.flow.ApprovalFlow.decide', 'start/1_1', 'HUMAN', 'ASSIGNED', now(), now(), 1, false, 'none',
  a.case_id, CASE WHEN a.id %% %s = 0 THEN %s ELSE %s END, a.id, a.requester_id FROM workflows_approval a
  WHERE a.outcome = 'running'
"""


def _waiting(desk: Desk, person: User, *, quick: bool) -> list[Table]:
    """PostgreSQL alone: the promise is made for it."""
    if connection.vendor != "postgresql":
        return []
    everything, mine, rounds = (20_000, 500, 3) if quick else (200_000, 500, 15)
    definition, rules = Definition.objects.latest_of("signed"), ApprovalRules.objects.latest_of("signed")
    other = User.objects.get(username=LEVELS[1])
    levels = '[{"name": "one", "label": "一级", "by": ["bench_one"]}]'
    with transaction.atomic(), connection.cursor() as cursor:
        unit = desk.unit.pk
        policy = Case.objects.filter(kind="signed").values_list("policy_id", flat=True)[:1].get()
        cursor.execute(CASES, [timezone.now(), definition.pk, policy, unit, unit, everything])
        cursor.execute(APPROVALS, [levels, desk.clerk.pk, rules.pk])
        cursor.execute(SEATS, [everything // mine, person.pk, other.pk])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE workflows_case, workflows_approval, workflows_approvaltask")
    spent = []
    for _ in range(rounds + 1):
        with CaptureQueriesContext(connection) as asked:
            seats = seats_waiting_for(person)
            there = seats.count()
            seat_rows(list(seats.with_cases().order_by("id")[:PAGE_SIZE]), at=timezone.now())
        spent.append(sum(float(query["time"]) for query in asked.captured_queries))
    if there != mine:
        raise RuntimeError(f"{there} approvals wait, {mine} should")
    ms = median(spent[1:]) * 1000
    waiting = ApprovalTask.objects.waiting().count()
    return [
        Table(
            title=f"待审批: {mine} of {waiting:,} open approvals wait for one person",
            unit="lists/s",
            figures=[Figure("a page of the list and its count, their SQL", 1000 / ms, f"{ms:.1f} ms")],
            targets=[Target("milliseconds of SQL", ms, 10, at_most=True)],
        )
    ]
