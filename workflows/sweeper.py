"""The sweep: logs each missed deadline once, dated at the deadline, and does what a lifecycle asks when time is up.

Oldest first; the case is locked before its clocks are looked at again, and cases somebody else holds are left for
the next round. Cost follows what is due, not what is open. Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from workflows import rows
from workflows.clocks import ClockBook, Miss, lapses
from workflows.locking import lock_many
from workflows.machine import machine
from workflows.models import Case, Clock, Event, User
from workflows.moves import Move
from workflows.recording import carry_out, miss_event, save_cases

BATCH = 500


@dataclass
class Swept:
    """What one sweep did. held: cases that somebody else had locked, left for the next one."""

    missed: int = 0
    fired: int = 0
    held: int = 0

    def __bool__(self) -> bool:
        return bool(self.missed or self.fired)


def sweep(*, at: datetime, batch: int = BATCH) -> Swept:
    """Work through every clock due by `at`, in transactions of at most `batch` clocks, until none is left."""
    if timezone.is_naive(at):
        raise ValueError("at 必须带时区")
    done = Swept()
    passed_over: set[int] = set()
    while True:
        due = (
            Clock.objects.due(at=at).exclude(case__in=passed_over)
            if passed_over
            else Clock.objects.due(at=at)
        )
        case_ids = list(dict.fromkeys(due.values_list("case_id", flat=True)[:batch]))
        if not case_ids:
            return done
        with transaction.atomic():
            cases = lock_many(case_ids, skip_locked=True)
            _sweep_locked(list(cases.values()), at, done)
        busy = set(case_ids) - set(cases)
        done.held += len(busy)
        passed_over |= busy


def _sweep_locked(cases: Sequence[Case], at: datetime, done: Swept) -> None:
    if not cases:
        return
    recorded_at = timezone.now()
    book = ClockBook.of([case.pk for case in cases])
    log: list[Event] = []
    answers: list[tuple[Move, str | None]] = []
    logged: list[Case] = []
    for case in cases:
        due = sorted(book.due(case.pk, at=at), key=lambda clock: (clock.next_at, clock.pk))
        for clock in due:
            if lapses(machine(case.definition_id).spec, clock.kind):
                book.note_lapse(clock)
                continue
            log.append(miss_event(case, Miss(clock, case.unit_id), state=case.state, recorded_at=recorded_at))
            book.note_miss(clock)
        if due:
            logged.append(case)
            answers += [(move, f"due:{clock.pk}") for clock in due for move in _answer(case, clock)]
    rows.insert(log)
    save_cases(logged, set())
    book.write()
    carry_out(answers)
    done.missed += len(log)
    done.fired += len(answers)


def _answer(case: Case, clock: Clock) -> list[Move]:
    """The move the lifecycle makes by itself when this clock of the present state runs out, dated at the deadline."""
    spec = machine(case.definition_id).spec
    on_due = spec.states[case.state].on_due
    if on_due is None or on_due.clock != clock.kind:
        return []
    transition = spec.transitions[on_due.fire]
    return [Move(case, on_due.fire, transition, spec, User.objects.system(), clock.due_at, {}, case.state)]
