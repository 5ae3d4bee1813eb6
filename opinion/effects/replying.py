"""Replies from draft to the person, each version kept."""

from __future__ import annotations

from django.db.models import Max

from opinion import answers
from opinion.authors import office_of
from opinion.models import Reply
from opinion.publishing import FACT, NO, YES, chosen
from opinion.wordings import approved_for_public, present_wording, published_instead, text_for_public
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
        author=move.by, unit_id=office_of(move), written_at=move.at,
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
    log_stands(move, text)


def log_stands(move: Move, text: str) -> None:
    """Which doubts about a public text were let stand for which reason: good for this very text."""
    if move.data.get("stands"):
        move.log(
            stands=sorted(move.data["stands"]),
            stands_because=move.data["stands_because"],
            stands_in=text_digest(text),
        )


@effect
def keep_draft(move: Move) -> None:
    """data: text, result (code; may be missing while drafting), answers (claim id, result, words each), public (the choice
    which the levels of its approval depend on; owed to the public, it is chosen already)."""
    public = chosen(move.case, move.data)
    draft = keep(move, Reply.Kind.DRAFT, move.data["text"], result=move.data.get("result", ""), public=public)
    choice = YES if public else NO
    if move.case.facts.get(FACT) != choice:
        move.set(facts={**move.case.facts, FACT: choice})
    answered = answers.said_of(move.case, move.data.get("answers", ()))
    for row in answers.rows(move.case, draft.version, draft.text, answered):
        move.add(row)
    if results := {str(each.claim.number): each.result for each in answered if each.result}:
        move.log(answers=results)


@effect
def keep_interim(move: Move) -> None:
    """data: text."""
    keep(move, Reply.Kind.INTERIM, move.data["text"])


def _wording(move: Move) -> Reply:
    """The text as it stands. Raises Cannot."""
    newest(move, Reply.Kind.DRAFT)
    found = present_wording(move.case)
    assert found is not None
    return found


@effect
def keep_wording(move: Move) -> None:
    """data: text (an approver's wording; absent or the same: none is kept), remark; public_text: to be published instead;
    stands, stands_because: codes."""
    now, said = _wording(move), move.data
    text = said.get("text") or now.text
    public = said.get("public_text") or ""
    if text != now.text or public != published_instead(move.case, now):
        keep(move, Reply.Kind.APPROVED, text, result=now.result)
        if public:
            keep_public(move, Reply.Kind.WORDING, public)
    log_stands(move, text_for_public(text, public))
    move.note("remark", said.get("remark", ""))


@effect
def keep_approved(move: Move) -> None:
    """What the last approver left of the draft is what is approved.

    Under a version from before approvals the reviewer's own wording comes with this very move: data as in `keep_wording`.
    """
    now = _wording(move)
    if not move.lifecycle.approvals:
        keep(move, Reply.Kind.APPROVED, move.data.get("text") or now.text, result=now.result)
        if move.data.get("public_text"):
            keep_public(move, Reply.Kind.WORDING, move.data["public_text"])
        move.note("remark", move.data.get("remark", ""))
        move.log(draft=newest(move, Reply.Kind.DRAFT).version)
        return
    if now.kind == Reply.Kind.APPROVED:
        move.log(version=now.version, text=now.digest, **({"result": now.result} if now.result else {}))
    else:
        keep(move, Reply.Kind.APPROVED, now.text, result=now.result)
    move.log(draft=newest(move, Reply.Kind.DRAFT).version)


@effect
def record_send_back(move: Move) -> None:
    """data: comments (text). Rounds are counted from the log."""
    rounds = Event.objects.filter(case=move.case, name=move.transition.event).count() + 1
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
