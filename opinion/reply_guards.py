"""When a reply may go to review, to the person and to the public. Pure: they read, and say why not."""

from __future__ import annotations

from collections.abc import Callable

from opinion import answers
from opinion.claims import standing
from opinion.contacts.sealing import SealBroken
from opinion.merging import master_of
from opinion.models import Reply
from opinion.publishing import (
    may_stay_private,
    must_stay_private,
    obstacle,
    obstacle_of_merged,
    owes_the_public,
)
from opinion.screening.judging import Verdict, judge
from opinion.screening.looking import look_through, persons_of
from opinion.templating import left_open
from opinion.wordings import latest, let_stand, public_text
from workflows.models import Case
from workflows.moves import Move
from workflows.registry import Refusal, guard

DRAFTING = frozenset({"save_draft", "draft_reply"})
# The moves that take a reply back from approval, for its text or its claims to be changed.
WAYS_BACK = ("retract_draft", "take_back_approval")
BROKEN = "联系方式的密文打不开，无法核对有无泄露身份，请先由系统管理员修复密钥"


@guard
def every_claim_is_answered(move: Move) -> Refusal | None:
    """Item by item, or with a reason for answering an item separately. Source: 办理情况报告."""
    if "text" not in move.data:
        return None
    said = answers.said_of(move.case, move.data.get("answers", ()))
    wrong = [problem for each in said if (problem := each.problem(move.data["text"]))]
    return Refusal("；".join(wrong)) if wrong else None


@guard
def no_reply_is_under_approval(move: Move) -> Refusal | None:
    """What is being signed answers the claims as they stood; other claims ask for another draft."""
    steps = move.lifecycle.transitions
    backs = [steps[name] for name in WAYS_BACK if name in steps and move.source in steps[name].sources]
    if not backs:
        return None
    ways = "或".join(f"“{step.label}”" for step in backs)
    return Refusal(f"答复已送审，不能再“{move.transition.label}”；请先{ways}，改好后重新拟稿送审")


@guard
def draft_answers_what_stands(move: Move) -> Refusal | None:
    """Claims listed after the draft was put up for approval, as earlier documents allowed, are not passed over."""
    claims = standing(move.case)
    if not claims:
        return None
    answered = {each.claim_id for each in answers.answers_of(latest(move.case, Reply.Kind.DRAFT))}
    left = [f"第 {claim.number} 项" for claim in claims if claim.pk not in answered]
    if not left:
        return None
    return Refusal(f"{'、'.join(left)}诉求是送审后才列明或改动的，还没有回应，请退回，改好后重新拟稿送审")


@guard
def nothing_is_left_open(move: Move) -> Refusal | None:
    """What a template could not fill in has been filled in by somebody."""
    missing = left_open(move.data.get("text", "")) or left_open(move.data.get("public_text", ""))
    return Refusal(f"文中还有待填写的“{missing}”，请填写或删去") if missing else None


@guard
def names_nobody_else(move: Move) -> Refusal | None:
    """Persons whose messages are answered together never read of each other."""
    text = _to_the_person(move)
    return _refusal(move.case, text, public=False) if text else None


@guard
def public_answer_is_possible(move: Move) -> Refusal | None:
    """Nobody chooses a public answer, or words for one, where there cannot be any."""
    no = _why_private(move)
    return Refusal(no) if no else None


@guard
def wording_may_be_public(move: Move) -> Refusal | None:
    """Nobody is known by it; what is doubtful stands for a reason that is given. Source: 民法典 1039, PIPL 25."""
    if no := _why_private(move):
        return Refusal(no)
    text = public_text(move.case, move.name, move.data)
    return _refusal(move.case, text, public=True, stands=lambda: let_stand(move, text)) if text else None


def _why_private(move: Move) -> str:
    """Why what the move would publish may not be; empty where it may, or publishes nothing."""
    if not (move.data.get("public") or move.data.get("public_text")):
        return ""
    if move.name == "reply_merged":
        return obstacle_of_merged(move.case, master_of(move.case)) if move.data.get("public") else ""
    # A draft chooses; all that follows keeps to what was chosen, because publicity signed it or did not.
    return must_stay_private(move.case) if move.name in DRAFTING else obstacle(move.case)


@guard
def reply_would_be_public(move: Move) -> Refusal | None:
    """Only what is answered in public needs leave not to be."""
    if not owes_the_public(move.case):
        return Refusal("本案不必公开答复，可直接只答复本人")
    return Refusal("已准予不公开答复", already=True) if may_stay_private(move.case) else None


@guard
def private_reply_is_allowed(move: Move) -> Refusal | None:
    """What was written in public is answered there, unless a leader has agreed otherwise since the wording was approved."""
    if move.data.get("public", True) or not owes_the_public(move.case) or may_stay_private(move.case):
        return None
    return Refusal("领导留言板的留言应公开答复；确需只答复本人的，请先“申请不公开答复”，由领导同意")


def _to_the_person(move: Move) -> str:
    if move.name == "reply":
        approved = latest(move.case, Reply.Kind.APPROVED) if "public" in move.data else None
        return approved.text if approved else ""
    return str(move.data.get("text") or move.data.get("told") or "")


def verdict_on(case: Case, text: str, *, public: bool) -> Verdict:
    """Raises SealBroken."""
    return judge(look_through(text, case, persons_of(case)), public=public)


def _refusal(
    case: Case, text: str, *, public: bool, stands: Callable[[], frozenset[str]] = frozenset
) -> Refusal | None:
    try:
        verdict = verdict_on(case, text, public=public)
    except SealBroken:
        return Refusal(BROKEN)
    if verdict.refused:
        where = "公开文本" if public else "答复"
        return Refusal(f"{where}{'；'.join(map(str, verdict.refused))}")
    stood = stands() if verdict.doubtful else frozenset()
    left = [finding for finding in verdict.doubtful if finding.code not in stood]
    if left:
        return Refusal(f"公开文本{'；'.join(map(str, left))}。确需保留的，请逐项确认并选择理由")
    return None
