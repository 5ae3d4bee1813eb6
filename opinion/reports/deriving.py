"""From the history of some cases to the rows of `opinion.models.figure`. A pure function of what is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import models

from opinion.access import MESSAGE
from opinion.codes import DISSATISFIED, SATISFIED
from opinion.models import Act, CaseFigure, Held, OpenCase, Rating
from opinion.reports.acts import charges
from opinion.reports.spans import Moment, Span, month_of, spans
from workflows import rows
from workflows.models import Case, Clock, Event, Participation

RESOLVE, ACCEPT, CONTACT = "resolve", "accept", "contact"
ENDED = (Clock.State.MET, Clock.State.MISSED)


@dataclass
class History:
    """What is stored about one case, as far as figures ask."""

    case: Case
    events: list[tuple[Moment, str, Any]] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    leads: list[Participation] = field(default_factory=list)
    ratings: list[tuple[datetime, str]] = field(default_factory=list)

    def lead_at(self, at: datetime) -> int | None:
        """The lead unit at a moment; of two that met at it, the later."""
        found = [
            part
            for part in self.leads
            if part.started_at <= at and (part.ended_at is None or part.ended_at > at)
        ]
        return max(found, key=lambda part: (part.started_at, part.pk)).unit_id if found else None


def derived(case_ids: Sequence[int]) -> list[models.Model]:
    """All rows of these cases; five statements."""
    found: list[models.Model] = []
    for history in _histories(case_ids):
        found += rows_of(history)
    return found


def _histories(case_ids: Sequence[int]) -> Iterable[History]:
    """A restricted case has none: no figure may hint at it."""
    columns = (
        "number",
        "kind",
        "definition_id",
        "state",
        "desk_id",
        "lead_id",
        "unit_id",
        "rung",
        "due_at",
        "closed_at",
    )
    cases = Case.objects.filter(pk__in=case_ids, restricted=False).only(*columns)
    histories = {case.pk: History(case) for case in cases}
    known = list(histories)
    events = Event.objects.filter(case__in=known).order_by("case_id", "seq")
    for case_id, unit_id, target, at, transition, data in events.values_list(
        "case_id", "unit_id", "target", "happened_at", "transition", "data"
    ):
        histories[case_id].events.append((Moment(unit_id, target, at), transition, data))
    for clock in Clock.objects.filter(case__in=known, kind__in=(RESOLVE, ACCEPT, CONTACT)).order_by("cycle"):
        histories[clock.case_id].clocks.append(clock)
    for part in Participation.objects.filter(case__in=known, role=Participation.Role.LEAD):
        histories[part.case_id].leads.append(part)
    ratings = Rating.objects.filter(case__in=known, automatic=False).order_by("rated_at", "id")
    for case_id, at, satisfaction in ratings.values_list("case_id", "rated_at", "satisfaction"):
        histories[case_id].ratings.append((at, satisfaction))
    return histories.values()


def rows_of(history: History) -> Iterator[models.Model]:
    """The rows of one case, not stored."""
    case = history.case
    held = spans(case.definition_id, (moment for moment, _, _ in history.events))
    if case.closed_at is None and held and held[-1].ended_at is None:
        yield rows.make(
            OpenCase, case_id=case.pk, unit_id=held[-1].unit_id, step=held[-1].step, level=case.rung, due_at=case.due_at,
            since=held[-1].started_at,
        )  # fmt: skip
    yield from _held(case.pk, held)
    if case.kind == MESSAGE:
        yield from _acts(history)
        yield from _figures(history)


def _held(case_id: int, held: Sequence[Span]) -> Iterator[Held]:
    sums: dict[tuple[int, str, Any], list[int]] = defaultdict(lambda: [0, 0])
    for span in held:
        if span.ended_at is not None:
            total = sums[span.unit_id, span.step, month_of(span.ended_at)]
            total[0] += int((span.ended_at - span.started_at).total_seconds())
            total[1] += 1
    for (unit_id, step, month), (seconds, times) in sums.items():
        yield rows.make(
            Held, case_id=case_id, unit_id=unit_id, step=step, month=month, seconds=seconds, times=times
        )


def _acts(history: History) -> Iterator[Act]:
    times: dict[tuple[int, str, Any], int] = defaultdict(int)
    for unit_id, kind, at in charges(history.events):
        times[unit_id, kind.value, month_of(at)] += 1
    for (unit_id, name, month), count in times.items():
        yield rows.make(Act, case_id=history.case.pk, unit_id=unit_id, kind=name, month=month, times=count)


def _figures(history: History) -> Iterator[CaseFigure]:
    """One a cycle of the resolve clock. A void cycle (withdrawn, taken over) was neither kept nor missed."""
    case = history.case
    cycles = [clock for clock in history.clocks if clock.kind == RESOLVE]
    for number, clock in enumerate(cycles):
        if clock.state == Clock.State.VOID:
            continue
        until = (
            cycles[number + 1].started_at if number + 1 < len(cycles) else datetime.max.replace(tzinfo=UTC)
        )
        ended = clock.finished_at
        lead = case.lead_id if ended is None else history.lead_at(ended)
        yield rows.make(
            CaseFigure, case_id=case.pk, cycle=clock.cycle, unit_id=lead or case.desk_id, state=clock.state,
            due_at=clock.due_at, original_due_at=clock.original_due_at,
            month=month_of(clock.due_at), original_month=month_of(clock.original_due_at),
            on_time=None if ended is None else clock.state == Clock.State.MET,
            original_on_time=None if ended is None else ended <= clock.original_due_at,
            accept_seconds=_spent(history, ACCEPT, clock.started_at, until),
            contact_seconds=_spent(history, CONTACT, clock.started_at, until),
            resolve_seconds=None if ended is None else _seconds(clock.started_at, ended),
            satisfied=_satisfied(history, clock.started_at, until),
        )  # fmt: skip


def _spent(history: History, kind: str, since: datetime, until: datetime) -> int | None:
    """Natural seconds of the last fulfilled clock of a kind in a cycle: a decline's ended clock is an earlier one."""
    ended = [
        _seconds(clock.started_at, clock.finished_at)
        for clock in history.clocks
        if clock.kind == kind
        and clock.state in ENDED
        and clock.finished_at
        and since <= clock.started_at < until
    ]
    return ended[-1] if ended else None


def _seconds(start: datetime, end: datetime) -> int:
    return max(int((end - start).total_seconds()), 0)


def _satisfied(history: History, since: datetime, until: datetime) -> bool | None:
    """What the person said last in a cycle. What the system filled in, or nobody said, counts for nothing."""
    said = [
        code in SATISFIED
        for at, code in history.ratings
        if since <= at < until and code in {*SATISFIED, *DISSATISFIED}
    ]
    return said[-1] if said else None
