"""From permitted moves to rows: state, effects, clocks, events, case. One path for one case and for a thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import models
from django.utils import timezone

from workflows import chain, rows
from workflows.approvals.book import ApprovalBook, touches
from workflows.approvals.picking import level_of
from workflows.clock_rules import untouched
from workflows.clocks import ClockBook, Miss
from workflows.errors import Cannot
from workflows.machine import machine
from workflows.models import Approval, Case, Clock, Event, Evidence, User
from workflows.moves import Move
from workflows.registry import EFFECTS
from workflows.sheaf import Sheaf


def carry_out(moves: Sequence[tuple[Move, str | None]]) -> list[Event]:
    """Make permitted moves of locked cases and write everything; returns their events in order.

    Statements, on PostgreSQL: one; where clocks change, one more to read them, and another where one pauses, resumes
    or begins anew; one more per table that an effect adds to. On SQLite, and for many cases, one a table.
    """
    recorded_at = timezone.now()
    sources = [_advance(move) for move, _ in moves]
    approvals = _approved([move for move, _ in moves])
    ticking = [
        move.case.pk
        for (move, _), source in zip(moves, sources, strict=True)
        if not untouched(move.lifecycle, source, move.case.state, move)
    ]
    touched = set(ticking)
    policies = {move.case.policy_id for move, _ in moves if move.case.pk in touched}
    book = ClockBook.of(ticking, policies) if ticking else None
    log: list[Event] = []
    events: list[Event] = []
    for move, key in moves:
        misses = book.turn(move, move.case.state) if book and move.case.pk in touched else []
        log += [miss_event(move.case, miss, state=move.source, recorded_at=recorded_at) for miss in misses]
        event = append(
            move.case, name=move.transition.event, transition=move.name, actor_id=move.by.pk, source=move.source,
            target=move.case.state, data=move.logged, happened_at=move.at, recorded_at=recorded_at, key=key,
        )  # fmt: skip
        log.append(event)
        events.append(event)
        for row in move.rows:
            if isinstance(row, Evidence):
                row.seq = event.seq
        if approvals:
            approvals.dated(move, event.seq)
            log += [unmanned_event(move, approval, recorded_at) for approval in approvals.unmanned_in(move)]
    sheaf = Sheaf()
    if approvals:
        approvals.write(sheaf)
    if book:
        book.write(sheaf)
    sheaf.insert(log)
    sheaf.update(
        [move.case for move, _ in moves], ["rev", "head", *set().union(*(move.changed for move, _ in moves))]
    )
    sheaf.write()
    add_rows([row for move, _ in moves for row in move.rows])
    return events


def _approved(moves: Sequence[Move]) -> ApprovalBook | None:
    """Begin, carry on and end approvals with these moves; None where they touch none."""
    touched = [move for move in moves if touches(move)]
    if not touched:
        return None
    book = ApprovalBook.of(move.case for move in touched)
    for move in touched:
        book.turn(move)
    return book


def unmanned_event(move: Move, approval: Approval, recorded_at: datetime, *, again: bool = False) -> Event:
    """A level whose own people were too few, in the system's name: somebody has to see to it.

    again: they became too few after it began.
    """
    return append(
        move.case, name="approval.unmanned", transition="", actor_id=system_id(), source=move.case.state, target=move.case.state,
        data={"approval": approval.kind, "round": approval.round, "level": level_of(approval).name},
        happened_at=move.at, recorded_at=recorded_at, key=None if again else f"unmanned:{approval.kind}:{approval.round}:{approval.level}",
    )  # fmt: skip


def append(
    case: Case,
    *,
    name: str,
    transition: str,
    actor_id: int,
    source: str,
    target: str,
    data: dict[str, Any],
    happened_at: datetime,
    recorded_at: datetime,
    key: str | None = None,
    unit_id: int | None = None,
) -> Event:
    """The next event of a case, chained to its head. Not written yet; the case carries its rev and head.

    unit_id: who holds the case afterwards, unless that is simply the case's unit.
    """
    case.rev += 1
    event = rows.make(
        Event, case_id=case.pk, seq=case.rev, name=name, transition=transition, actor_id=actor_id,
        unit_id=unit_id or case.unit_id,
        source=source, target=target, data=data, happened_at=happened_at, recorded_at=recorded_at, key=key,
    )  # fmt: skip
    event._state.fields_cache["case"] = case
    event.digest = case.head = chain.digest_of(event, case.head, chain.algorithm())
    return event


def miss_event(case: Case, miss: Miss, *, state: str, recorded_at: datetime) -> Event:
    """A missed deadline, dated at the deadline, in the system's name. The unit is the one that held the case."""
    clock = miss.clock
    return append(
        case, name="clock.missed", transition="", actor_id=system_id(), source=state, target=state,
        data={"clock": clock.kind, "cycle": clock.cycle}, unit_id=miss.unit_id,
        happened_at=miss.due_at, recorded_at=recorded_at, key=missed_key(clock),
    )  # fmt: skip


def missed_key(clock: Clock) -> str:
    """What keeps the miss of a cycle from being logged twice, whoever finds it."""
    return f"missed:{clock.kind}:{clock.cycle}"


def save_cases(cases: Sequence[Case], changed: set[str]) -> None:
    """Write what moves changed; `rev` and `head` always are."""
    rows.update(cases, ["rev", "head", *changed])


def add_rows(new: Sequence[models.Model]) -> None:
    """Write rows that effects added, model by model in order of first appearance."""
    grouped: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for row in new:
        grouped[type(row)].append(row)
    for group in grouped.values():
        rows.insert(group)


@lru_cache(maxsize=1)
def system_id() -> int:
    return system_user().pk


@lru_cache(maxsize=1)
def system_user() -> User:
    """The actor of what the machinery does by itself; there is one, and it never changes."""
    return User.objects.system()


def _advance(move: Move) -> str:
    """State, effects, phase and holder, in memory. Returns the state before."""
    case, source = move.case, move.source
    getattr(machine(case.definition_id)(move), move.name)()
    for name in move.transition.effects:
        EFFECTS[name](move)
    if move.diverted:
        if move.transition.instead is None:
            raise ValueError(f"{move.name} 没有声明 instead，不能改变去向")
        case.state = move.transition.instead
    if case.state != source:
        _enter(move)
    return source


def _enter(move: Move) -> None:
    case, spec = move.case, move.lifecycle
    state = spec.states[case.state]
    move.set(state=case.state, state_since=move.at)
    if case.state in spec.parking and move.source not in spec.parking:
        move.set(parked=move.source)
    elif move.transition.to == "resume":
        move.set(parked="")
    if state.phase == "open":
        held = case.lead_id if state.holder == "lead" else case.desk_id
        if held is None:
            raise Cannot(f"{case.number} 还没有主办单位，不能进入“{state.label}”")
        if case.unit_id != held:
            move.set(unit_id=held, user_id=None)
        if case.closed_at is not None:
            move.set(closed_at=None, archived_at=None)
    else:
        if case.closed_at is None:
            move.set(closed_at=move.at)
        if state.phase == "archived":
            move.set(archived_at=move.at)
