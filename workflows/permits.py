"""The three questions before a move, and the three different errors."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from workflows.errors import Already, Cannot, MayNot, MoveRefused
from workflows.machine import machine, may, refusal
from workflows.models import Case, Event, User
from workflows.moves import Move
from workflows.published import lifecycle
from workflows.wording import CLOCK_EVENTS, already_sentence

APPROVAL = "approval"


def permitted(
    case: Case,
    name: str,
    *,
    by: User,
    at: datetime,
    data: dict[str, Any],
    rev: int | None = None,
    called: bool = False,
) -> Move:
    """The move, if this person may make it and it can be made from here. Raises MayNot, Already or Cannot.

    called: by the move before it. Nobody else may make what an approval grants.
    """
    spec = machine(case.definition_id).spec
    transition = spec.transitions.get(name)
    if transition is None:
        raise Cannot(f"流程“{spec.label}”没有“{name}”这一步")
    allowed = (called and APPROVAL in transition.role) or may(case, by, transition)
    if not allowed or not may_know(case, by):
        raise MayNot(f"您没有对 {case.number} 办理“{transition.label}”的权限")
    if rev is not None and rev != case.rev and not transition.aside and (news := _news(case, rev)):
        _say_already(case, news[0])
    if case.state not in transition.sources:
        left = _events(case).filter(source__in=transition.sources).exclude(target__in=transition.sources)
        last = left.order_by("-seq").first()
        if last is not None:
            _say_already(case, last)
        raise Cannot(f"{case.number} 现为“{spec.states[case.state].label}”，还不能“{transition.label}”")
    move = Move(case, name, transition, spec, by, at, data, case.state)
    no = refusal(move)
    if no is not None:
        raise Already(no.sentence) if no.already else Cannot(no.sentence)
    return move


def refused(case: Case, name: str, *, by: User, at: datetime, rev: int | None = None) -> MoveRefused | None:
    """What the door would say to an empty form, asked without its lock; None where it would let the move through."""
    try:
        permitted(case, name, by=by, at=at, data={}, rev=rev)
    except MoveRefused as said:
        return said
    return None


def available(case: Case, by: User, *, at: datetime) -> list[Move]:
    """The moves this person can make now, for buttons: the predicates the door asks, without its lock."""
    spec = machine(case.definition_id).spec
    if not may_know(case, by):
        return []
    offered = (
        Move(case, name, t, spec, by, at, {}, case.state)
        for name, t in spec.leaving(case.state)
        if not t.hidden
    )
    return [move for move in offered if may(case, by, move.transition) and refusal(move) is None]


def may_know(case: Case, by: User) -> bool:
    """Whether a restricted case may be known to this user; only there does it cost a statement."""
    return not case.restricted or case.seen_by(by)


def _news(case: Case, rev: int) -> list[Event]:
    """What happened since a version of the case that somebody who saw it should know of: moves, the last first, then what
    the engine did by itself. Reminders, and moves that are `aside`, change nothing that is decided on."""
    steps = lifecycle(case.definition_id).transitions
    since = _events(case).filter(seq__gt=rev).exclude(name__in=CLOCK_EVENTS).order_by("-seq")
    news = [event for event in since if event.transition not in steps or not steps[event.transition].aside]
    return sorted(news, key=lambda event: not event.transition)


def _events(case: Case) -> Any:
    return Event.objects.filter(case=case).select_related("actor")


def _say_already(case: Case, event: Event | None) -> NoReturn:
    raise Already(already_sentence(case, event), event)
