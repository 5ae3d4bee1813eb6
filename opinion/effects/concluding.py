"""What ends a message otherwise than by a reply: the last word to a person not content, and an end without any."""

from __future__ import annotations

from opinion.effects.replying import keep, newest
from opinion.models import Reply
from workflows.moves import Move
from workflows.registry import effect

FINAL_ANSWER = "c7"


@effect
def keep_final_draft(move: Move) -> None:
    """data: text, result (code). What a leader is asked to approve."""
    keep(move, Reply.Kind.DRAFT, move.data["text"], result=move.data["result"])


@effect
def publish_final(move: Move) -> None:
    """As it was asked for; the case ends with it."""
    draft = newest(move, Reply.Kind.DRAFT)
    keep(move, Reply.Kind.FINAL, draft.text, result=draft.result)
    move.log(reason=FINAL_ANSWER, draft=draft.version)


@effect
def record_unanswered(move: Move) -> None:
    """data: reason (code), grounds (text), told (text: what the person is told). Asked for, and again when granted."""
    move.log(reason=move.data["reason"])
    move.note("grounds", move.data["grounds"])
    move.note("told", move.data["told"])


@effect
def keep_grounds(move: Move) -> None:
    """data: grounds (text)."""
    move.note("grounds", move.data["grounds"])
