"""Lifecycle documents compiled to `viewflow.fsm` state machines.

Only `viewflow.fsm.base.State` is used: the rest of that package is a user interface we do not need. A viewflow
permission is a query, not a gate, so `engine.fire` asks `may` and `refusal` itself and enforces the answers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from viewflow.fsm.base import State

from workflows.approvals.standing import out_of_turn
from workflows.declarations import TransitionSpec
from workflows.models import Case, User
from workflows.moves import Move
from workflows.published import lifecycle
from workflows.registry import GUARDS, ROLES, Refusal
from workflows.spec import LifecycleSpec


class Machine:
    """Base of every compiled lifecycle: the state lives on the case of the move in hand."""

    spec: LifecycleSpec

    def __init__(self, move: Move) -> None:
        self.move = move

    def resumed(self) -> str:
        return self.move.case.parked


def _compile(spec: LifecycleSpec) -> type[Machine]:
    slot = State(tuple(spec.states))
    members: dict[str, Any] = {"state": slot, "spec": spec}
    slot.getter()(lambda machine: machine.move.case.state)
    slot.setter()(lambda machine, value: setattr(machine.move.case, "state", value))
    for name, transition in spec.transitions.items():
        members[name] = _method(slot, spec, name, transition)
    return type(f"{spec.code.title()}Machine", (Machine,), members)


def _method(slot: State, spec: LifecycleSpec, name: str, transition: TransitionSpec) -> Any:
    def run(machine: Machine) -> None:
        """The move itself carries nothing; effects run in the door, which owns their order."""

    run.__name__ = name
    # Guards run in the door, which turns each refusal into the right one of three errors.
    options: dict[str, Any] = {
        "label": transition.label,
        "permission": lambda m, user: may(m.move.case, user, transition),
    }
    if transition.to == "resume":
        options["target"] = State.GET_STATE(Machine.resumed, states=sorted(spec.resumable))
    elif transition.to != "stay":
        options["target"] = transition.to
    return slot.transition(source=list(transition.sources), **options)(run)


@lru_cache(maxsize=64)
def machine(definition_id: int) -> type[Machine]:
    """The compiled class of a published definition; cached, since those never change."""
    return _compile(lifecycle(definition_id))


def may(case: Case, user: User, transition: TransitionSpec) -> bool:
    """Whether a role that the transition names is this user's on this case."""
    return any(ROLES[name].may(case, user) for name in transition.role)


def refusal(move: Move) -> Refusal | None:
    """The first guard that says no; else what the approvals of the case say, which no lifecycle need declare."""
    for name in move.transition.guards:
        found = GUARDS[name](move)
        if found is not None:
            return found
    return out_of_turn(move)
