"""What a lifecycle's transitions may use around an approval: guards and effects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from workflows.approvals.people import Finder
from workflows.approvals.standing import ended, kinds_waiting_for, running, still_fits, why_closed, why_ended
from workflows.errors import Cannot
from workflows.models import Approval, ApprovalTask, Case, User
from workflows.moves import Move
from workflows.registry import ROLES, Refusal, effect, guard


def _kinds_of(move: Move) -> list[str]:
    """The approvals a move is about: those it decides; for any other, the running ones of the case."""
    deciding = [
        kind
        for kind, declared in move.lifecycle.approvals.items()
        if move.name in {declared.signs, declared.returns, *declared.stops}
    ]
    return deciding or [approval.kind for approval in running(move.case)]


@guard
def seat_is_open(move: Move) -> Refusal | None:
    """Whoever decides is asked now; else what became of it: who decided, and when."""
    kinds = _kinds_of(move)
    if set(kinds) & set(kinds_waiting_for(move.case, move.by)):
        return None

    def why() -> str:
        closed = (why_closed(move.case, move.by, kind) for kind in kinds)
        return next(filter(None, closed), "此项审批没有请您表态")

    return Refusal(why, already=True)


@guard
def asked_for_approval(move: Move) -> Refusal | None:
    """What is taken back is still being asked for."""
    kinds = _kinds_of(move)
    if any(approval.kind in kinds for approval in running(move.case)):
        return None
    return none_is_asked_for(move.case, kinds)


def none_is_asked_for(case: Case, kinds: Sequence[str], otherwise: str = "没有待审批的申请") -> Refusal:
    """Why an approval that somebody thinks is running is not: who ended it, or that there was none."""
    last = ended(case, kinds)
    return Refusal(otherwise) if last is None else Refusal(partial(why_ended, last), already=True)


@guard
def approval_is_running(move: Move) -> Refusal | None:
    return None if running(move.case) else Refusal("本案没有正在进行的审批")


@guard
def has_added_a_signer(move: Move) -> Refusal | None:
    if not running(move.case):
        return Refusal("本案没有正在进行的审批")
    added = ApprovalTask.objects.waiting().filter(case=move.case, extra=True, handed_by=move.by)
    return None if added.exists() else Refusal("没有可以减去的加签人")


@guard
def approval_still_fits(move: Move) -> Refusal | None:
    """What was granted was granted for such a case as this still is. The approval meant led to this very state."""
    granting = {
        kind
        for kind, declared in move.lifecycle.approvals.items()
        if move.lifecycle.transitions[declared.granted].to == move.source
    }
    done = Approval.objects.filter(case=move.case, kind__in=granting, outcome=Approval.Outcome.GRANTED)
    last = done.order_by("-id").first()
    if last is None or still_fits(last, move.case):
        return None
    return Refusal("案件的分类或等级在审定后有变，应经的审批层级随之不同，请退回后重新送审")


@guard
def may_arrange_signers(move: Move) -> Refusal | None:
    """Who was asked once is not asked for ever: as an approver only while the own seat is open."""
    otherwise = (ROLES[name] for name in move.transition.role if name != "approver")
    if any(role.may(move.case, move.by) for role in otherwise):
        return None
    return (
        None
        if kinds_waiting_for(move.case, move.by)
        else Refusal("此项审批已不等您表态，不能再加签、减签或抄送")
    )


@effect
def add_signer(move: Move) -> None:
    """data: person (user id), approval (kind; absent: the only one), remark (text)."""
    _reseat(move, "add")


@effect
def remove_signer(move: Move) -> None:
    """data as in `add_signer`."""
    _reseat(move, "remove")


@effect
def hand_over(move: Move) -> None:
    """data as in `add_signer`: the own seat goes to somebody else (委派)."""
    _reseat(move, "hand")


def _reseat(move: Move, what: str) -> None:
    mine = kinds_waiting_for(move.case, move.by) or [approval.kind for approval in running(move.case)]
    kind = move.data.get("approval") or (mine[0] if mine else "")
    if kind not in move.lifecycle.approvals:
        raise Cannot("没有这项审批，请刷新后再办理")
    move.seating = (what, kind, int(move.data["person"]))
    move.note("remark", move.data.get("remark", ""))


@effect
def send_copy(move: Move) -> None:
    """data: people (user ids), approval (kind), remark (text). They are told, and asked nothing (抄送)."""
    people = [int(pk) for pk in move.data["people"]]
    finder = Finder(move.case, move.at, ())
    found = User.objects.in_bulk(people)
    if not all(pk in found and finder.may_sit(found[pk]) for pk in people):
        raise Cannot("所选的人中有人已不在岗或不可知悉本案，请另选")
    move.log(copied=people)
    move.note("remark", move.data.get("remark", ""))
