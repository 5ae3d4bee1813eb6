"""Roles, guards and effects of the toy lifecycle, registered once for the whole test run."""

from workflows.models import Case, User
from workflows.moves import Move
from workflows.registry import FACTS, RECIPIENTS, Recipient, Refusal, effect, guard, role

for _name in ("toy_hand", "toy_head"):
    RECIPIENTS.add(_name, Recipient(_name, _name, lambda events: ()))


@role("toy_clerk", "玩具登记员", sees="own")
def toy_clerk(case: Case, user: User) -> bool:
    return user.standing.holds("toy_clerk", case.desk_id)


@role("toy_worker", "玩具承办人", sees="own")
def toy_worker(case: Case, user: User) -> bool:
    return user.standing.holds("toy_worker", case.lead_id)


@role("toy_watcher", "玩具督办员", sees="area", confidential=True)
def toy_watcher(case: Case, user: User) -> bool:
    return user.standing.oversees("toy_watcher", case.desk_id)


def _signs(name: str, label: str) -> None:
    """Somebody who may be asked to sign for the offices below."""
    role(name, label, sees="area")(lambda case, user: user.standing.oversees(name, case.desk_id))


for _name, _label in (("toy_chief", "玩具负责人"), ("toy_deputy", "玩具副职"), ("toy_boss", "玩具领导")):
    _signs(_name, _label)


@guard
def toy_unclaimed(move: Move) -> Refusal | None:
    return Refusal("已有人领办", already=True) if move.case.user_id else None


@guard
def toy_has_lead(move: Move) -> Refusal | None:
    return None if move.case.lead_id or "lead" in move.data or not move.data else Refusal("请选择主办单位")


@effect
def toy_give(move: Move) -> None:
    from workflows.models import Participation

    move.set(lead_id=move.data["lead"])
    move.log(lead=move.data["lead"])
    Participation.objects.filter(case=move.case, role="lead", ended_at=None).update(ended_at=move.at)
    move.add(Participation(case=move.case, unit_id=move.data["lead"], role="lead", started_at=move.at))


@effect
def toy_give_if_said(move: Move) -> None:
    """Without a lead the state cannot be entered, which no guard asks: the door finds it out."""
    if move.data.get("lead"):
        toy_give(move)


@effect
def toy_claim(move: Move) -> None:
    move.set(user_id=move.by.pk)


@effect
def toy_note(move: Move) -> None:
    move.note("remark", move.data.get("remark", ""))


@effect
def toy_regrade(move: Move) -> None:
    move.set(facts={**move.case.facts, "toy_grade": move.data["grade"]})


@effect
def toy_break(move: Move) -> None:
    """Something nobody foresaw, where the data says so."""
    if move.data.get("broken"):
        raise RuntimeError("broken")


FACTS.add("toy_grade", lambda: {"plain": "一般", "hard": "复杂"})
