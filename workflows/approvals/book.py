"""The approvals of some locked cases and what their moves do to them: what `ClockBook` is to clocks.

The flow says which way an approval goes; here is what happens on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import models
from viewflow.workflow.status import PROCESS

from workflows import extensions, rows
from workflows.approvals.flow import ApprovalFlow
from workflows.approvals.people import Sitter
from workflows.approvals.picking import SIGNED, below, earlier
from workflows.approvals.rules import SEQUENCE, LevelSpec
from workflows.approvals.seats import SeatBook
from workflows.errors import Cannot
from workflows.models import Approval, ApprovalRules, ApprovalTask, Note, User
from workflows.moves import GRANTED_KEY, Follow, Move
from workflows.published import approval_rules

Decision = ApprovalTask.Decision


@dataclass
class ApprovalBook(SeatBook):
    """What moves do to approvals, and what the flow asks for on the way."""

    _unmanned: list[tuple[Move, Approval]] = field(default_factory=list)

    def turn(self, move: Move) -> None:
        """Apply a move whose state has already changed. Raises MoveRefused."""
        self._move = move
        for kind, declared in move.lifecycle.approvals.items():
            approval = self.running.get((move.case.pk, kind))
            if move.name in declared.opens and move.case.state in declared.during:
                self._open(kind)
            elif move.name in {declared.signs, declared.returns}:
                self._decide(kind, approval, agrees=move.name == declared.signs)
            elif approval is not None and move.name in declared.stops:
                self._stop(approval, Approval.Outcome.STOPPED)
            elif approval is not None and move.case.state not in declared.during:
                self._stop(approval, Approval.Outcome.CANCELLED)
        if move.seating is not None:
            self._reseat(move.seating)
        self._move = None

    def adopt(self, move: Move) -> None:
        """The case went to another version of its lifecycle: end what has no place there."""
        self._move = move
        for case_id, kind in list(self.running):
            if case_id == move.case.pk:
                declared = move.lifecycle.approvals.get(kind)
                if declared is None or move.case.state not in declared.during:
                    self._stop(self.running[case_id, kind], Approval.Outcome.CANCELLED)
        self._move = None

    def replace_departed(self, move: Move) -> bool:
        """Close the seats of people who are to be asked no more; where nobody is left to decide, ask anew. Whether any was."""
        self._move, left = move, []
        for approval in list(self.running.values()):
            gone = [seat for seat in self._open_seats(approval) if not self._may_keep(approval, seat)]
            for seat in gone:
                self._mark(seat, Decision.LEFT)
                seat.flow_task.activation_class(seat).cancel()
                left.append(seat.owner_id)
            if gone and not self._open_seats(approval):
                self._ask_anew(approval)
        if left:
            move.log(left=left)
        self._move = None
        return bool(left)

    def _ask_anew(self, approval: Approval) -> None:
        """In place of the last who were asked: the level's own people as they are now, or those who stand in."""
        agreed = {seat.owner_id for seat in self.seats[id(approval)] if seat.decision == Decision.AGREED}
        sitters = (
            self.begin_level(approval)
            if approval.queue
            else self._sitters_of(approval, self._level(approval))
        )
        fit = [sitter for sitter in sitters if sitter.user.pk not in agreed]
        for sitter in fit:
            self._seat(approval, sitter)
        approval.save()
        self.move.log(
            approval=approval.kind, round=approval.round, level=self._level(approval).name,
            asked=[sitter.user.pk for sitter in fit],
        )  # fmt: skip
        if not fit and not any(one is approval for one in self.unmanned_in(self.move)):
            self._unmanned.append((self.move, approval))

    # ---- what the moves do

    def _open(self, kind: str) -> None:
        """None of the kind is running: `out_of_turn` has seen to that, and the table would refuse a second one."""
        move = self.move
        earlier = Approval.objects.filter(case=move.case, kind=kind).order_by("-round").values("round")[:1]
        newest = ApprovalRules.objects.filter(code=move.lifecycle.levels).order_by("-version")
        found = newest.values_list("id", models.Subquery(earlier)).first()
        if found is None:
            raise Cannot(f"审批层级“{move.lifecycle.levels}”尚未发布，请联系系统管理员")
        rules_id, last = found
        rule = approval_rules(rules_id).rule(kind, move.case.facts)
        approval = rows.make(
            Approval, flow_class=ApprovalFlow, status=PROCESS.NEW.value, created=move.at, case_id=move.case.pk, kind=kind,
            round=(last or 0) + 1, rules_id=rules_id, rule=rule.row,
            levels=[level.model_dump(mode="json") for level in rule.levels], requester_id=move.by.pk,
            said={name: value for name, value in move.logged.items() if name not in _OURS},
        )  # fmt: skip
        self._take(approval)
        self.keep(approval)
        self._dated.append((move, approval))
        move.log(approval=kind, round=approval.round)
        if approval.levels:
            ApprovalFlow.instance.node("start").run(approval=approval)
        else:
            approval.status = PROCESS.DONE.value
            self.grant(approval)

    def _decide(self, kind: str, approval: Approval | None, *, agrees: bool) -> None:
        move = self.move
        mine = [seat for seat in self._open_seats(approval) if seat.owner_id == move.by.pk]
        if approval is None or not mine:
            raise self._too_late(kind, approval)
        move.log(approval=kind, round=approval.round, level=self._level(approval).name)
        for seat in mine:
            # With one agreement enough, the first ends the level and with it the others.
            if seat.is_open:
                self._mark(seat, Decision.AGREED if agrees else Decision.RETURNED)
                activation = seat.flow_task.activation_class(seat)
                activation.start(None)
                activation.execute()
        if not agrees:
            approval.finished, approval.outcome = move.at, Approval.Outcome.RETURNED.value
            approval.save()
            del self.running[approval.case_id, kind]

    def _stop(self, approval: Approval, outcome: Approval.Outcome) -> None:
        """It ends without a decision, whatever ends it: and so does what only it could have decided."""
        move = self.move
        self.close_seats(approval, met=False)
        approval.status, approval.finished, approval.outcome = PROCESS.CANCELED.value, move.at, outcome.value
        approval.save()
        del self.running[approval.case_id, approval.kind]
        extensions.drop_asked_with(move, approval.seq)
        move.log(stopped=[*move.logged.get("stopped", []), approval.kind])

    # ---- what the flow asks for

    def begin_level(self, approval: Approval) -> list[Sitter]:
        """The people to be asked now: the next in turn, or those of the next level."""
        move = self.move
        if approval.queue:
            (user_id, stands_for), *approval.queue = approval.queue
            sitters = [Sitter(User.objects.get(pk=user_id), stands_for)]
            self._pass_to(approval, sitters[0].user, stands_for)
        else:
            signed = {s.owner_id for s in self.seats[id(approval)] if s.decision == Decision.AGREED}
            approval.said = {**approval.said, SIGNED: sorted(signed | below(approval))}
            approval.level += 1
            self.seats[id(approval)] = []
            sitters = self._sitters_of(approval, self._level(approval))
            if clock := self._clock(approval):
                move.begin(clock)
        approval.save()
        move.log(next=self._level(approval).name, asked=[sitter.user.pk for sitter in sitters])
        return sitters

    def _sitters_of(self, approval: Approval, level: LevelSpec) -> list[Sitter]:
        finder, rules = self._finder(approval), approval_rules(approval.rules_id)
        seating = finder.seat(level, rules, earlier=earlier(approval), below=below(approval))
        if seating.fallen_back:
            self._unmanned.append((self.move, approval))
        if copied := [user.pk for user in finder.holders(level.copy_to)]:
            self.move.log(copied=copied)
        sitters = list(seating.sitters)
        if sitters:
            self._pass_to(approval, sitters[0].user, sitters[0].stands_for)
        if level.agree == SEQUENCE and sitters:
            approval.queue = [[sitter.user.pk, sitter.stands_for] for sitter in sitters[1:]]
            return sitters[:1]
        return sitters

    def goes_on(self, approval: Approval) -> bool:
        return bool(approval.queue) or approval.level < len(approval.levels)

    def close_seats(self, approval: Approval, *, met: bool = True) -> None:
        """The level is over: nobody else is asked any more, and its clock is met, unless it was broken off."""
        for seat in self._open_seats(approval):
            seat.flow_task.activation_class(seat).cancel()
        going_on = met and not self.was_returned(approval)
        approval.queue = self._still_in_turn(approval) if going_on else []
        clock = self._clock(approval)
        if clock and not approval.queue:
            (self.move.meet if met else self.move.end)(clock)

    def _still_in_turn(self, approval: Approval) -> list[list[int | None]]:
        """Those whose turn is to come, as it is now: without whoever left or has agreed already, the absent by deputies."""
        if not approval.queue:
            return []
        finder = self._finder(approval)
        done = {s.owner_id for s in self.seats[id(approval)] if s.decision == Decision.AGREED}
        done |= earlier(approval)
        users = User.objects.in_bulk([user_id for user_id, _ in approval.queue])
        found = [(finder.now(users[user_id], left_out=done), first) for user_id, first in approval.queue]
        return [[sitter.user.pk, first or sitter.stands_for] for sitter, first in found if sitter is not None]

    def grant(self, approval: Approval) -> None:
        """The last agreement: the case makes the move that was asked for, with what was said then and now."""
        move = self.move
        approval.finished, approval.outcome = move.at, Approval.Outcome.GRANTED.value
        approval.save()
        del self.running[approval.case_id, approval.kind]
        data = move.data
        if approval.seq:
            notes = Note.objects.filter(case=approval.case_id, seq=approval.seq).values_list("kind", "text")
            data = {**approval.said, **dict(notes), **data}
        name = move.lifecycle.approvals[approval.kind].granted
        move.follow(Follow(name, f"{GRANTED_KEY}{approval.kind}:{approval.round}", data))

    def unmanned_in(self, move: Move) -> list[Approval]:
        """Approvals whose new level had too few people of its own."""
        return [approval for other, approval in self._unmanned if other is move]

    def _clock(self, approval: Approval) -> str | None:
        own = self._level(approval).clock if 0 < approval.level <= len(approval.levels) else None
        declared = self.move.lifecycle.approvals.get(approval.kind)
        return own or (declared.clock if declared is not None else None)


def touches(move: Move) -> bool:
    """Whether a move, made but not written, has to do with an approval: begins, decides or ends one, or may leave it."""
    if move.seating is not None:
        return True
    for declared in move.lifecycle.approvals.values():
        if move.name in declared.opens or move.name in {declared.signs, declared.returns, *declared.stops}:
            return True
        if move.source in declared.during and move.case.state not in declared.during:
            return True
    return False


# What the book itself says of an approval on an event; not part of what was asked for.
_OURS = {"approval", "round", "level", "next", "asked", "copied"}
