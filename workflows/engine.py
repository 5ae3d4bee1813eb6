"""The one door: the only writer of cases and of their log.

    lock → seen this key? → may this person? → can it from here? → move → effects → event → save

Pages, API, imports, approvals and the sweep all come through here. `fire_many` and `open_many` do the same for a
batch with a fixed number of statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from workflows import rows
from workflows.clocks import ClockBook
from workflows.errors import MayNot, MoveRefused, UnknownCase
from workflows.locking import lock, lock_many, seen_keys
from workflows.models import Case, Definition, Event, NumberSeries, Participation, PolicyVersion, User
from workflows.moves import Move
from workflows.permits import permitted
from workflows.published import lifecycle
from workflows.recording import add_rows, append, carry_out
from workflows.registry import ROLES


def fire(
    case_id: int,
    transition_name: str,
    *,
    by: User,
    at: datetime,
    key: str | None = None,
    data: dict[str, Any] | None = None,
    rev: int | None = None,
) -> Event:
    """Make one move.

    at: when it happened, aware. key: a call repeated with it returns the first event. rev: the case as the caller
    saw it; Already is raised if it has moved on since. data: what the transition's form said.
    Raises MayNot, Cannot, Already or UnknownCase; then nothing has changed.
    """
    _check_aware(at)
    with transaction.atomic():
        case, seen = lock(case_id, key)
        if seen is not None:
            return Event.objects.get(pk=seen)
        move = permitted(case, transition_name, by=by, at=at, data=data or {}, rev=rev)
        return carry_through([(move, key)])[0]


def carry_through(moves: Sequence[tuple[Move, str | None]]) -> list[Event]:
    """Make permitted moves of locked cases, and after them what each calls for; returns the events of the first.

    The cases of moves that call for others are old then: read them again before another move.
    """
    events = carry_out(moves)
    for move, _ in moves:
        _follow(move)
    return events


def _follow(move: Move) -> None:
    """Make what a move calls for, by the same person at the same time; refused, it takes the move with it."""
    for called in move.follows:
        case, seen = lock(move.case.pk, called.key)
        if seen is None:
            after = permitted(case, called.name, by=move.by, at=move.at, data=called.data, called=True)
            carry_through([(after, called.key)])


def fire_many(
    case_ids: Sequence[int],
    transition_name: str,
    *,
    by: User,
    at: datetime | Sequence[datetime],
    keys: Sequence[str] | None = None,
    data: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
) -> list[Event | MoveRefused]:
    """Make the same move on many cases in one transaction.

    at, data: one for all or one each; keys: one each. Returns, in the order given, each case's event or why not;
    a refused case harms no other. Raises ValueError for a case named twice.
    """
    if len(set(case_ids)) != len(case_ids):
        raise ValueError("case_ids 中同一案件出现了两次")
    ats = [at] * len(case_ids) if isinstance(at, datetime) else at
    datas = [data or {}] * len(case_ids) if data is None or isinstance(data, dict) else data
    for moment in ats:
        _check_aware(moment)
    outcome: dict[int, Event | MoveRefused] = {}
    with transaction.atomic():
        cases = lock_many(case_ids)
        keyed = dict(zip(case_ids, keys, strict=True)) if keys else {}
        outcome.update(seen_keys(keyed) if keyed else {})
        moves = []
        for case_id, moment, said in zip(case_ids, ats, datas, strict=True):
            if case_id in outcome:
                continue
            try:
                if case_id not in cases:
                    raise UnknownCase("没有这件案件，可能编号有误")
                move = permitted(cases[case_id], transition_name, by=by, at=moment, data=dict(said))
                moves.append((move, keyed.get(case_id)))
            except MoveRefused as refused:
                outcome[case_id] = refused
        if moves:
            outcome.update(_together(moves))
    return [outcome[case_id] for case_id in case_ids]


def _together(moves: Sequence[tuple[Move, str | None]]) -> dict[int, Event | MoveRefused]:
    """All at once; or one by one, where an effect refuses what no guard could see, so that only its case stays."""
    try:
        with transaction.atomic():
            return {event.case_id: event for event in carry_through(moves)}
    except MoveRefused:
        return {move.case.pk: _alone(move, key) for move, key in moves}


def _alone(move: Move, key: str | None) -> Event | MoveRefused:
    try:
        return fire(move.case.pk, move.name, by=move.by, at=move.at, key=key, data=move.data)
    except MoveRefused as refused:
        return refused


@dataclass
class Draft:
    """A case about to be opened.

    at: when it was registered; its clocks start then, or at counts_from, where what it is about began earlier.
    logged: codes and ids for the first event.
    barred: units complained about. rows: makes what belongs beside the case (a message, a contact), given the case.
    """

    title: str
    desk_id: int
    at: datetime
    counts_from: datetime | None = None
    facts: dict[str, str] = field(default_factory=dict)
    restricted: bool = False
    barred: Sequence[int] = ()
    key: str | None = None
    logged: dict[str, Any] = field(default_factory=dict)
    rows: Callable[[Case], Iterable[models.Model]] = lambda case: ()


def open_case(kind: str, draft: Draft, *, by: User, policy: PolicyVersion | None = None) -> Case:
    """Open one case. Raises MayNot."""
    return open_many(kind, [draft], by=by, policy=policy)[0]


def open_many(
    kind: str, drafts: Sequence[Draft], *, by: User, policy: PolicyVersion | None = None
) -> list[Case]:
    """Open cases of one kind, in one transaction, a statement a table. Raises MayNot and opens none.

    policy: the newest version of the lifecycle's policy, unless given.
    """
    if not drafts:
        return []
    recorded_at = timezone.now()
    with transaction.atomic():
        definition = Definition.objects.defer("source").latest_of(kind)
        spec = lifecycle(definition.pk)
        rules = policy or PolicyVersion.objects.defer("source").latest_of(spec.policy)
        numbers = _numbers(spec.prefix, drafts)
        ids = rows.reserve_ids(Case, len(drafts))
        book = ClockBook()
        cases: list[Case] = []
        events: list[Event] = []
        beside: list[models.Model] = []
        for draft, number, case_id in zip(drafts, numbers, ids, strict=True):
            case = _case(draft, case_id, number, definition, rules)
            if not any(ROLES[name].may(case, by) for name in spec.opening.role):
                raise MayNot("您没有在该受理台登记的权限")
            for clock in spec.at_opening:
                book.start(case, clock, at=case.began_at)
            earliest = book.earliest(case_id, spec)
            if earliest:
                case.due_at, case.provisional = earliest.due_at, earliest.provisional
            events.append(_first_event(case, draft, spec.opening.event, by, recorded_at))
            cases.append(case)
            beside += [*_parts(case, draft), *draft.rows(case)]
        rows.insert(cases)
        rows.insert(events)
        book.write()
        add_rows(beside)
    return cases


def _case(draft: Draft, case_id: int, number: str, definition: Definition, rules: PolicyVersion) -> Case:
    _check_aware(draft.at)
    if draft.counts_from is not None:
        _check_aware(draft.counts_from)
        if draft.counts_from > draft.at:
            raise ValueError("counts_from 不能晚于 at")
    return rows.make(
        Case, id=case_id, number=number, kind=definition.code, title=draft.title[:200],
        state=lifecycle(definition.pk).opening.to, definition_id=definition.pk, policy_id=rules.pk,
        desk_id=draft.desk_id, unit_id=draft.desk_id, facts=draft.facts, restricted=draft.restricted,
        opened_at=draft.at, counts_from=draft.counts_from, state_since=draft.at,
    )  # fmt: skip


def _first_event(case: Case, draft: Draft, name: str, by: User, recorded_at: datetime) -> Event:
    return append(
        case, name=name, transition="", actor_id=by.pk, source="", target=case.state, data=draft.logged,
        happened_at=draft.at, recorded_at=recorded_at, key=draft.key,
    )  # fmt: skip


def _parts(case: Case, draft: Draft) -> Iterable[Participation]:
    units = [
        (draft.desk_id, Participation.Role.DESK),
        *((unit, Participation.Role.BARRED) for unit in draft.barred),
    ]
    for unit_id, role in units:
        yield rows.make(Participation, case_id=case.pk, unit_id=unit_id, role=role.value, started_at=draft.at)


def _numbers(prefix: str, drafts: Sequence[Draft]) -> list[str]:
    """Numbers by the local year of registration, in the order of the drafts."""
    years = [timezone.localtime(draft.at).year for draft in drafts]
    series = {year: iter(NumberSeries.take(prefix, year, years.count(year))) for year in sorted(set(years))}
    return [next(series[year]) for year in years]


def _check_aware(at: datetime) -> None:
    if timezone.is_naive(at):
        raise ValueError("at 必须带时区")
