"""More time for a clock: who asked for how much, whether the policy has room for it, and what was decided.

Asked for before the deadline passes (afterwards only on a supervisor's word, which the event says); decided by somebody
else; counted from the deadline as it stands then. A pending request stops nothing. How often and how long is said by
the rule the clock runs by. The clock itself is moved by the door (`ClockBook`), together with the event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from workflows.errors import Cannot
from workflows.limits import Limit, LimitError, LimitUnit
from workflows.models import Case, Clock, Extension
from workflows.moves import Move
from workflows.published import calendar, policy


@dataclass(frozen=True)
class Room:
    """What the policy still allows a clock. longest: of one extension, 0 where there is none left."""

    clock: Clock
    unit: LimitUnit
    longest: Decimal
    times_left: int

    def obstacle(self, amount: Limit) -> str:
        """Why not so much; empty where it may be."""
        if not self.times_left or self.longest <= 0:
            return "本时限的延期次数或累计时长已用完，不能再延"
        if amount.unit is not self.unit or amount.amount > self.longest:
            return f"本次至多延长 {Limit(self.longest, self.unit).label}，请缩短"
        return ""


def room(clock: Clock) -> Room | None:
    """None for a clock whose rule grants no extension. One statement."""
    return _room(
        clock, clock.extensions.filter(state=Extension.State.GRANTED).values_list("amount", flat=True)
    )


def extendable(case: Case) -> Sequence[Room]:
    """The going clocks of a case that the policy lets be extended, full or not; soonest due first. Two statements."""
    granted: dict[int, list[str]] = defaultdict(list)
    for clock_id, amount in case.extensions.filter(state=Extension.State.GRANTED).values_list(
        "clock_id", "amount"
    ):
        granted[clock_id].append(amount)
    rooms = (_room(clock, granted[clock.pk]) for clock in case.clocks.going().order_by("due_at", "id"))
    return [found for found in rooms if found is not None]


def _room(clock: Clock, granted: Iterable[str]) -> Room | None:
    rule = policy(clock.policy_id).row(clock.rule)
    if rule is None or rule.extension is None:
        return None
    each, total = Limit.parse(rule.extension.each), Limit.parse(rule.extension.total)
    past = list(map(Limit.parse, granted))
    left = total.amount - sum((limit.amount for limit in past if limit.unit is each.unit), Decimal(0))
    times_left = max(rule.extension.times - len(past), 0)
    longest = min(each.amount, left) if times_left else Decimal(0)
    return Room(clock, each.unit, longest, times_left)


def used_by(case_id: int, kind: str) -> int:
    """Seconds that the finished cycles of a clock have used together."""
    finished = Clock.objects.filter(case=case_id, kind=kind, finished_at__isnull=False)
    return finished.aggregate(used=Sum("consumed_seconds"))["used"] or 0


def pending(case: Case) -> Extension | None:
    """The request to be decided. One for a clock that has ended meanwhile has lapsed."""
    waiting = case.extensions.filter(state=Extension.State.REQUESTED, clock__finished_at=None)
    return waiting.select_related("clock", "requester").order_by("id").first()


def obstacle(case: Case, kind: str, amount: str, *, at: datetime, late: bool) -> str:
    """Why an extension cannot be asked for; empty where it can."""
    found = next((r for r in extendable(case) if r.clock.kind == kind), None)
    if found is None:
        return "这个时限不能延期：没有在计时，或规则未规定可以延期"
    try:
        wanted = Limit.parse(amount)
    except LimitError as error:
        return str(error)
    if late and at <= found.clock.due_at:
        return "时限尚未到期，请由承办单位申请延期"
    if not late and at > found.clock.due_at:
        return "时限已过，承办单位不能再申请；确有必要的由督办员提出逾期延期"
    return found.obstacle(wanted) or _still_late(found.clock, wanted, at)


def _still_late(clock: Clock, amount: Limit, at: datetime) -> str:
    """Why so much would not help: counted from the deadline that has passed, the new one has passed, too."""
    until = reaches(clock, amount)
    if until > at:
        return ""
    return f"自原到期日起延长{amount.label}只到 {timezone.localtime(until):%Y-%m-%d %H:%M}，仍已逾期，请增加"


def reaches(clock: Clock, amount: Limit) -> datetime:
    """When a clock would be due with so much more time, counted from the deadline as it stands."""
    return calendar(clock.calendar_id).due(clock.due_at, amount).at


def ask(move: Move, *, kind: str, amount: str, reason: str, late: bool = False) -> Extension:
    """Add the request to this move. Raises Cannot."""
    if pending(move.case) is not None:
        raise Cannot(f"{move.case.number} 已有一件延期申请待批")
    refusal = obstacle(move.case, kind, amount, at=move.at, late=late)
    if refusal:
        raise Cannot(refusal)
    clock = move.case.clocks.going().get(kind=kind)
    extension = Extension(
        case=move.case, clock=clock, amount=str(Limit.parse(amount)), reason=reason, late=late, requester=move.by,
        requested_at=move.at,
    )  # fmt: skip
    move.add(extension)
    move.log(clock=kind, amount=extension.amount, reason=reason, **({"late": True} if late else {}))
    return extension


def grant(move: Move) -> Extension:
    """Let the pending request take effect with this move. Raises Cannot, also where the room has gone meanwhile."""
    extension = _to_decide(move)
    if extension.requester_id == move.by.pk:
        raise Cannot("不能批准自己提出的延期，请由他人批准")
    left = room(extension.clock)
    amount = Limit.parse(extension.amount)
    refusal = left.obstacle(amount) if left else "规则不允许延长这个时限"
    refusal = refusal or _still_late(extension.clock, amount, move.at)
    if refusal:
        raise Cannot(refusal)
    move.log(**_codes(extension), approver=move.by.pk)
    move.extend(extension)
    return extension


def refuse(move: Move) -> Extension:
    """Turn the pending request down. Raises Cannot."""
    return _end(move, Extension.State.REFUSED)


def retract(move: Move) -> Extension:
    """Take the own unit's pending request back. Raises Cannot."""
    return _end(move, Extension.State.RETRACTED)


def drop(move: Move) -> None:
    """The unit that asked handles the case no more: what it asked for lapses with this move."""
    _lapse(move, pending(move.case))


def drop_asked_with(move: Move, seq: int) -> None:
    """An approval ends undecided with this move: the request lapses whose event is `seq`, if one was made with it."""
    waiting = move.case.extensions.filter(state=Extension.State.REQUESTED, seq=seq)
    _lapse(move, waiting.select_related("clock").first())


def _lapse(move: Move, extension: Extension | None) -> None:
    """The event says which, in codes of its own: clock, amount and the event it was asked with."""
    if extension is None:
        return
    dropped = {"state": Extension.State.RETRACTED, "decider": move.by, "decided_at": move.at}
    Extension.objects.filter(pk=extension.pk).update(**dropped)
    lapsed = {"clock": extension.clock.kind, "amount": extension.amount, "request": extension.seq}
    move.log(lapsed_extension=lapsed)


def _end(move: Move, state: Extension.State) -> Extension:
    extension = _to_decide(move)
    Extension.objects.filter(pk=extension.pk).update(state=state, decider=move.by, decided_at=move.at)
    move.log(**_codes(extension))
    return extension


def _to_decide(move: Move) -> Extension:
    extension = pending(move.case)
    if extension is None:
        raise Cannot(f"{move.case.number} 没有待批的延期申请")
    return extension


def _codes(extension: Extension) -> dict[str, str | int]:
    return {
        "clock": extension.clock.kind,
        "amount": extension.amount,
        "reason": extension.reason,
        "requester": extension.requester_id,
        "request": extension.seq,
    }
