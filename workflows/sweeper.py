"""The sweep: takes every clock whose moment has come up its ladder, and logs each missed deadline once.

Oldest first; the case is locked before its clocks are looked at again, and cases somebody else holds are left for
the next round. Cost follows what is due, not what is open. Nothing is sent from here: people are told of the events.
Many cases at once; where that fails, fewer, down to the one it fails for: its deed is kept (`workflows.owing`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from workflows import rows
from workflows.aiming import worst_level
from workflows.climbing import ACKNOWLEDGED, ESCALATED, MISSED, REPEATED, WARNED, Climb, Deed, rounds
from workflows.engine import carry_through
from workflows.locking import lock_many
from workflows.machine import machine
from workflows.models import Case, Clock, Event, OwedMove
from workflows.owing import LONGEST_PAUSE, MACHINERY, attempt, report, settle
from workflows.published import ladder
from workflows.registry import looking_ahead

BATCH = 1000


@dataclass
class Swept:
    """What one sweep did, in events.

    failed: what could not be done and will be tried again. held: cases that somebody else had locked, left for the next one.
    """

    warned: int = 0
    missed: int = 0
    escalated: int = 0
    repeated: int = 0
    fired: int = 0
    failed: int = 0
    held: int = 0

    def __bool__(self) -> bool:
        return any(count for name, count in vars(self).items() if name != "held")

    def add(self, more: Swept) -> None:
        for name, count in vars(more).items():
            setattr(self, name, getattr(self, name) + count)

    def __str__(self) -> str:
        """In words, for the page that shows how the machinery is."""
        words = {
            "提醒": self.warned, "逾期": self.missed, "升级": self.escalated, "重复": self.repeated,
            "系统办理": self.fired, "未办成": self.failed, "正由他人办理": self.held,
        }  # fmt: skip
        return "，".join(f"{word} {count}" for word, count in words.items() if count)


_COUNTS = {WARNED: "warned", MISSED: "missed", ESCALATED: "escalated", REPEATED: "repeated"}


def sweep(*, at: datetime, batch: int = BATCH) -> Swept:
    """Work through every clock due by `at`, in transactions of at most `batch` clocks, until none is left."""
    if timezone.is_naive(at):
        raise ValueError("at 必须带时区")
    made, failed = settle(at=at)
    done = Swept(fired=made, failed=failed)
    passed_over: set[int] = set()
    while case_ids := _claim(at, batch, passed_over):
        passed_over |= _sweep_cases(case_ids, at, done)
    return done


def next_due(*, after: datetime) -> datetime | None:
    """When the next running clock, or what could not be done before, wants to be looked at; one look each into an index.

    What was due by `after` and is still there was held by somebody: it waits for the next round.
    """
    later = Clock.objects.filter(state=Clock.State.RUNNING, next_at__gt=after).order_by("next_at", "id")
    owed = OwedMove.objects.filter(try_at__gt=after).order_by("try_at", "id")
    found = [*later.values_list("next_at", flat=True)[:1], *owed.values_list("try_at", flat=True)[:1]]
    return min(filter(None, found), default=None)


def _sweep_cases(case_ids: Sequence[int], at: datetime, done: Swept) -> set[int]:
    """Those cases in one transaction; where it fails, each half of them, down to one. Returns ids that somebody holds."""
    try:
        with transaction.atomic():
            cases = lock_many(case_ids, skip_locked=True)
            did = _sweep_locked(list(cases.values()), at)
    except MACHINERY:
        raise
    except Exception:  # noqa: BLE001  # of one case at least: told when that one is swept alone
        if len(case_ids) == 1:
            return _sweep_failing(case_ids[0], at, done)
        half = len(case_ids) // 2
        return _sweep_cases(case_ids[:half], at, done) | _sweep_cases(case_ids[half:], at, done)
    done.add(did)
    return _busy(case_ids, cases, done)


def _busy(case_ids: Sequence[int], cases: Collection[int], done: Swept) -> set[int]:
    busy = set(case_ids).difference(cases)
    done.held += len(busy)
    return busy


def _sweep_failing(case_id: int, at: datetime, done: Swept) -> set[int]:
    """A case that fails: what its clocks have come to is logged, its deed kept; failing that, it is put off as it is."""
    with transaction.atomic():
        cases = lock_many([case_id], skip_locked=True)
        try:
            with transaction.atomic():
                did = _sweep_locked(list(cases.values()), at, alone=True)
        except MACHINERY:
            raise
        except Exception as error:  # noqa: BLE001  # logged and told below, and tried again
            Clock.objects.due(at=at).filter(case=case_id).order_by().update(next_at=at + LONGEST_PAUSE)
            report(error, f"sweep {type(error).__name__}", cases[case_id].number, at)
            did = Swept(failed=1)
    done.add(did)
    return _busy([case_id], cases, done)


def _claim(at: datetime, batch: int, passed_over: Collection[int]) -> list[int]:
    """Cases of the clocks that have waited longest. Not locked yet: their clocks are read again behind the lock."""
    due = Clock.objects.due(at=at)
    if passed_over:
        due = due.exclude(case__in=passed_over)
    return list(dict.fromkeys(due.values_list("case_id", flat=True)[:batch]))


def _sweep_locked(cases: Sequence[Case], at: datetime, *, alone: bool = False) -> Swept:
    """alone: it is one case, and a deed of it that fails is kept instead of failing the sweep of it."""
    done = Swept()
    if not cases:
        return done
    going = _going([case.pk for case in cases])
    due = [(case, clock) for case in cases for clock in _in_turn(case, going[case.pk], at)]
    if not due:
        return done
    acknowledged = acknowledged_of([clock for _, clock in due])
    recorded_at = timezone.now()
    said = keys_of_rungs([clock.case_id for _, clock in due])
    climbs = [Climb(case, clock, at, recorded_at, said=said[case.pk]) for case, clock in due]
    for climb in climbs:
        climb.take(acknowledged)
    log = [event for climb in climbs for event in climb.events]
    rows.insert(log)
    rows.update([clock for _, clock in due], ["rung", "repeats", "missed_at", "next_at"])
    logged = {event.case_id for event in log}
    touched = []
    for case in cases:
        # A clock may stand again on a rung that the log has already: then only the colour comes back.
        level = worst_level(going[case.pk])
        if case.pk in logged or case.rung != level:
            case.rung = level
            touched.append(case)
    rows.update(touched, ["rev", "head", "rung"])
    for event in log:
        name = _COUNTS[event.name]
        setattr(done, name, getattr(done, name) + 1)
    for number, group in enumerate(rounds([deed for climb in climbs for deed in climb.deeds])):
        # Where a case has a second deed, the first may have called for further moves.
        done.add(_do(_read_again(group) if number else group, at, alone=alone))
    return done


def _do(deeds: Sequence[Deed], at: datetime, *, alone: bool) -> Swept:
    """Deeds of different cases."""
    if alone:
        made = [attempt(deed, at=at) for deed in deeds]
        return Swept(fired=made.count(True), failed=made.count(False))
    with looking_ahead([deed.case for deed in deeds]):
        moves = [(move, deed.key) for deed in deeds if (move := deed.move()) is not None]
        return Swept(fired=len(carry_through(moves)) if moves else 0)


def _read_again(deeds: Sequence[Deed]) -> list[Deed]:
    cases = lock_many([deed.case.pk for deed in deeds])
    return [replace(deed, case=cases[deed.case.pk]) for deed in deeds]


def _going(case_ids: Sequence[int]) -> dict[int, list[Clock]]:
    """Case id → its clocks that run or stand still, the longest waiting first; one statement."""
    where, params = rows.among("k.case_id", case_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {rows.columns(Clock, 'k')} FROM workflows_clock k"  # noqa: S608  # our own names
            f" WHERE {where} AND k.state IN ('running', 'paused')",
            params,
        )
        found = rows.build(Clock, cursor.fetchall())
    by_case: dict[int, list[Clock]] = defaultdict(list)
    for clock in sorted(found, key=attrgetter("due_at", "pk")):
        by_case[clock.case_id].append(clock)
    return by_case


def _in_turn(case: Case, going: Sequence[Clock], at: datetime) -> Sequence[Clock]:
    """What is due, up to the first deadline that the lifecycle itself answers: the rest waits for the next round.

    That answer may begin clocks that have run out as well by now, before the rest did.
    """
    due = [clock for clock in going if _is_due(clock, at)]
    if len(due) < 2:
        return due
    answered = {entry.clock for entry in machine(case.definition_id).spec.states[case.state].on_due}
    until = min((c.due_at for c in due if c.kind in answered and c.missed_at is None), default=at)
    return [clock for clock in due if clock.next_at is not None and clock.next_at <= until]


def _is_due(clock: Clock, at: datetime) -> bool:
    return clock.state == Clock.State.RUNNING and clock.next_at is not None and clock.next_at <= at


def acknowledged_of(due: Sequence[Clock]) -> set[tuple[int, str]]:
    """(case id, clock kind) whose newest rung was acknowledged; asked only where a rung may be said again."""
    repeating = {
        clock.case_id
        for clock in due
        if clock.ladder_id and clock.rung and ladder(clock.ladder_id).rungs[clock.rung - 1].repeat
    }
    if not repeating:
        return set()
    return {slot for slot, name in last_said(repeating).items() if name == ACKNOWLEDGED}


def keys_of_rungs(case_ids: Collection[int]) -> dict[int, set[str]]:
    """Case id → keys of rungs said and of deeds done for them. One statement."""
    found: dict[int, set[str]] = defaultdict(set)
    rungs = Q(key__startswith="rung:") | Q(key__startswith="deed:")
    for case_id, key in Event.objects.filter(rungs, case__in=set(case_ids)).values_list("case_id", "key"):
        found[case_id].add(str(key))
    return found


def last_said(case_ids: Collection[int]) -> dict[tuple[int, str], str]:
    """(case id, clock kind) → name of the newest event of a rung, or of its acknowledgement. One statement."""
    said = Event.objects.filter(case__in=case_ids, name__in=[WARNED, MISSED, ESCALATED, ACKNOWLEDGED])
    newest: dict[tuple[int, str], str] = {}
    for case_id, name, data in said.order_by("case_id", "seq").values_list("case_id", "name", "data"):
        if name == ACKNOWLEDGED or "rung" in data:
            newest[case_id, str(data.get("clock"))] = name
    return newest
