"""Everything about the handling of one case, on one page: for who checks it, on paper as on the screen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opinion.casefile import CodeLabels
from opinion.clock_names import ClockNames, ties_of_case
from opinion.reports.spans import Moment, Span, spans
from opinion.reports.wording import length
from opinion.timeline import Entry, events_of, timeline
from workflows.limits import Limit
from workflows.models import Case, Clock, Extension, Unit
from workflows.published import policy
from workflows.verifying import Report, verify


@dataclass(frozen=True)
class Stretch:
    """A part of a clock's life: 计时 or 暂停, why, on whose word."""

    what: str
    started_at: datetime
    ended_at: datetime | None
    reason: str
    approver: str


@dataclass(frozen=True)
class ClockLine:
    """One cycle of one clock with its rule, its stretches and what was granted on top."""

    clock: Clock
    label: str
    limit: str
    source: str
    used: str
    stretches: list[Stretch]
    extensions: list[tuple[Extension, str]]


@dataclass(frozen=True)
class HeldLine:
    """A unit held the case in a step."""

    unit: str
    span: Span
    lasted: str


@dataclass(frozen=True)
class Audit:
    """units: how long each unit held the case in all. check: the chain of this case, recomputed for this page."""

    entries: list[Entry]
    clocks: list[ClockLine]
    held: list[HeldLine]
    units: list[tuple[str, str]]
    check: Report


def audit(case: Case, *, at: datetime) -> Audit:
    """Read it, oldest first. The case has come through `visible_to`. Nothing of the person is in it."""
    codes, clocks = CodeLabels(), _clocks_of(case)
    named = ClockNames(clocks, ties_of_case(case, events_of(case)))
    moments = [
        Moment(*row) for row in case.events.order_by("seq").values_list("unit_id", "target", "happened_at")
    ]
    held = spans(case.definition_id, moments)
    names = dict(Unit.objects.filter(pk__in={span.unit_id for span in held}).values_list("pk", "name"))
    totals: dict[str, int] = defaultdict(int)
    for span in held:
        totals[names[span.unit_id]] += int(span.lasted(at=at).total_seconds())
    return Audit(
        entries=timeline(case, codes, named)[::-1],
        clocks=list(_lines(clocks, codes, named)),
        held=[
            HeldLine(names[span.unit_id], span, length(int(span.lasted(at=at).total_seconds())))
            for span in held
        ],
        units=[(name, length(total)) for name, total in sorted(totals.items(), key=lambda item: -item[1])],
        check=verify(as_of=at, number=case.number),
    )


def _clocks_of(case: Case) -> Sequence[Clock]:
    found = case.clocks.order_by("started_at", "id").prefetch_related(
        "intervals__approver", "extensions__requester", "extensions__decider"
    )
    return list(found)


def _lines(clocks: Iterable[Clock], codes: CodeLabels, names: ClockNames) -> Iterable[ClockLine]:
    for clock in clocks:
        stretches = [
            Stretch(
                part.get_kind_display(), part.started_at, part.ended_at, codes.of("suspend_reason", part.reason),
                str(part.approver or ""),
            )
            for part in sorted(clock.intervals.all(), key=lambda part: (part.started_at, part.pk))
        ]  # fmt: skip
        rule = next((row for row in policy(clock.policy_id).rules if row.row == clock.rule), None)
        yield ClockLine(
            clock,
            names.of(clock),
            Limit.parse(clock.limit).label,
            rule.source if rule else "",
            length(clock.consumed_seconds),
            stretches,
            [(found, codes.of("extension_reason", found.reason)) for found in clock.extensions.all()],
        )
