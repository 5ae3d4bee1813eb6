"""What the sweep would log, and when, if nobody did anything: the sweep's own climbing on rows that are thrown away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workflows.climbing import Climb
from workflows.ladders import Rung
from workflows.machine import machine
from workflows.models import Clock, Event, User
from workflows.models.clock import ClockQuerySet
from workflows.published import ladder
from workflows.registry import RECIPIENTS
from workflows.sweeper import acknowledged_of

# Name of a recipient and events → whom it tells of which.
Ask = Callable[[str, Sequence[Event]], Iterable[tuple[Event, User]]]
# Rungs, repetitions and the miss of one clock; a document allows fewer.
MOST_STEPS = 500


@dataclass(frozen=True)
class StepAhead:
    """One event to come. event: not written, with a made-up negative id. rung: None where a deadline has no ladder.

    fires: labels of the steps of which the system would then try one; what they lead to is not foreseen.
    """

    clock: Clock
    event: Event
    rung: Rung | None
    fires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whom:
    """Whom a rung tells: label of each recipient and the people found. instead: these are the ladder's fallback."""

    named: list[tuple[str, list[User]]] = field(default_factory=list)
    instead: bool = False

    @property
    def nobody(self) -> bool:
        return not any(people for _, people in self.named)


def clocks_until(until: datetime) -> ClockQuerySet:
    """Running clocks the sweep will have looked at by then, in its own order; with their cases."""
    return Clock.objects.due(at=until).select_related("case__unit")


def steps_ahead(clocks: Sequence[Clock], *, at: datetime, until: datetime) -> list[StepAhead]:
    """What happens up to `until`, by time, if the sweep runs at `at` and from then on at every due moment.

    clocks: with their cases, from the database; they are changed in memory and must not be saved.
    """
    acknowledged = acknowledged_of(clocks)
    found = [step for clock in clocks for step in _climb(clock, acknowledged, at, until)]
    for number, step in enumerate(found, 1):
        step.event.pk = -number
    return sorted(found, key=lambda step: (step.event.recorded_at, step.event.case_id))


def _climb(
    clock: Clock, acknowledged: set[tuple[int, str]], at: datetime, until: datetime
) -> Iterator[StepAhead]:
    for _ in range(MOST_STEPS):
        if clock.next_at is None or clock.next_at > until:
            return
        moment = max(clock.next_at, at)
        climb = Climb(clock.case, clock, moment, moment)
        climb.take(acknowledged)
        steps = machine(clock.case.definition_id).spec.transitions
        names = [name for deed in climb.deeds for name in deed.names if name in steps]
        fires = tuple(steps[name].label for name in names if clock.case.state in steps[name].sources)
        for event in climb.events:
            rung = (
                ladder(int(event.data["ladder"])).named[event.data["rung"]] if "rung" in event.data else None
            )
            yield StepAhead(clock, event, rung, fires)
        if fires and any(deed.answers is not None for deed in climb.deeds):
            # The step at the deadline stops the clock.
            return
    raise RuntimeError(f"clock {clock.pk}: more than {MOST_STEPS} steps ahead")


def whom(steps: Sequence[StepAhead], ask: Ask) -> dict[int, Whom]:
    """Event id → whom its rung tells; where that is nobody, the ladder's fallback. Only for steps with a rung."""
    climbing = [step for step in steps if step.rung is not None]
    first = _named({step.event: step.rung.tell for step in climbing if step.rung}, ask)
    left = [step for step in climbing if not any(people for _, people in first[step.event.pk])]
    instead = _named({step.event: ladder(int(step.event.data["ladder"])).fallback for step in left}, ask)
    found = {pk: Whom(named) for pk, named in first.items()}
    found.update({pk: Whom(named, instead=True) for pk, named in instead.items()})
    return found


def _named(wanted: dict[Event, tuple[str, ...]], ask: Ask) -> dict[int, list[tuple[str, list[User]]]]:
    """Each recipient is asked once, of all its events."""
    people: dict[tuple[str, int], list[User]] = {}
    for name in dict.fromkeys(name for names in wanted.values() for name in names):
        for event, user in ask(name, [event for event, names in wanted.items() if name in names]):
            people.setdefault((name, event.pk), []).append(user)
    return {
        event.pk: [(RECIPIENTS[name].label, people.get((name, event.pk), [])) for name in names]
        for event, names in wanted.items()
    }
