"""Everything the case page shows, read with a fixed number of statements, for one viewer."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Q

from opinion import review_tasks
from opinion.access import may_register
from opinion.approvalfile import ApprovalView, approvals_of
from opinion.blocks import Block, Viewing, blocks_of
from opinion.clock_names import ClockNames, Ties
from opinion.cohandling import tasks_of
from opinion.contacts.book import Person, opened
from opinion.contacts.sealing import SealBroken
from opinion.contributions import TaskRow, task_rows
from opinion.counters import counters
from opinion.merged_waiting import Joined, awaited_master, joined_to
from opinion.merging import REPLY
from opinion.models import Attachment, CallBack, Code, Contact, Link, Rating, Reply
from opinion.offline import OfflineWork, offline_work
from opinion.orders import OrderRow, rows_of_case
from opinion.sequels import may_have_sequel
from opinion.timeline import Entry, events_of, timeline
from opinion.timing import Distance, clock_distance
from workflows.limits import Limit
from workflows.machine import may
from workflows.models import Case, Clock, Participation, User
from workflows.moves import Move
from workflows.permits import available
from workflows.published import lifecycle, policy
from workflows.spec import LifecycleSpec

logger = logging.getLogger(__name__)

REVEAL = "reveal_contact"
MERGED_INTO = "已并入本件"
# The way forward first, what cannot easily be taken back last.
STYLES = ("primary", "plain", "danger")

StepState = Literal["done", "now", "ahead"]


@dataclass(frozen=True)
class ClockView:
    """One deadline with its why. limit: 5个工作日. source: of the policy's row. left: None once it has finished."""

    clock: Clock
    label: str
    limit: str
    source: str
    note: str
    policy: str
    left: Distance | None


@dataclass(frozen=True)
class Step:
    """One step of the way through the lifecycle."""

    label: str
    state: StepState


@dataclass(frozen=True)
class Linked:
    """Another case, one the viewer may know of. what: 并入本件 and the like. kind: of the tie."""

    case: Case
    what: str
    state: str
    kind: str


class CodeLabels:
    """code → label over all lists, read once."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], str] = {
            (name, code): label for name, code, label in Code.objects.values_list("list", "code", "label")
        }

    def of(self, list_name: str, code: str) -> str:
        """The label, the bare code where the list lost it, empty for an empty code."""
        return self._labels.get((list_name, code), code) if code else ""

    def first_of(self, list_names: Iterable[str], code: str) -> str:
        """The label by the first of some lists that knows the code; else the bare code."""
        return next((self._labels[name, code] for name in list_names if (name, code) in self._labels), code)


def clock_views(case: Case, clocks: Iterable[Clock], names: ClockNames, *, at: datetime) -> list[ClockView]:
    """The going ones first, soonest due first; then the finished ones, newest first."""
    spec = lifecycle(case.definition_id)
    clocks = list(clocks)
    going = sorted((c for c in clocks if c.is_going), key=lambda c: (c.state == Clock.State.PAUSED, c.due_at))
    finished = sorted((c for c in clocks if not c.is_going), key=lambda c: c.started_at, reverse=True)
    return [_clock_view(clock, spec, names.of(clock), at) for clock in going + finished]


def _clock_view(clock: Clock, spec: LifecycleSpec, label: str, at: datetime) -> ClockView:
    declared = spec.clocks.get(clock.kind)
    limit = Limit.parse(clock.limit).label
    rule = next((row for row in policy(clock.policy_id).rules if row.row == clock.rule), None)
    return ClockView(
        clock=clock,
        label=label,
        limit=f"早于主办时限 {limit}" if declared and declared.ahead_of else limit,
        source=rule.source if rule else "",
        note=rule.note if rule else "",
        policy=str(clock.policy),
        left=clock_distance(clock, at=at) if clock.state == Clock.State.RUNNING else None,
    )


def steps_of(case: Case) -> list[Step]:
    """The lifecycle's steps in its own order; a state without one stands at the step it was parked or left at."""
    spec = lifecycle(case.definition_id)
    labels = list(dict.fromkeys(state.step for state in spec.states.values() if state.step))
    here = spec.states[case.state].step
    if here is None and case.parked:
        here = spec.states[case.parked].step
    if here is None:
        # Off the beaten way (merged, withdrawn …): the log says how far the case had come.
        passed = case.events.order_by("-seq").values_list("source", flat=True)
        here = next((s for name in passed if name in spec.states and (s := spec.states[name].step)), None)
    if here is None:
        return [Step(label, "ahead") for label in labels]
    reached = labels.index(here)
    over = case.archived_at is not None
    return [
        Step(label, "done" if index < reached or over else "now" if index == reached else "ahead")
        for index, label in enumerate(labels)
    ]


def links_of(case: Case, viewer: User) -> list[Linked]:
    """Ties to cases the viewer may know of, and to no others: not even their number or count."""
    links = Link.objects.standing().filter(Q(from_case=case) | Q(to_case=case))
    known = Case.objects.visible_to(viewer)
    links = links.filter(Q(from_case=case, to_case__in=known) | Q(to_case=case, from_case__in=known))
    found = []
    for link in links.select_related("from_case", "to_case").order_by("kind", "id"):
        outward = link.from_case_id == case.pk
        other = link.to_case if outward else link.from_case
        if link.kind == Link.Kind.MERGED:
            what = "本件已并入" if outward else MERGED_INTO
        elif link.kind == Link.Kind.SEQUEL:
            what = "本件接续" if outward else "后续案件"
        else:
            what = link.get_kind_display()
        found.append(Linked(other, what, lifecycle(other.definition_id).states[other.state].label, link.kind))
    return found


@dataclass(frozen=True)
class ContactView:
    """The person, masked. broken: the sealed details cannot be opened, which is for the administrator to mend."""

    lines: list[tuple[str, str]]
    broken: bool = False


@dataclass(frozen=True)
class ReplyView:
    """A version of a reply with its result in words."""

    reply: Reply
    result: str


@dataclass(frozen=True)
class RatingView:
    """A rating in words."""

    rating: Rating
    satisfaction: str


@dataclass(frozen=True)
class CaseFile:
    """What the case page shows. blocks: what only cases of this kind have. contact: None where nothing was given.
    actions: the buttons of this viewer; looking at the contact has its own, beside it. counters: how often the case
    was declined, handed on, redone. may_have_sequel: whether this viewer may register a case that goes on from it.
    joined: the duplicates that wait for its answer. awaits_master: what it waits for itself, as a duplicate."""

    case: Case
    state: str
    left: Distance | None
    nearest: str
    clocks: list[ClockView]
    steps: list[Step]
    kind: str
    blocks: list[Block]
    contact: ContactView | None
    units: dict[str, list[str]]
    replies: list[ReplyView]
    offline: OfflineWork
    call_backs: list[CallBack]
    ratings: list[RatingView]
    links: list[Linked]
    orders: list[OrderRow]
    approvals: list[ApprovalView]
    co_tasks: list[TaskRow]
    timeline: list[Entry]
    actions: list[Move]
    may_reveal: bool
    may_answer_linked: bool
    counters: list[tuple[str, str]]
    may_have_sequel: bool
    joined: Joined | None
    awaits_master: str

    @property
    def answers_linked(self) -> bool:
        """Whether to offer one answer for all that were merged into this one."""
        joined = any(link.what == MERGED_INTO for link in self.links)
        return joined and self.may_answer_linked

    @property
    def waits_for(self) -> list[str]:
        """Units without whose contribution the lead cannot answer."""
        return [str(row.task.unit) for row in self.co_tasks if row.task.required and row.task.is_open]

    @property
    def awaits(self) -> list[str]:
        """Whose signature the case is waiting for while an approval has it."""
        return [view.awaits for view in self.approvals if view.has_case]

    @property
    def going_clocks(self) -> list[ClockView]:
        return [view for view in self.clocks if view.clock.is_going]

    @property
    def finished_clocks(self) -> list[ClockView]:
        return [view for view in self.clocks if not view.clock.is_going]


def case_file(case: Case, viewer: User, *, at: datetime) -> CaseFile:
    """Read it. The case has come through `visible_to(viewer)`, with unit, lead, desk and user loaded."""
    tasks, orders, approvals, events = (
        tasks_of(case), rows_of_case(case, at=at), approvals_of(case), events_of(case)
    )  # fmt: skip
    ties = Ties(
        [*tasks, *review_tasks.tasks_of(case)],
        [row.order for row in orders],
        [view.approval for view in approvals],
        events,
    )
    kept = list(case.clocks.select_related("policy"))
    names = ClockNames(kept, ties)
    clocks = clock_views(case, kept, names, at=at)
    beside = lifecycle(case.definition_id).beside
    running = [view for view in clocks if view.left and view.clock.kind not in beside]
    codes = CodeLabels()
    entries = timeline(case, codes, names)
    moves = available(case, viewer, at=at)
    person = person_of(case)
    files = Attachment.objects.by_record(case)
    replies = Reply.objects.filter(case=case).select_related("author", "unit").order_by("-seq", "-id")
    ratings = Rating.objects.filter(case=case).select_related("recorder")
    return CaseFile(
        case=case,
        state=lifecycle(case.definition_id).states[case.state].label,
        left=running[0].left if running else None,
        nearest=running[0].label if running else "",
        clocks=clocks,
        steps=steps_of(case),
        kind=lifecycle(case.definition_id).label,
        blocks=blocks_of(Viewing(case, viewer, codes, person, at)),
        contact=_contact(person),
        units=_units(case),
        replies=[ReplyView(reply, codes.of("result", reply.result)) for reply in replies],
        offline=offline_work(case, codes.of, files),
        call_backs=list(CallBack.objects.filter(case=case).select_related("caller")),
        ratings=[RatingView(rating, codes.of("satisfaction", rating.satisfaction)) for rating in ratings],
        links=links_of(case, viewer),
        orders=orders,
        approvals=approvals,
        co_tasks=task_rows(case, tasks, [view.clock for view in clocks], codes.of, files, at=at),
        timeline=entries,
        actions=sorted(
            (move for move in moves if move.name != REVEAL),
            key=lambda move: STYLES.index(move.transition.style),
        ),
        may_reveal=any(move.name == REVEAL for move in moves),
        counters=counters(case, entries),
        may_have_sequel=may_have_sequel(case) and may_register(viewer),
        may_answer_linked=_may_answer_linked(case, viewer),
        joined=joined_to([case]).get(case.pk),
        awaits_master=awaited_master(case, viewer),
    )


def _may_answer_linked(case: Case, viewer: User) -> bool:
    """Whether this person answers for cases merged into this one; whether there are any, the links say."""
    step = lifecycle(case.definition_id).transitions.get(REPLY)
    return step is not None and may(case, viewer, step)


def person_of(case: Case) -> Person | None:
    """The details in clear, to be masked; None where the sealed ones cannot be opened."""
    contact = Contact.objects.filter(case=case).first()
    try:
        return opened(contact) if contact else Person()
    except SealBroken:
        logger.exception("contact of case %s cannot be opened", case.pk)
        return None


def _contact(person: Person | None) -> ContactView | None:
    if person is None:
        return ContactView([], broken=True)
    seen = person.masked()
    lines = [("姓名", seen.name), ("电话", seen.phone), ("地址", seen.address), ("电子邮箱", seen.email)]
    return ContactView([line for line in lines if line[1]]) if person else None


def _units(case: Case) -> dict[str, list[str]]:
    """Label of a part → names of the units that have it now. A unit complained about is nobody's business here."""
    parts: dict[str, list[str]] = defaultdict(list)
    rows: Iterable[Participation] = (
        case.participations.filter(ended_at=None).select_related("unit").order_by("id")
    )
    for row in rows:
        if row.role != Participation.Role.BARRED:
            parts[row.get_role_display()].append(row.unit.name)
    return dict(parts)
