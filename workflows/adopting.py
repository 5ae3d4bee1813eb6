"""Moving running cases to a newer version of their lifecycle: explicit, under a map of states, each one an event.

A case keeps the version it began with until somebody decides otherwise. The move is not progress: it closes,
reopens and restarts nothing. A clock the new state goes on with runs on untouched, one it no longer has is void,
a new one starts at the moment of the move. An approval goes on where the new version has it in that state, and ends
where it has not. The policy a case was opened under stays pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case as Choice
from django.db.models import Count, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from workflows import rows
from workflows.approvals.book import ApprovalBook
from workflows.chain import text_digest
from workflows.clocks import ClockBook
from workflows.declarations import TransitionSpec
from workflows.locking import lock_many
from workflows.models import Case, Definition, Event, Note, User
from workflows.models.case import CaseQuerySet
from workflows.moves import Move
from workflows.published import lifecycle, policy
from workflows.recording import add_rows, append, miss_event, save_cases
from workflows.sheaf import Sheaf
from workflows.spec import LifecycleSpec

BATCH = 500
EVENT = "definition.changed"


class CannotAdopt(Exception):
    """Some cases have no place in the new version; nothing was moved. `reasons` are Chinese lines."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("\n".join(reasons))


@dataclass(frozen=True)
class Group:
    """Cases that stand alike. target: their state in the new version, or None with the reason why not."""

    version: int
    state: str
    cases: int
    target: str | None
    reason: str = ""


@dataclass(frozen=True)
class Preview:
    """What adopting would do, before it does it."""

    definition: Definition
    groups: list[Group]

    @property
    def cases(self) -> int:
        return sum(group.cases for group in self.groups)

    @property
    def problems(self) -> list[str]:
        return [
            f"第 {g.version} 版“{g.state}”（{g.cases} 件）：{g.reason}"
            for g in self.groups
            if g.target is None
        ]


@dataclass
class Adopted:
    """moved: how many. left: number and reason of those that changed under our hands and found no place."""

    moved: int = 0
    left: list[str] = field(default_factory=list)


class _Unfit(Exception):
    """Why one case has no place."""


def preview(code: str, version: int, state_map: Mapping[str, str]) -> Preview:
    """Count the cases on older versions, state by state, and where each state goes.

    state_map: old state → new; a state not named keeps its name. Raises Definition.DoesNotExist, and CannotAdopt
    for a map that names states the new version does not have.
    """
    definition = Definition.objects.get(code=code, version=version)
    _check_map(definition.parsed, state_map)
    alike = (
        _candidates(definition)
        .annotate(left=_left(definition, state_map))
        .values_list(
            "definition_id", "definition__version", "state", "parked", "policy_id", "lead_id", "left"
        )
        .annotate(cases=Count("id"))
    )
    counted: dict[tuple[int, str, str | None, str], int] = {}
    for old_id, old_version, state, parked, policy_id, lead_id, left, cases in alike:
        case = Case(definition_id=old_id, state=state, parked=parked, policy_id=policy_id, lead_id=lead_id)
        try:
            target, reason = _landing(case, definition, state_map, left)[0], ""
        except _Unfit as error:
            target, reason = None, str(error)
        key = (old_version, state, target, reason)
        counted[key] = counted.get(key, 0) + cases
    groups = [Group(v, s, cases, target, reason) for (v, s, target, reason), cases in counted.items()]
    return Preview(definition, sorted(groups, key=lambda group: (group.version, group.state, group.reason)))


def adopt(
    case_ids: Sequence[int] | None,
    definition: Definition,
    state_map: Mapping[str, str],
    *,
    by: User,
    at: datetime,
    reason: str = "",
) -> Adopted:
    """Move the cases given, or all that are not archived (None), to `definition`.

    One transaction a batch, its cases locked. A case already there, or on a later version, is left alone, so a
    run cut short is simply started again. Whether `by` may decide this is the caller's question: it is asked of
    a person, not of a case. Raises CannotAdopt, before anything is moved, where a state has no counterpart.
    """
    if timezone.is_naive(at):
        raise ValueError("at 必须带时区")
    found = preview(definition.code, definition.version, state_map)
    if case_ids is None and found.problems:
        raise CannotAdopt(found.problems)
    wanted = _candidates(definition)
    if case_ids is not None:
        wanted = wanted.filter(pk__in=case_ids)
        _check_each(wanted, definition, state_map)
    ids = list(wanted.order_by("id").values_list("id", flat=True))
    adopted = Adopted()
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with transaction.atomic():
            _move(
                list(lock_many(batch).values()), definition, state_map, adopted, by=by, at=at, reason=reason
            )
    return adopted


def _candidates(definition: Definition) -> CaseQuerySet:
    older = Q(definition__code=definition.code, definition__version__lt=definition.version)
    return Case.objects.filter(older, archived_at=None)


def _left(definition: Definition, state_map: Mapping[str, str]) -> Choice:
    """The state before the present one, by the log, of cases that stand where the new version would have parked them; else empty."""
    parking = definition.parsed.parking
    coming = {old for old, new in state_map.items() if new in parking} | (parking - set(state_map))
    entered = Event.objects.filter(case=OuterRef("pk"), target=OuterRef("state")).exclude(
        source=OuterRef("state")
    )
    left = Coalesce(Subquery(entered.order_by("-seq").values("source")[:1]), Value(""))
    return Choice(When(state__in=coming, then=left), default=Value(""))


def _left_by(cases: CaseQuerySet, definition: Definition, state_map: Mapping[str, str]) -> dict[int, str]:
    """The same by case id, in one statement."""
    return dict(cases.annotate(left=_left(definition, state_map)).values_list("pk", "left"))


def _check_map(spec: LifecycleSpec, state_map: Mapping[str, str]) -> None:
    unknown = [
        f"对照 {old}={new}：新版没有状态“{new}”" for old, new in state_map.items() if new not in spec.states
    ]
    if unknown:
        raise CannotAdopt(unknown)


def _check_each(cases: CaseQuerySet, definition: Definition, state_map: Mapping[str, str]) -> None:
    reasons, left = [], _left_by(cases, definition, state_map)
    for case in cases.order_by("id"):
        try:
            _landing(case, definition, state_map, left[case.pk])
        except _Unfit as error:
            reasons.append(f"{case.number}：{error}")
    if reasons:
        raise CannotAdopt(reasons)


def _landing(case: Case, definition: Definition, state_map: Mapping[str, str], left: str) -> tuple[str, str]:
    """State and parked state in the new version. Raises _Unfit.

    left: the state before the present one; what a version that parks nothing here did not keep.
    """
    old, new = lifecycle(case.definition_id), lifecycle(definition.pk)
    target = state_map.get(case.state, case.state)
    if target not in new.states:
        raise _Unfit(f"新版没有“{case.state}”，请用对照指明新状态")
    before, after = old.states[case.state], new.states[target]
    if before.phase != after.phase:
        raise _Unfit(
            f"“{target}”在新版属于另一阶段（{before.phase} → {after.phase}），换版不能办结或重启案件"
        )
    if after.holder == "lead" and case.lead_id is None:
        raise _Unfit(f"“{target}”由主办单位负责，但案件还没有主办单位")
    unserved = list(policy(case.policy_id).unserved(new))
    if unserved:
        raise _Unfit(f"案件所依时限规则不含新版的时限：{'；'.join(unserved)}")
    if target not in new.parking:
        return target, ""
    before_that = case.parked if case.state in old.parking else left
    parked = state_map.get(before_that, before_that)
    if parked not in new.resumable:
        raise _Unfit(f"“{target}”恢复时要回到“{parked or '（无）'}”，新版不能恢复到那里")
    return target, parked


def _move(
    cases: Iterable[Case],
    definition: Definition,
    state_map: Mapping[str, str],
    adopted: Adopted,
    *,
    by: User,
    at: datetime,
    reason: str,
) -> None:
    """One batch of locked cases, asked again under the lock whether they still fit."""
    recorded_at = timezone.now()
    new = lifecycle(definition.pk)
    versions = dict(Definition.objects.filter(code=definition.code).values_list("id", "version"))
    fitting: list[tuple[Case, str, str]] = []
    cases = list(cases)
    left = _left_by(Case.objects.filter(pk__in=[case.pk for case in cases]), definition, state_map)
    for case in cases:
        try:
            fitting.append((case, *_landing(case, definition, state_map, left[case.pk])))
        except _Unfit as error:
            adopted.left.append(f"{case.number}：{error}")
    book = ClockBook.of([case.pk for case, _, _ in fitting])
    approvals = ApprovalBook.of(case for case, _, _ in fitting)
    events: list[Event] = []
    notes: list[Note] = []
    changed: set[str] = set()
    for case, target, parked in fitting:
        old, was = lifecycle(case.definition_id), case.state
        data: dict[str, Any] = {"from": versions[case.definition_id], "to": definition.version}
        if reason:
            data["reason"] = text_digest(reason)
        # To the clocks this is a stay in the new state: what runs goes on, what was met there stays met.
        move = Move(case, "", _as_transition(was, target), new, by, at, {}, target)
        move.set(definition_id=definition.pk, state=target, parked=parked)
        approvals.adopt(move)
        misses = book.turn(move, target)
        data |= move.logged
        if new.states[target].holder not in {old.states[was].holder, "none"}:
            held = case.lead_id if new.states[target].holder == "lead" else case.desk_id
            move.set(unit_id=held, user_id=None)
        events += [miss_event(case, miss, state=was, recorded_at=recorded_at) for miss in misses]
        event = append(
            case, name=EVENT, transition="", actor_id=by.pk, source=was, target=target, data=data,
            happened_at=at, recorded_at=recorded_at,
        )  # fmt: skip
        events.append(event)
        if reason:
            notes.append(Note(case=case, seq=event.seq, kind="reason", text=reason, author=by, written_at=at))
        changed |= move.changed
    rows.insert(events)
    save_cases([case for case, _, _ in fitting], changed)
    sheaf = Sheaf()
    approvals.write(sheaf)
    book.write(sheaf)
    sheaf.write()
    add_rows(notes)
    adopted.moved += len(fitting)


def _as_transition(source: str, target: str) -> TransitionSpec:
    return TransitionSpec(label="流程版本变更", sources=(source,), to=target, role=("system",), event=EVENT)
