"""Replies from draft to the person, each version kept."""

from __future__ import annotations

from django.db.models import Max

from opinion import answers
from opinion.models import Reply
from opinion.wordings import approved_for_public
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


def add_version(move: Move, kind: Reply.Kind, text: str, *, result: str = "", public: bool = False) -> Reply:
    """Add the next version of a kind; the caller puts its number and digest on the event."""
    last = Reply.objects.filter(case=move.case, kind=kind).aggregate(last=Max("version"))["last"] or 0
    reply = Reply(
        case=move.case, kind=kind, version=last + 1, text=text, digest=text_digest(text), result=result, public=public,
        author=move.by, unit_id=move.held_by, written_at=move.at,
    )  # fmt: skip
    move.add(reply)
    return reply


def keep(move: Move, kind: Reply.Kind, text: str, *, result: str = "", public: bool = False) -> Reply:
    """The text of the move: a version, with its number and digest on the event."""
    reply = add_version(move, kind, text, result=result, public=public)
    move.log(version=reply.version, text=reply.digest, **({"result": result} if result else {}))
    return reply


def keep_public(move: Move, kind: Reply.Kind, text: str) -> None:
    """What the public reads, beside what the person gets, and which doubts were let stand for which reason."""
    reply = add_version(move, kind, text)
    move.log(public_version=reply.version, public_text=reply.digest)
    if move.data.get("stands"):
        move.log(stands=sorted(move.data["stands"]), stands_because=move.data["stands_because"])


@effect
def keep_draft(move: Move) -> None:
    """data: text, result (code; may be missing while drafting), answers (claim id, result, words each)."""
    draft = keep(move, Reply.Kind.DRAFT, move.data["text"], result=move.data.get("result", ""))
    answered = answers.said_of(move.case, move.data.get("answers", ()))
    for row in answers.rows(move.case, draft.version, draft.text, answered):
        move.add(row)
    if results := {str(each.claim.number): each.result for each in answered if each.result}:
        move.log(answers=results)


@effect
def keep_interim(move: Move) -> None:
    """data: text."""
    keep(move, Reply.Kind.INTERIM, move.data["text"])


@effect
def keep_approved(move: Move) -> None:
    """data: text (the reviewer's wording; absent: the draft as it is), remark; public_text: to be published instead;
    stands, stands_because: codes."""
    draft = newest(move, Reply.Kind.DRAFT)
    keep(move, Reply.Kind.APPROVED, move.data.get("text") or draft.text, result=draft.result)
    move.log(draft=draft.version)
    if move.data.get("public_text"):
        keep_public(move, Reply.Kind.WORDING, move.data["public_text"])
    move.note("remark", move.data.get("remark", ""))


@effect
def record_send_back(move: Move) -> None:
    """data: comments (text). Rounds are counted from the log."""
    rounds = Event.objects.filter(case=move.case, transition=move.name).count() + 1
    move.log(round=rounds)
    move.note("comments", move.data["comments"])


@effect
def publish_reply(move: Move) -> None:
    """data: public (whether it is also published); stands, stands_because: codes. What was approved is what is said."""
    approved = newest(move, Reply.Kind.APPROVED)
    public = bool(move.data.get("public", False))
    keep(move, Reply.Kind.FINAL, approved.text, result=approved.result, public=public)
    move.log(public=public, approved=approved.version)
    if public:
        keep_public(move, Reply.Kind.PUBLISHED, (approved_for_public(move.case) or approved).text)
