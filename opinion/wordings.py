"""Which version of a reply is which: the newest of a kind, what would be published, what was let stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from opinion.models import Reply
from opinion.publishing import is_for_public
from workflows.chain import text_digest
from workflows.models import Case, Event
from workflows.moves import Move


def latest(case: Case, *kinds: Reply.Kind) -> Reply | None:
    """The newest version of any of these kinds."""
    return Reply.objects.filter(case=case, kind__in=kinds).order_by("-seq", "-id").first()


def present_wording(case: Case) -> Reply | None:
    """The text as it stands: the draft put up for approval, or what an approver has since made of it."""
    return latest(case, Reply.Kind.DRAFT, Reply.Kind.APPROVED)


def standing_text(case: Case) -> Reply | None:
    """What a new draft begins with: the last text that counts, be it written, put right by an approver, or sent to the person."""
    return latest(case, Reply.Kind.DRAFT, Reply.Kind.APPROVED, Reply.Kind.FINAL)


def published_instead(case: Case, wording: Reply | None) -> str:
    """The wording of its own for the public that goes with an approver's text; empty where there is none."""
    if wording is None or wording.kind != Reply.Kind.APPROVED:
        return ""
    own = Reply.objects.filter(case=case, kind=Reply.Kind.WORDING, seq=wording.seq)
    return own.values_list("text", flat=True).first() or ""


def authors_since_answer(case: Case) -> set[int]:
    """Ids of those who wrote a draft, or a version of it, since the last answer."""
    answered = Reply.objects.filter(case=case, kind=Reply.Kind.FINAL).order_by("-seq").values("seq")[:1]
    drafts = Reply.objects.filter(case=case, kind=Reply.Kind.DRAFT, seq__gt=Coalesce(Subquery(answered), 0))
    return set(drafts.values_list("author_id", flat=True))


def approved_for_public(case: Case) -> Reply | None:
    """What was approved to be published: the wording of its own where the approval in force has one."""
    approved = latest(case, Reply.Kind.APPROVED)
    if approved is None:
        return None
    wording = Reply.objects.filter(case=case, kind=Reply.Kind.WORDING, seq=approved.seq).first()
    return wording or approved


def text_for_public(text: str, own: str) -> str:
    """The public text of a wording: its own for the public where it has one, otherwise what its person gets."""
    return own or text


def public_text(case: Case, transition: str, said: Mapping[str, Any]) -> str:
    """What a move would have the public read sooner or later; empty where that is nothing, or not said yet."""
    if transition == "sign_reply":
        if not said or not is_for_public(case):
            return ""
        return text_for_public(text_signed(case, said), str(said.get("public_text") or ""))
    if not said.get("public"):
        return ""
    if transition == "reply":
        approved = approved_for_public(case)
        return approved.text if approved else ""
    return text_for_public(str(said.get("text") or ""), str(said.get("public_text") or ""))


def text_signed(case: Case, said: Mapping[str, Any]) -> str:
    """The wording that a signature agrees to: the signer's own, or what there is."""
    if said.get("text"):
        return str(said["text"])
    now = present_wording(case)
    return now.text if now else ""


def let_stand(move: Move, text: str) -> frozenset[str]:
    """Codes of findings that stand in a public text, with a reason: by this move, or by an earlier signature under it."""
    stands = frozenset(move.data.get("stands", ()) if move.data.get("stands_because") else ())
    return stands | stood_in(move.case, text) if move.name in {"sign_reply", "reply"} else stands


def stood_in(case: Case, text: str) -> frozenset[str]:
    """What those who signed since the draft was put up let stand in this very text. Two statements."""
    draft = latest(case, Reply.Kind.DRAFT)
    if draft is None or not text:
        return frozenset()
    signed = Event.objects.filter(case=case, transition__in=("sign_reply", "approve"), seq__gt=draft.seq)
    digest = text_digest(text)
    return frozenset(
        code
        for data in signed.values_list("data", flat=True)
        if digest in {data.get("stands_in"), data.get("public_text")}
        for code in data.get("stands", ())
    )
