"""Seats in the present level of an approval: who has one, who gets one, who gives one away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from viewflow.workflow.status import STATUS
from viewflow.workflow.token import Token

from workflows import rows
from workflows.approvals.flow import ApprovalFlow
from workflows.approvals.people import Finder, Sitter, agreed
from workflows.approvals.picking import Picking, barred_from, level_of
from workflows.approvals.rules import LevelSpec
from workflows.approvals.shelf import Shelf
from workflows.declarations import ApprovalDecl
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Approval, ApprovalTask, User
from workflows.published import approval_rules

Decision = ApprovalTask.Decision


@dataclass
class SeatBook(Shelf):
    """What can be asked and changed of seats, whatever brings it about."""

    _finders: dict[int, Finder] = field(default_factory=dict)

    def _reseat(self, wish: tuple[str, str, int]) -> None:
        """wish: add, remove or hand; kind of approval; id of a user."""
        move, (what, kind, user_id) = self.move, wish
        approval = self.running.get((move.case.pk, kind))
        if approval is None:
            raise Cannot(f"{move.case.number} 的这项审批已经结束，请刷新后再办理")
        user = User.objects.filter(pk=user_id).first()
        there = {seat.owner_id: seat for seat in self._open_seats(approval)}
        if what == "remove":
            self._remove(there.get(user_id))
        elif what == "add" and there and move.by.pk in self._finder(approval).barred:
            raise Cannot("申请人和拟稿人不能为自己的申请加签，请由审批人或受理台加签")
        elif what == "add":
            added = Sitter(self._picked(approval, user, instead=False))
            self._seat(approval, added, extra=True, handed_by=move.by.pk)
        else:
            mine = there.get(move.by.pk)
            if mine is None:
                raise self._too_late(kind, approval)
            user = self._picked(approval, user, instead=True)
            self._mark(mine, Decision.HANDED)
            mine.flow_task.activation_class(mine).cancel()
            heir = Sitter(user, mine.stands_for_id)
            # One that was added stays with whoever added it, who may take it away.
            by = mine.handed_by_id if mine.extra else move.by.pk
            self._seat(approval, heir, extra=mine.extra, handed_by=by)
            self._pass_to(approval, user)
        move.log(approval=kind, round=approval.round, level=self._level(approval).name, person=user_id)

    def _picked(self, approval: Approval, user: User | None, *, instead: bool) -> User:
        picking = Picking(approval, self.seats[id(approval)], self._finder(approval), self.move.by, instead)
        reason = picking.why_not(user)
        if user is None or reason is not None:
            raise Cannot(reason or "")
        return user

    def _pass_to(self, approval: Approval, asked: User, stands_for: int | None = None) -> None:
        """Whoever has to decide holds the case, and everybody can see it. stands_for: id of whom somebody sits for."""
        if not self._declared(approval).holds:
            return
        unit_id = self._finder(approval).office_of(Sitter(asked, stands_for))
        if unit_id is not None and unit_id != self.move.case.unit_id:
            self.move.set(unit_id=unit_id, user_id=None)

    def _remove(self, seat: ApprovalTask | None) -> None:
        if seat is None or not seat.extra or seat.handed_by_id != self.move.by.pk:
            raise Cannot("只能减去自己加签而尚未表态的人，请另选")
        self._mark(seat, Decision.REMOVED)
        seat.flow_task.activation_class(seat).cancel()
        approval = seat.process
        done = [s for s in self.seats[id(approval)] if s.decision == Decision.AGREED]
        if self.level_is_over(approval) and done:
            # Everybody else had agreed: nothing is waited for any more, and the approval goes on.
            done[-1].flow_task.activation_class(done[-1]).activate_next()

    def _seat(
        self, approval: Approval, sitter: Sitter, *, extra: bool = False, handed_by: int | None = None
    ) -> None:
        node = ApprovalFlow.instance.node("decide")
        seats = self.seats[id(approval)]
        token = seats[0].token if seats else Token(f"start/{approval.level}_1")
        seat = self.new_seat(approval, node, token, sitter, extra=extra)
        seat.handed_by_id = handed_by
        node.activation_class(seat).assign(sitter.user)
        self.move.log(asked=[sitter.user.pk])

    def new_seat(
        self, approval: Approval, node: Any, token: Any, sitter: Sitter, *, extra: bool = False
    ) -> ApprovalTask:
        seat = rows.make(
            ApprovalTask, flow_task=node, token=token, status=STATUS.NEW.value, created=self.move.at, assigned=self.move.at,
            case_id=approval.case_id, level=approval.level, extra=extra, stands_for_id=sitter.stands_for,
            requester_id=approval.requester_id, owner_id=sitter.user.pk,
        )  # fmt: skip
        seat.process = approval
        seat.sitter = sitter
        self.seats[id(approval)].append(seat)
        return seat

    def was_returned(self, approval: Approval) -> bool:
        return any(seat.decision == Decision.RETURNED for seat in self.seats[id(approval)])

    def level_is_over(self, approval: Approval) -> bool:
        """Given back by one; or agreed by enough, and by everybody who was added."""
        if self.was_returned(approval):
            return True
        level, seats = self._level(approval), self.seats[id(approval)]
        if agreed(level, seats):
            return True
        # Only whoever was added can do without those who left meanwhile.
        if not any(seat.extra and seat.decision == Decision.AGREED for seat in seats):
            return False
        waiting = self._open_seats(approval)
        gone = frozenset(seat.owner_id for seat in waiting if not self._may_keep(approval, seat))
        return bool(waiting) and agreed(level, seats, gone)

    def _may_keep(self, approval: Approval, seat: ApprovalTask) -> bool:
        """Whether somebody who was asked is so still: works here, may know the case, and is what the level asks for.

        Whom a person chose, or a deputy, need not be of the level: nobody else was when they were asked.
        """
        finder = self._finder(approval)
        if not finder.may_sit(seat.owner):
            return False
        if seat.extra or seat.stands_for_id or seat.handed_by_id:
            return True
        return finder.belongs(seat.owner, self._level(approval), approval_rules(approval.rules_id))

    def _declared(self, approval: Approval) -> ApprovalDecl:
        return self.move.lifecycle.approvals[approval.kind]

    def _level(self, approval: Approval) -> LevelSpec:
        return level_of(approval)

    def _open_seats(self, approval: Approval | None) -> list[ApprovalTask]:
        return [s for s in self.seats[id(approval)] if s.is_open] if approval is not None else []

    def _finder(self, approval: Approval) -> Finder:
        if id(approval) not in self._finders:
            self._finders[id(approval)] = Finder(self.move.case, self.move.at, barred_from(approval))
        return self._finders[id(approval)]

    def _mark(self, seat: ApprovalTask, decision: Decision) -> None:
        seat.decision = decision.value
        self._dated.append((self.move, seat))

    def _too_late(self, kind: str, approval: Approval | None) -> Exception:
        from workflows.approvals.standing import why_closed

        closed = why_closed(self.move.case, self.move.by, kind)
        if closed is not None:
            return Already(closed)
        return MayNot(f"{self.move.case.number} 的这项审批没有请您表态")
