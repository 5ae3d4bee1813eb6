"""More time: asked for by the unit, decided by the desk or a leader, and told to the person when granted."""

from __future__ import annotations

from opinion.effects.replying import keep
from opinion.models import Reply
from workflows import extensions
from workflows.moves import Move
from workflows.registry import effect


def _ask(move: Move, *, late: bool) -> None:
    said = move.data
    extensions.ask(move, kind=said["clock"], amount=said["amount"], reason=said["reason"], late=late)
    move.note("evidence", said["evidence"])
    move.note("told", said.get("told", ""))


@effect
def ask_extension(move: Move) -> None:
    """data: clock (kind), amount (3wd), reason (code), evidence (text), told (text: what the person would be told)."""
    _ask(move, late=False)


@effect
def ask_late_extension(move: Move) -> None:
    """data as in `ask_extension`; on a supervisor's word, after the deadline."""
    _ask(move, late=True)


@effect
def keep_told(move: Move) -> None:
    """data: text, what the approver would have the person be told."""
    move.note("told", move.data.get("text", ""))


@effect
def grant_extension(move: Move) -> None:
    """data: text (absent: told, as asked for).

    The person is told in the same move: without that no extension takes effect. Source: 信访工作条例 34."""
    extensions.grant(move)
    keep(move, Reply.Kind.INTERIM, move.data.get("text") or move.data["told"])


@effect
def refuse_extension(move: Move) -> None:
    """data: remark (text), why not."""
    extensions.refuse(move)
    move.note("remark", move.data["remark"])


@effect
def retract_extension(move: Move) -> None:
    extensions.retract(move)
