"""What one due clock has come to: the miss of its deadline, the rung it now stands on, and what is to be done.

After downtime a clock goes straight to the highest rung reached: what lies between is neither logged nor told, but a
deed on the way (`fire`) is still done, once. Under the lock of the case, which `workflows.sweeper` holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime

from workflows.calendars import WorkingCalendar
from workflows.clock_rules import lapses
from workflows.ladders import LEVELS, LadderSpec, Rung, Standing, moment_after, repetition, standing
from workflows.machine import machine, refusal
from workflows.models import Case, Clock, Event
from workflows.moves import Move
from workflows.published import calendar, ladder
from workflows.recording import append, missed_key, system_id, system_user

WARNED, MISSED, ESCALATED, REPEATED = "clock.warned", "clock.missed", "clock.escalated", "clock.repeated"
ACKNOWLEDGED = "clock.acknowledged"
Code = str | int


@dataclass
class Deed:
    """A move the system is to make, dated `at`: the first of `names` that the lifecycle allows from here.

    answers: id of the clock whose running out the lifecycle itself answers with it; None where it is a rung's.
    """

    case: Case
    names: tuple[str, ...]
    at: datetime
    key: str
    data: dict[str, Code] = field(default_factory=dict)
    answers: int | None = None

    def move(self) -> Move | None:
        """None where it has become needless: the case has moved on, its version lacks the step or a guard says no."""
        spec = machine(self.case.definition_id).spec
        for name in self.names:
            transition = spec.transitions.get(name)
            if transition is None or self.case.state not in transition.sources:
                continue
            move = Move(
                self.case, name, transition, spec, system_user(), self.at, dict(self.data), self.case.state
            )  # fmt: skip
            if refusal(move) is None:
                return move
        return None


@dataclass
class Climb:
    """One clock under way. Changes the clock in memory; `events` go to the log, `deeds` are done after it.

    said: keys the log of the case has already. A clock put on another ladder and back again climbs anew to the same
    deadline: it stands there again, but nothing is said or done twice.
    """

    case: Case
    clock: Clock
    at: datetime
    recorded_at: datetime
    events: list[Event] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    said: Set[str] = frozenset()

    def take(self, acknowledged: Set[tuple[int, str]]) -> None:
        """acknowledged: (case id, clock kind) whose present rung somebody has taken note of."""
        clock, on = self.clock, calendar(self.clock.calendar_id)
        spec = ladder(clock.ladder_id) if clock.ladder_id else None
        if lapses(machine(self.case.definition_id).spec, clock.kind):
            # Running out of such a window is nobody's fault: no miss, and nobody to hurry.
            self.deeds += filter(None, [self._answer()])
            clock.next_at = None
            return
        missed = clock.missed_at is None and clock.due_at <= self.at
        answer = self._answer() if missed else None
        # Where the system's own step at the deadline stops this clock, it climbs no further.
        until = clock.due_at if answer else self.at
        here = standing(clock, spec, on, at=until) if spec else None
        if missed:
            breach = spec if spec and here and here.rung == spec.breach != clock.rung else None
            self._log(
                MISSED, clock.due_at, missed_key(clock), breach.rungs[breach.breach - 1] if breach else None
            )
            clock.missed_at = clock.due_at
        if answer:
            self.deeds.append(answer)
        if spec and here:
            if here.rung > clock.rung:
                self._step(spec, here)
            elif clock.rung:
                self._say_again(spec, here, on, acknowledged)
        clock.next_at = moment_after(clock, spec, on, here)

    def _step(self, spec: LadderSpec, here: Standing) -> None:
        clock = self.clock
        passed = range(clock.rung + 1, here.rung + 1)
        clock.rung, clock.repeats = here.rung, 0
        if (here.rung != spec.breach or not self.events) and here.reached_at is not None:
            name = WARNED if here.rung < spec.breach else ESCALATED
            self._log(name, here.reached_at, self._key("rung", spec, here.rung), spec.rungs[here.rung - 1])
        acting = [number for number in passed if spec.rungs[number - 1].fire]
        if acting:
            data: dict[str, Code] = {
                "clock": clock.kind, "cycle": clock.cycle, "rung": spec.rungs[here.rung - 1].name,
                "colour": LEVELS[spec.level(here.rung)],
            }  # fmt: skip
            fire, key = spec.rungs[acting[-1] - 1].fire, self._key("deed", spec, acting[-1])
            if key not in self.said:
                self.deeds.append(Deed(self.case, fire, self.at, key, data))

    def _say_again(
        self, spec: LadderSpec, here: Standing, on: WorkingCalendar, acknowledged: Set[tuple[int, str]]
    ) -> None:
        """Say the present rung once more, however many repetitions have fallen due, unless it is acknowledged."""
        clock, rung = self.clock, spec.rungs[self.clock.rung - 1]
        if rung.repeat is None or here.reached_at is None:
            return
        if (self.case.pk, clock.kind) in acknowledged:
            clock.repeats = rung.repeat.most
            return
        said_at = None
        while (again := repetition(clock, spec, on, reached_at=here.reached_at)) and again <= self.at:
            said_at = again
            clock.repeats += 1
        if said_at is not None:
            key = f"{self._key('rung', spec, clock.rung)}:{clock.repeats}"
            self._log(REPEATED, said_at, key, rung, times=clock.repeats)

    def _answer(self) -> Deed | None:
        """The move the lifecycle makes by itself when this clock of the present state runs out."""
        declared = machine(self.case.definition_id).spec.states[self.case.state].on_due
        fired = next((due.fire for due in declared if due.clock == self.clock.kind), None)
        if fired is None:
            return None
        return Deed(self.case, (fired,), self.clock.due_at, f"due:{self.clock.pk}", answers=self.clock.pk)

    def _log(self, name: str, happened_at: datetime, key: str, rung: Rung | None, **codes: Code) -> None:
        if key in self.said:
            return
        clock = self.clock
        data: dict[str, Code] = {"clock": clock.kind, "cycle": clock.cycle}
        if clock.ladder_id:
            data["ladder"] = clock.ladder_id
        if rung is not None:
            data |= {"rung": rung.name, **({"colour": rung.colour} if rung.colour else {})}
        self.events.append(
            append(
                self.case, name=name, transition="", actor_id=system_id(), source=self.case.state,
                target=self.case.state, data=data | codes, happened_at=happened_at, recorded_at=self.recorded_at,
                key=key,
            )
        )  # fmt: skip

    def _key(self, word: str, spec: LadderSpec, number: int) -> str:
        """(clock, cycle, rung) once for a deadline: UNIQUE(case, key) of the log holds it in the schema.

        A deadline put off is another one, to which the clock climbs anew.
        """
        clock = self.clock
        return f"{word}:{clock.kind}:{clock.cycle}:{spec.code}:{number}:{clock.due_at.timestamp():.0f}"


def rounds(deeds: list[Deed]) -> Iterator[list[Deed]]:
    """Deeds in groups in which no case appears twice: a second one starts where the first one led."""
    left = deeds
    while left:
        seen: set[int] = set()
        now: list[Deed] = []
        later: list[Deed] = []
        for deed in left:
            (later if deed.case.pk in seen else now).append(deed)
            seen.add(deed.case.pk)
        yield now
        left = later
