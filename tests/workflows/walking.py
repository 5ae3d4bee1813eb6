"""Random walks over a lifecycle, and what has to hold after every step whatever the lifecycle says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from workflows.chain import digest_of
from workflows.declarations import StateSpec
from workflows.dues import consumed, due_of
from workflows.engine import fire
from workflows.errors import MoveRefused
from workflows.following import ahead, leader
from workflows.ladders import next_moment
from workflows.models import Approval, ApprovalTask, Case, Clock, ClockInterval, Event, User
from workflows.permits import available
from workflows.published import calendar, lifecycle, policy
from workflows.spec import LifecycleSpec
from workflows.sweeper import sweep
from workflows.wording import CLOCK_EVENTS

GOING = {"running", "paused"}
# One world for all examples: each walks a case of its own, and the engine does not look at any other.
WALKS = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def walk(scene: Scene, draws: st.DataObject, at: datetime) -> None:
    """Open a case and take up to 25 steps; raises AssertionError at the first that breaks an invariant."""
    under_way = Walk(scene, draws, scene.open(at), at)
    under_way.check()
    for _ in range(draws.draw(st.integers(5, 25))):
        under_way.step()


@dataclass
class Scene:
    """A lifecycle with its people. data: what the form of a transition says, with values drawn by hypothesis.

    signs: most steps, where there is one, have to do with an approval.
    """

    people: Sequence[User]
    open: Callable[[datetime], Case]
    data: Callable[[st.DataObject, Case, str, datetime], dict[str, Any]]
    signs: bool = False


@dataclass
class Walk:
    """One case under way. finished, first_due: what must never change again, by clock. unit_id: who had it last."""

    scene: Scene
    draws: st.DataObject
    case: Case
    at: datetime
    finished: dict[int, dict[str, Any]] = field(default_factory=dict)
    first_due: dict[int, datetime] = field(default_factory=dict)
    unit_id: int = 0

    def step(self) -> None:
        """One thing that happens: a proper move, an improper one, a repetition, a sweep; then every invariant."""
        self.at += timedelta(minutes=self.draws.draw(st.sampled_from([0, 1, 7, 300, 60 * 24, 60 * 24 * 9])))
        what = self.draws.draw(st.sampled_from(["proper"] * 5 + ["any", "stale", "sweep"]))
        if what == "sweep":
            sweep(at=self.at)
        elif what == "proper":
            self._proper()
        else:
            self._attempt(
                self.draws.draw(st.sampled_from(sorted(self._spec.transitions))),
                self.draws.draw(st.sampled_from(self.scene.people)),
                rev=self._row.rev - 1 if what == "stale" else None,
            )
        self.check()

    @property
    def _row(self) -> Case:
        return Case.objects.get(pk=self.case.pk)

    @property
    def _spec(self) -> Any:
        return lifecycle(self._row.definition_id)

    def _proper(self) -> None:
        row = self._row
        offers = [
            (person, move.name) for person in self.scene.people for move in available(row, person, at=self.at)
        ]
        if not offers:
            return
        signing = [offer for offer in offers if offer[1] in _signing(self._spec)]
        if signing and self.scene.signs and self.draws.draw(st.integers(0, 3)):
            offers = signing
        person, name = self.draws.draw(st.sampled_from(offers))
        self._attempt(name, person)

    def _attempt(self, name: str, person: User, rev: int | None = None) -> None:
        data = self.scene.data(self.draws, self._row, name, self.at)
        before, key = everything(self.case), f"step-{self._row.rev}-{name}"
        event: Event | MoveRefused
        try:
            event = fire(self.case.pk, name, by=person, at=self.at, key=key, data=data, rev=rev)
        except MoveRefused as refused:
            event = refused
        if isinstance(event, MoveRefused):
            assert everything(self.case) == before, (
                f"{name} was refused ({event}) and still changed something"
            )
            return
        assert rev is None or not self._news(name, rev, until=event.seq), (
            f"{name} was made on a case seen at {rev}"
        )
        assert (event.transition, event.actor_id, event.happened_at) == (name, person.pk, self.at)
        after = everything(self.case)
        assert after != before
        assert fire(self.case.pk, name, by=person, at=self.at, key=key, data=data).pk == event.pk
        assert everything(self.case) == after, f"{name} was repeated with its key and changed something"

    def _news(self, name: str, rev: int, *, until: int) -> list[str]:
        """What happened in between that a page has to have been opened after: neither a reminder nor a word said aside."""
        steps = self._spec.transitions
        if steps[name].aside:
            return []
        since = Event.objects.filter(case=self.case, seq__gt=rev, seq__lt=until)
        return [
            event.name
            for event in since
            if event.name not in CLOCK_EVENTS
            and not (event.transition in steps and steps[event.transition].aside)
        ]

    def check(self) -> None:
        """Every invariant."""
        case = self._row
        state = self._spec.states[case.state]
        clocks = list(Clock.objects.filter(case=case))
        self._log_is_whole(case, clocks)
        _clocks_are_those_declared(case, state, clocks)
        for clock in clocks:
            _intervals_add_up(clock, list(ClockInterval.objects.filter(clock=clock).order_by("id")))
        running = [clock for clock in clocks if clock.state == "running"]
        own = [clock.due_at for clock in running if clock.kind not in self._spec.beside]
        assert case.due_at == min(own, default=None)
        assert (case.closed_at is None) is (state.phase == "open")
        assert (case.archived_at is not None) is (state.phase == "archived")
        approvals = list(Approval.objects.filter(case=case).order_by("id"))
        _approvals_fit_the_case(case, self._spec, approvals, {clock.kind for clock in running})
        asking = {approval.kind for approval in approvals if approval.finished is None}
        if not any(self._spec.approvals[kind].holds for kind in asking):
            # Else it is with whoever has to decide, level by level.
            self._holder_is_who_the_state_says(case, state)
        self.unit_id = case.unit_id
        self._past_stays_past(clocks)

    def _log_is_whole(self, case: Case, clocks: Sequence[Clock]) -> None:
        events = list(Event.objects.filter(case=case).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, case.rev + 1))
        head = ""
        for event in events:
            head = digest_of(event, head, "sha256")
            assert event.digest == head
        assert case.head == head
        logged = sorted(
            (e.data["clock"], e.data["cycle"], e.happened_at) for e in events if e.name == "clock.missed"
        )
        assert logged == sorted((c.kind, c.cycle, c.missed_at) for c in clocks if c.missed_at)

    def _holder_is_who_the_state_says(self, case: Case, state: StateSpec) -> None:
        expected = {"desk": case.desk_id, "lead": case.lead_id, "none": self.unit_id or case.unit_id}
        assert case.unit_id == expected[state.holder]
        last = Event.objects.filter(case=case).latest("seq")
        assert (last.target, last.unit_id) == (case.state, case.unit_id)
        # Whoever looks at the whole tree is not asked for units: a case without a desk would be theirs alone.
        desks = case.participations.filter(role="desk", ended_at=None)
        assert [part.unit_id for part in desks] == [case.desk_id]

    def _past_stays_past(self, clocks: Sequence[Clock]) -> None:
        for clock in clocks:
            assert self.first_due.setdefault(clock.pk, clock.original_due_at) == clock.original_due_at
            if clock.state not in GOING:
                values = {name: value for name, value in vars(clock).items() if not name.startswith("_")}
                assert self.finished.setdefault(clock.pk, values) == values
        assert {clock.pk for clock in clocks} == set(self.first_due)


def _signing(spec: LifecycleSpec) -> set[str]:
    """Moves that begin, decide or end an approval, or change who sits in one."""
    of_kinds = {n for a in spec.approvals.values() for n in (*a.opens, a.signs, a.returns, *a.stops)}
    seating = {"add_signer", "remove_signer", "hand_over"}
    return of_kinds | {name for name, t in spec.transitions.items() if seating & set(t.effects)}


def _approvals_fit_the_case(
    case: Case, spec: LifecycleSpec, approvals: Sequence[Approval], ticking: set[str]
) -> None:
    """At most one of a kind, in its states only, with its clock; nobody is asked by what is over, nor for their own."""
    running = {approval.kind: approval for approval in approvals if approval.finished is None}
    assert len(running) == sum(approval.finished is None for approval in approvals)
    for kind, approval in running.items():
        assert case.state in spec.approvals[kind].during
        assert 1 <= approval.level <= len(approval.levels)
    for kind, declared in spec.approvals.items():
        rounds = [approval.round for approval in approvals if approval.kind == kind]
        assert rounds == list(range(1, len(rounds) + 1))
        if declared.clock and policy(case.policy_id).rule(declared.clock, case.facts).parsed_limit:
            assert (declared.clock in ticking) is (kind in running), (
                f"{declared.clock} does not go with {kind}"
            )
    present = {(approval.pk, approval.level) for approval in running.values()}
    asked_for = {approval.pk: approval.requester_id for approval in approvals}
    for seat in ApprovalTask.objects.filter(case=case):
        assert seat.owner_id != asked_for[seat.process_id]
        assert not seat.is_open or (seat.process_id, seat.level) in present
        assert (seat.decision == "none") is (seat.seq is None)


def _clocks_are_those_declared(case: Case, state: StateSpec, clocks: Sequence[Clock]) -> None:
    spec = lifecycle(case.definition_id)
    going = {clock.kind: clock.state for clock in clocks if clock.state in GOING}
    assert len(going) == sum(clock.state in GOING for clock in clocks)
    assert set(going) <= {*state.clocks, *state.pauses}
    for kind in state.pauses:
        # One that stands still only for some reasons goes on for the others.
        assert going.get(kind, "paused") == "paused" or spec.clocks[kind].pauses_for
    for kind in state.clocks:
        if kind in going:
            assert going[kind] == "running"
            continue
        ended = [clock for clock in clocks if clock.kind == kind]
        counts = spec.clocks[kind].counts
        assert (
            policy(case.policy_id).rule(kind, case.facts).parsed_limit is None
            or counts == "called"
            or (counts == "whole" and ended)
            or any(clock.finished_at and clock.finished_at >= case.state_since for clock in ended)
        ), f"{kind} should be running in {case.state}"


def _intervals_add_up(clock: Clock, intervals: Sequence[ClockInterval]) -> None:
    """Without gap or overlap from the start; one open while going, none afterwards; the cache is their sum."""
    assert intervals[0].started_at == clock.started_at
    assert all(a.ended_at == b.started_at and a.kind != b.kind for a, b in pairwise(intervals))
    last = intervals[-1]
    if clock.state in GOING:
        assert (last.kind, last.ended_at) == ({"running": "run", "paused": "pause"}[clock.state], None)
        assert clock.finished_at is None
    else:
        assert last.ended_at == clock.finished_at
        assert clock.next_at is None
        assert (clock.state == "missed") <= (clock.missed_at is not None)
        assert (clock.state == "met") <= (clock.missed_at is None)
    on = calendar(clock.calendar_id)
    ran = [(i.started_at, i.ended_at) for i in intervals if i.kind == "run" and i.ended_at]
    assert clock.consumed_seconds == sum(consumed(on, clock.limit, start, end) for start, end in ran)
    if clock.state == "running":
        paused = [(i.started_at, i.ended_at) for i in intervals if i.kind == "pause" and i.ended_at]
        granted = clock.extensions.filter(state="granted").order_by("decided_at", "id")
        extended = list(granted.values_list("amount", flat=True))
        due = due_of(on, clock.started_at, clock.limit, paused=paused, extended=extended).at
        spec = lifecycle(clock.case.definition_id)
        if first := leader(spec, clock.kind, clock.case.clocks.going()):
            due = max(due, ahead(first.due_at, clock.limit, calendar(first.calendar_id)))
        assert clock.due_at == due
        assert clock.next_at == next_moment(clock, clock.ladder.parsed if clock.ladder else None, on)
        assert clock.missed_at or (clock.next_at or clock.due_at) <= clock.due_at


def everything(case: Case) -> list[Any]:
    """Every row of the case: its own, those of every table that points at it, and the intervals of its clocks."""
    related = [
        field
        for field in Case._meta.get_fields(include_hidden=True)
        if field.auto_created and not field.concrete
    ]
    return [
        list(Case.objects.filter(pk=case.pk).values()),
        *(
            list(r.related_model.objects.filter(**{r.field.name: case}).order_by("pk").values())
            for r in related
        ),
        list(ClockInterval.objects.filter(clock__case=case).order_by("pk").values()),
    ]
