"""Replies from draft to the person, each version kept."""

from __future__ import annotations

from django.db.models import Max

from opinion.models import Reply
from workflows.chain import text_digest
from workflows.errors import Cannot
from workflows.models import Event
from workflows.moves import Move
from workflows.registry import effect


def newest(move: Move, kind: Reply.Kind) -> Reply:
    """The latest version of a kind. Raises Cannot."""
    found = Reply.objects.filter(case=move.case, kind=kind).order_by("-version").first()
    if found is None:
        raise Cannot(f"{move.case.number} 还没有{kind.label}")
    return found


def keep(move: Move, kind: Reply.Kind, text: str, *, result: str = "", public: bool = False) -> None:
    """Add the next version of a kind and put its number and digest on the event."""
    last = Reply.objects.filter(case=move.case, kind=kind).aggregate(last=Max("version"))["last"] or 0
    reply = Reply(
        case=move.case, kind=kind, version=last + 1, text=text, digest=text_digest(text), result=result, public=public,
        author=move.by, unit_id=move.held_by, written_at=move.at,
    )  # fmt: skip
    move.log(version=reply.version, text=reply.digest, **({"result": result} if result else {}))
    move.add(reply)


@effect
def keep_draft(move: Move) -> None:
    """data: text, result (code)."""
    keep(move, Reply.Kind.DRAFT, move.data["text"], result=move.data["result"])


@effect
def keep_interim(move: Move) -> None:
    """data: text."""
    keep(move, Reply.Kind.INTERIM, move.data["text"])


@effect
def keep_approved(move: Move) -> None:
    """data: text (the reviewer's wording; absent: the draft as it is), remark."""
    draft = newest(move, Reply.Kind.DRAFT)
    keep(move, Reply.Kind.APPROVED, move.data.get("text") or draft.text, result=draft.result)
    move.log(draft=draft.version)
    move.note("remark", move.data.get("remark", ""))


@effect
def record_send_back(move: Move) -> None:
    """data: comments (text). Rounds are counted from the log."""
    rounds = Event.objects.filter(case=move.case, transition="send_back").count() + 1
    move.log(round=rounds)
    move.note("comments", move.data["comments"])


@effect
def publish_reply(move: Move) -> None:
    """data: public (whether it is shown on the platform). What was approved is what is said."""
    approved = newest(move, Reply.Kind.APPROVED)
    public = bool(move.data.get("public", False))
    keep(move, Reply.Kind.FINAL, approved.text, result=approved.result, public=public)
    move.log(public=public, approved=approved.version)
