"""The last word to a person who is still not content: written by the desk, approved by a leader."""

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
