"""What lifecycles say of a clock: questions without a row or a lock."""

from __future__ import annotations

from workflows.models import Clock
from workflows.moves import Move
from workflows.spec import LifecycleSpec


def lapses(spec: LifecycleSpec, kind: str) -> bool:
    """Whether running out of this clock is nobody's fault. A clock the lifecycle no longer declares is a promise."""
    declared = spec.clocks.get(kind)
    return declared is not None and declared.lapses


def untouched(spec: LifecycleSpec, source: str, target: str, move: Move) -> bool:
    """Whether a move leaves every clock alone, so that none needs to be read."""
    a, b = spec.states[source], spec.states[target]
    if a.clocks != b.clocks or a.pauses != b.pauses:
        return False
    called = move.granted or move.restarts or move.met or move.ended
    return not called and "facts" not in move.changed and not any(met_by(move, kind) for kind in a.clocks)


def met_by(move: Move, kind: str) -> bool:
    """Whether this move fulfils the clock. One that the lifecycle no longer declares can only become void."""
    declared = move.lifecycle.clocks.get(kind)
    return kind in move.met or (declared is not None and move.name in declared.met_by)


def stands_still(move: Move, kind: str, clock: Clock) -> bool:
    """Whether a state that pauses this clock does so now: some pause for certain reasons only.

    The reason is said on entering; to stay there changes nothing.
    """
    declared = move.lifecycle.clocks.get(kind)
    reasons = declared.pauses_for if declared else ()
    if not reasons:
        return True
    if move.source == move.case.state:
        return clock.state == Clock.State.PAUSED
    return move.logged.get("reason") in reasons
