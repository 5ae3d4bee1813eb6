"""Free text and reason codes that go with a move. The text is a note beside the event; the event has its digest."""

from __future__ import annotations

from workflows.moves import Move
from workflows.registry import effect


@effect
def keep_remark(move: Move) -> None:
    move.note("remark", move.data.get("remark", ""))


@effect
def keep_comment(move: Move) -> None:
    move.note("comment", move.data["comment"])


@effect
def keep_instruction(move: Move) -> None:
    move.note("instruction", move.data["instruction"])


@effect
def keep_reason(move: Move) -> None:
    """data: reason (text), why somebody's contact details are looked at."""
    move.note("reason", move.data["reason"])


@effect
def record_reason(move: Move) -> None:
    """data: reason (code), remark (text). A pause carries the code on its interval, too."""
    move.log(reason=move.data["reason"])
    move.note("remark", move.data.get("remark", ""))
