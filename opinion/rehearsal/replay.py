"""Messages with known times of arrival and reply, taken through the lifecycle at those times.

A spreadsheet tells two moments of each message. Assignment, acceptance and first contact are made at the moment of
arrival, draft and review at the moment of the reply: so only the resolve clock, which runs from one to the other, is
judged. No text and no identity of the file enters the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from opinion.models import Code
from opinion.registering import Incoming, register_many
from workflows.calendars import WorkingCalendar
from workflows.engine import fire_many
from workflows.errors import MoveRefused
from workflows.ladders import moments
from workflows.models import CalendarVersion, Clock, Event, Membership, PolicyVersion, Unit, User
from workflows.published import calendar, ladder
from workflows.sweeper import sweep

CLOCK = "resolve"
BATCH = 300
# What a text would say; the rehearsal is about times.
NO_TEXT = "（推演）"

MISSING_ARRIVAL = "没有留言时间"
MISSING_REPLY = "没有答复时间"
BACKWARDS = "答复早于留言"
REFUSED = "流程不允许"
OUTSIDE = "不在工作日历已公布的年份内"


@dataclass(frozen=True)
class Told:
    """One row of the file: its key, when it came, when it was answered, its classification as codes."""

    key: str
    received_at: datetime | None
    replied_at: datetime | None
    type: str = ""
    urgency: str = ""


@dataclass(frozen=True)
class Outcome:
    """One message after the replay. on_time: what the engine's clock says. due_at: what was its deadline.

    rungs: (label of the ladder, label of the rung) of each rung the clock had reached when the reply came, in order.
    """

    type: str
    received_at: datetime
    replied_at: datetime
    due_at: datetime
    on_time: bool
    rungs: tuple[tuple[str, str], ...] = ()


@dataclass
class Replayed:
    """skipped: reason → number of rows. misses: deadlines of the resolve clock that the log says were missed."""

    outcomes: list[Outcome] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    misses: int = 0


@dataclass(frozen=True)
class Cast:
    """Made-up people, one for each part."""

    system: User
    dispatcher: User
    handler: User
    reviewer: User
    desk: Unit
    lead: Unit

    @classmethod
    def make(cls) -> Cast:
        system = User.objects.create(username="system", display_name="系统", is_system=True, is_active=False)
        desk = Unit.objects.create(code="desk", name="受理台", kind=Unit.Kind.TERRITORIAL, is_desk=True)
        lead = Unit.objects.create(code="lead", name="承办单位", parent=desk)

        def person(role: str, unit: Unit) -> User:
            user = User.objects.create(username=role)
            Membership.objects.create(user=user, unit=unit, role=role)
            return user

        handler = person("unit_handler", lead)
        return cls(system, person("dispatcher", desk), handler, person("reviewer", desk), desk, lead)


def replay(
    told: Iterable[Told],
    *,
    source: str,
    policy: PolicyVersion,
    heard: Callable[[int, int], None] = lambda done, total: None,
) -> Replayed:
    """Run the messages month by month: those that came, those that were answered, then a sweep at the month's end.

    Works on the default connection, which must be a scratch database. heard: messages answered so far, and of how many.
    """
    done = Replayed()
    fit = sorted(_fit(told, _calendar_of(policy), done), key=lambda row: (row.received_at, row.key))
    if not fit:
        return done
    company = Cast.make()
    replies: dict[datetime, list[tuple[datetime, int]]] = defaultdict(list)
    arrivals: dict[datetime, list[Told]] = defaultdict(list)
    for row in fit:
        assert row.received_at
        arrivals[_month_end(row.received_at)].append(row)
    rows_of: dict[int, Told] = {}
    answered: list[int] = []
    while arrivals or replies:
        month = min([*arrivals, *replies])
        for part in _parts(arrivals.pop(month, [])):
            for case_id, row in _open(part, company, source, policy, done):
                assert row.replied_at
                rows_of[case_id] = row
                replies[_month_end(row.replied_at)].append((row.replied_at, case_id))
        for due in _parts(sorted(replies.pop(month, []))):
            answered += _answer(due, company, done)
            heard(len(answered), len(fit))
        sweep(at=month)
    done.outcomes = _outcomes({case_id: rows_of[case_id] for case_id in answered})
    missed = Event.objects.filter(name="clock.missed").values_list("data", flat=True)
    done.misses = sum(1 for data in missed.iterator() if data["clock"] == CLOCK)
    return done


def _calendar_of(policy: PolicyVersion) -> WorkingCalendar:
    return calendar(CalendarVersion.objects.latest_of(policy.parsed.calendar).pk)


def _fit(told: Iterable[Told], working: WorkingCalendar, done: Replayed) -> Iterator[Told]:
    for row in told:
        if row.received_at is None:
            done.skipped[MISSING_ARRIVAL] += 1
        elif row.replied_at is None:
            done.skipped[MISSING_REPLY] += 1
        elif row.replied_at < row.received_at:
            done.skipped[BACKWARDS] += 1
        elif not _covers(working, row.received_at) or not _covers(working, row.replied_at):
            done.skipped[OUTSIDE] += 1
        else:
            yield row


def _covers(working: WorkingCalendar, at: datetime) -> bool:
    return working.spec.published_from <= timezone.localtime(at).date() <= working.spec.published_through


def _open(
    rows: Sequence[Told], company: Cast, source: str, policy: PolicyVersion, done: Replayed
) -> Iterator[tuple[int, Told]]:
    items = []
    for row in rows:
        assert row.received_at
        items.append(
            Incoming(
                source=source,
                external_key=row.key,
                external_number=row.key,
                body=row.key,
                desk=company.desk.pk,
                at=row.received_at,
                received_at=row.received_at,
                type=row.type,
                urgency=row.urgency,
            )
        )
    cases = register_many(items, by=company.system, policy=policy)
    by_id = {case.pk: row for case, row in zip(cases, rows, strict=True)}
    at = {case_id: row.received_at for case_id, row in by_id.items() if row.received_at}
    left = list(by_id)
    left = _fire(left, "assign", company.dispatcher, at, done, lead=company.lead.pk)
    left = _fire(left, "accept", company.handler, at, done)
    left = _fire(
        left, "contact", company.handler, at, done,
        each=lambda moment: {"happened_at": moment, "outcome": NO_TEXT}, action=_contact_code(),
    )  # fmt: skip
    return ((case_id, by_id[case_id]) for case_id in left)


def _answer(due: Sequence[tuple[datetime, int]], company: Cast, done: Replayed) -> list[int]:
    at = {case_id: moment for moment, case_id in due}
    left = _fire(list(at), "draft_reply", company.handler, at, done, text=NO_TEXT, result=_result_code())
    return _fire(left, "reply", company.reviewer, at, done)


def _fire(
    case_ids: list[int],
    transition: str,
    by: User,
    at: dict[int, datetime],
    done: Replayed,
    each: Callable[[datetime], dict[str, Any]] = lambda moment: {},
    **data: Any,
) -> list[int]:
    """One move on all of them; those that the lifecycle refuses are counted and drop out."""
    if not case_ids:
        return []
    moments = [at[case_id] for case_id in case_ids]
    said = [{**data, **each(moment)} for moment in moments]
    results = fire_many(case_ids, transition, by=by, at=moments, data=said)
    refused = {
        case_id for case_id, result in zip(case_ids, results, strict=True) if isinstance(result, MoveRefused)
    }
    done.skipped[REFUSED] += len(refused)
    return [case_id for case_id in case_ids if case_id not in refused]


def _outcomes(answered: dict[int, Told]) -> list[Outcome]:
    """What the engine says of each answered message: the first cycle of its resolve clock."""
    found = []
    clocks = Clock.objects.filter(kind=CLOCK, cycle=1).exclude(finished_at=None).order_by("case_id")
    for clock in clocks.iterator():
        row = answered.get(clock.case_id)
        if row is not None:
            assert row.received_at
            assert row.replied_at
            on_time = clock.state == Clock.State.MET
            found.append(
                Outcome(row.type, row.received_at, row.replied_at, clock.due_at, on_time, _rungs(clock))
            )
    return found


def _rungs(clock: Clock) -> tuple[tuple[str, str], ...]:
    if clock.ladder_id is None or clock.finished_at is None:
        return ()
    spec, on = ladder(clock.ladder_id), calendar(clock.calendar_id)
    reached = zip(spec.rungs, moments(clock, spec, on), strict=True)
    return tuple((spec.label, rung.label) for rung, moment in reached if moment <= clock.finished_at)


def _month_end(at: datetime) -> datetime:
    """The first moment of the next local month."""
    local = timezone.localtime(at)
    return (local.replace(day=28, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=4)).replace(
        day=1
    )


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _contact_code() -> str:
    return _first("offline_action")


def _result_code() -> str:
    return _first("result")


def _first(list_name: str) -> str:
    return Code.objects.offered(list_name).values_list("code", flat=True)[:1].get()
