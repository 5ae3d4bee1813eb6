"""A move by hand-written ORM code: django-fsm and viewflow as their documentation shows them, plus the same rows.

Written with care: only changed columns are saved, one query reads all clocks of the case, the digest and the due
moment come from the product's own functions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_fsm import can_proceed, has_transition_perm
from viewflow.workflow.models import Task

from bench.peers.flows import DraftFlow, SubmitFlow
from bench.peers.models import FsmCase
from workflows import chain
from workflows.dues import consumed
from workflows.limits import Limit
from workflows.models import Case, Clock, ClockInterval, Event, User
from workflows.published import calendar, policy

EVENTS = {
    "draft": "bench.drafted",
    "revise": "bench.revised",
    "submit": "bench.submitted",
    "back": "bench.returned",
}
TARGETS = {"draft": "drafting", "revise": "working", "submit": "checking", "back": "working"}
# Transition → the clock it meets and the one that begins.
TURNS = {"submit": ("work", "check"), "back": ("check", "work")}


def fsm_move(case_id: int, name: str, by: User, at: datetime) -> None:
    """One move with django-fsm."""
    with transaction.atomic():
        case = FsmCase._default_manager.select_for_update(no_key=True).get(pk=case_id)
        method = getattr(case, name)
        if not can_proceed(method) or not has_transition_perm(method, by):
            raise PermissionError(name)
        source = case.state
        method()
        _record(case, name, source, by, at)


def flow_move(process_id: int, name: str, by: User, at: datetime) -> None:
    """One move as a viewflow task: start, execute, next task."""
    flow = SubmitFlow if name in TURNS else DraftFlow
    with flow.lock(process_id):
        task = Task.objects.get(process_id=process_id, status="ASSIGNED")
        activation = task.flow_task.activation_class(task)
        if not activation.start.has_perm(by):
            raise PermissionError(name)
        activation.start(None)
        case = activation.process.artifact
        source, case.state = case.state, TARGETS[name]
        _record(case, name, source, by, at)
        activation.execute()


def start_flows(name: str, case_ids: list[int]) -> list[int]:
    """A viewflow process for each case, standing before its first task; returns their ids."""
    flow = SubmitFlow if name in TURNS else DraftFlow
    return [flow.start.run(case=case).pk for case in Case.objects.filter(pk__in=case_ids).order_by("pk")]


def _record(case: Any, name: str, source: str, by: User, at: datetime) -> None:
    """Clocks, event and case."""
    changed = ["state", "state_since", "rev", "head"]
    if name in TURNS:
        _turn(case, *TURNS[name], at)
        changed += ["due_at", "provisional"]
    case.rev += 1
    case.state_since = at
    event = Event(
        case_id=case.pk, seq=case.rev, name=EVENTS[name], transition=name, actor=by, unit_id=case.unit_id,
        source=source, target=case.state, data={}, happened_at=at, recorded_at=timezone.now(),
    )  # fmt: skip
    event.digest = case.head = chain.digest_of(event, case.head, "sha256")
    event.save(force_insert=True)
    case.save(update_fields=changed)


def _turn(case: Any, ends: str, begins: str, at: datetime) -> None:
    clocks = list(Clock.objects.filter(case_id=case.pk))
    running = {clock.kind: clock for clock in clocks if clock.state == Clock.State.RUNNING}
    old = running.pop(ends)
    interval = old.intervals.get(ended_at=None)
    interval.ended_at = at
    interval.save(update_fields=["ended_at"])
    old.consumed_seconds += consumed(calendar(old.calendar_id), old.limit, interval.started_at, at)
    old.state, old.finished_at, old.next_at = Clock.State.MET, at, None
    old.save(update_fields=["state", "finished_at", "next_at", "consumed_seconds"])
    rule = policy(case.policy_id).rule(begins, case.facts)
    due = calendar(old.calendar_id).due(at, Limit.parse(rule.limit))
    new = Clock.objects.create(
        case_id=case.pk, kind=begins, cycle=max((c.cycle for c in clocks if c.kind == begins), default=0) + 1,
        limit=rule.limit, rule=rule.row, policy_id=case.policy_id, calendar_id=old.calendar_id, started_at=at,
        due_at=due.at, original_due_at=due.at, next_at=due.at, provisional=due.provisional,
    )  # fmt: skip
    ClockInterval.objects.create(clock=new, kind=ClockInterval.Kind.RUN, started_at=at)
    first = min([*running.values(), new], key=lambda clock: clock.due_at)
    case.due_at, case.provisional = first.due_at, first.provisional
