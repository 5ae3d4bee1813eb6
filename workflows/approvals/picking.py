"""Whom somebody may give a seat by hand: asked by the form that offers people, and by the book that seats them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workflows.approvals.people import Finder
from workflows.approvals.rules import LevelSpec
from workflows.models import Approval, ApprovalTask, User
from workflows.published import approval_rules

Decision = ApprovalTask.Decision
# In what an approval remembers of its asking: who has agreed on a level below, and who has no seat in it at all.
SIGNED, RECUSED = "signed", "recused"


@dataclass(frozen=True)
class Picking:
    """Seats of the present level that `by` gives: one more (加签), or, `instead`, the own one (委派).

    seats: of that level. finder: for the case, of `barred_from(approval)`.
    """

    approval: Approval
    seats: Sequence[ApprovalTask]
    finder: Finder
    by: User
    instead: bool

    def among(self, users: Iterable[User]) -> list[User]:
        """Those the book would seat."""
        found = list(users)
        away = self.finder.away(found)
        return [user for user in found if user.pk not in away and self.why_not(user) is None]

    def why_not(self, user: User | None) -> str | None:
        """What keeps somebody from being seated, and what to do; None where nothing does."""
        if user is None or not self.finder.may_sit(user):
            return "所选的人不能审批本案：须是在岗、可知悉本案且不是申请人的人，请另选"
        if any(seat.is_open and seat.owner_id == user.pk for seat in self.seats):
            return f"{user} 已在本级审批中，请另选"
        if self.finder.away([user]):
            stand_in = self.finder.now(user)
            return f"{user} 此间外出{f'，由 {stand_in.user} 代审，请改选' if stand_in else '，请另选'}"
        return self._why_no_heir(user) if self.instead else None

    def _why_no_heir(self, user: User) -> str | None:
        """A level keeps to its own people: nobody who signed on another, nobody from elsewhere."""
        if user.pk in below(self.approval):
            return f"{user} 已在此次审批的其他级表态，请另选"
        if user.pk in earlier(self.approval):
            return f"{user} 已审过前几轮，本级须换人审，请另选"
        rules = approval_rules(self.approval.rules_id)
        if not self.finder.may_take_over(user, self.by, level_of(self.approval), rules):
            return f"{user} 不是本级的审批岗位，也不是您同单位的同事，请另选"
        return None


def barred_from(approval: Approval) -> frozenset[int]:
    """Ids of those who have no seat in an approval: who asked, and who wrote what it is about."""
    return frozenset([approval.requester_id, *approval.said.get(RECUSED, ())])


def below(approval: Approval) -> frozenset[int]:
    """Ids of those who agreed on a level below."""
    return frozenset(approval.said.get(SIGNED, ()))


def earlier(approval: Approval) -> frozenset[int]:
    """Ids of those who decided in earlier rounds, where the present level is for others (`fresh`); one statement there,
    once for an instance."""
    if not level_of(approval).fresh:
        return frozenset()
    known: frozenset[int] | None = approval.__dict__.get("_earlier")
    if known is None:
        decided = ApprovalTask.objects.filter(case=approval.case_id, process__kind=approval.kind)
        decided = decided.filter(decision__in=[Decision.AGREED, Decision.RETURNED])
        known = frozenset(decided.exclude(process=approval.pk).values_list("owner_id", flat=True))
        approval.__dict__["_earlier"] = known
    return known


def level_of(approval: Approval) -> LevelSpec:
    """The level being asked, or the last that was; read once for an instance."""
    known: dict[int, LevelSpec] = approval.__dict__.setdefault("_read_levels", {})
    number = max(approval.level, 1)
    if number not in known:
        known[number] = LevelSpec.model_validate(approval.levels[number - 1])
    return known[number]
