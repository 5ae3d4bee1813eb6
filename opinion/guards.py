"""Questions a move must pass. Pure: they read, and say why not.

A button asks them with empty data, before its form is filled in; what depends on the form then passes.
"""

from __future__ import annotations

from opinion import declines, follow_ups
from opinion.barring import barred_units, unbarrable_units
from opinion.codes import choices
from opinion.masters_words import approved_texts, for_case, stray_sentence
from opinion.merging import master_of, obstacle, unfit
from opinion.models import Attachment, Contact
from opinion.quantities import DECLINES, quantity
from opinion.wordings import authors_since_answer, public_text
from workflows import extensions
from workflows.approvals.moving import none_is_asked_for
from workflows.dues import left_in_total
from workflows.extensions import used_by
from workflows.limits import Limit
from workflows.models import Case, Event, Unit
from workflows.moves import Move
from workflows.published import calendar, newest_calendar_id, policy
from workflows.registry import Refusal, guard

# ---- dispatching


@guard
def fewer_than_three_declines(move: Move) -> Refusal | None:
    """At most so many declines a case; then the desk designates, and that is final."""
    most = quantity(move.case, DECLINES)
    if len(declines.declined_by(move.case)) < most:
        return None
    if move.name in {"decline", "request_decline"}:
        return Refusal(f"本案已退单 {most} 次，不能再退单，如有异议请在备注中说明")
    return Refusal(f"本案已退单 {most} 次，请直接指定承办单位，或报请裁定")


@guard
def unit_has_not_declined_before(move: Move) -> Refusal | None:
    if move.case.lead_id in declines.declined_by(move.case):
        return Refusal("本单位已退过一次，不能再次退单")
    return None


@guard
def time_to_decline_is_left(move: Move) -> Refusal | None:
    """Silence is acceptance, from the deadline on and not only once somebody has looked."""
    clock = move.case.clocks.going().filter(kind="accept", due_at__lt=move.at).first()
    return Refusal(f"签收期限已过，视为签收，不能再{move.transition.label}") if clock else None


@guard
def declined_too_often(move: Move) -> Refusal | None:
    """Before that the desk decides by itself; a unit that was refused may go to the leader."""
    most = quantity(move.case, DECLINES)
    if len(declines.declined_by(move.case)) >= most:
        return None
    return Refusal(f"本案退单未满 {most} 次，请直接裁定退单")


@guard
def decline_was_rejected(move: Move) -> Refusal | None:
    """What the desk or a leader designated otherwise is final."""
    if declines.was_rejected(move.case):
        return None
    return Refusal("本单位的退单没有被驳回，不能提请裁定")


@guard
def dispute_not_raised_before(move: Move) -> Refusal | None:
    """Once a case: what the leader said then stands."""
    if Event.objects.filter(case=move.case, name="message.disputed").exists():
        return Refusal("本案已提请裁定过一次，裁定为最终决定", already=True)
    return None


@guard
def takes_no_barred_unit(move: Move) -> Refusal | None:
    chosen = {*([move.data["lead"]] if "lead" in move.data else []), *move.data.get("assisting", ())}
    hit = chosen & barred_units(move.case) if chosen else set()
    if not hit:
        return None
    names = "、".join(Unit.objects.filter(pk__in=hit).values_list("name", flat=True))
    return Refusal(f"{names}是被反映单位或其下级，不能承办，请另选单位")


@guard
def goes_to_another_lead(move: Move) -> Refusal | None:
    if "lead" in move.data and move.data["lead"] == move.case.lead_id:
        return Refusal("主办单位没有变化，请另选单位")
    return None


@guard
def nobody_has_taken_it_up(move: Move) -> Refusal | None:
    """The sender may take a case back only before the receiver acts."""
    return Refusal("承办单位已有人领办，不能收回") if move.case.user_id else None


@guard
def barred_unit_is_not_the_desk(move: Move) -> Refusal | None:
    if move.data.get("unit") in unbarrable_units(move.case.desk_id):
        return Refusal("被反映单位是本受理台或其上级，请转上级受理，不能在本台办理")
    return None


# ---- handling


@guard
def nobody_has_claimed(move: Move) -> Refusal | None:
    if move.case.user_id is None:
        return None
    return Refusal(f"{move.case.user} 已领办", already=True)


@guard
def somebody_has_claimed(move: Move) -> Refusal | None:
    """A handler hands back the own claim; the unit's head anybody's."""
    if move.case.user_id is None:
        return Refusal("还没有人领办", already=True)
    if move.case.user_id != move.by.pk and not move.by.standing.holds("unit_head", move.case.lead_id):
        return Refusal(f"由 {move.case.user} 领办，应由本人或单位负责人交还")
    return None


@guard
def took_place_already(move: Move) -> Refusal | None:
    """What is recorded has happened: neither later than now nor before what the case is about began."""
    happened_at = move.data.get("happened_at")
    if happened_at is None or move.case.began_at.replace(second=0, microsecond=0) <= happened_at <= move.at:
        return None
    return Refusal("记录的时间晚于现在或早于登记，请填写实际发生的时间")


@guard
def follow_up_is_promised(move: Move) -> Refusal | None:
    return None if follow_ups.standing(move.case) else Refusal("没有约定中的跟进", already=True)


@guard
def file_is_kept(move: Move) -> Refusal | None:
    kept = Attachment.objects.filter(case=move.case).kept().exists()
    return None if kept else Refusal("本案没有可以撤下的附件", already=True)


@guard
def draft_is_not_own(move: Move) -> Refusal | None:
    """Whoever wrote the draft, or a version of it since the last answer, does not approve it."""
    if move.by.pk in authors_since_answer(move.case):
        return Refusal("不能审核自己拟的稿，请由他人审核")
    return None


@guard
def pause_is_allowed(move: Move) -> Refusal | None:
    """Only for a listed reason, and only while something is left of the total the policy allows."""
    if "reason" in move.data and move.data["reason"] not in dict(choices("suspend_reason")):
        return Refusal("暂停理由不在允许的范围内，请从列表中选择")
    rule = policy(move.case.policy_id).rule("suspension", move.case.facts)
    if rule.in_total is None:
        return None
    rules_calendar = calendar(newest_calendar_id(policy(move.case.policy_id).calendar))
    if left_in_total(rules_calendar, rule.in_total, used_by(move.case.pk, "suspension")) is None:
        return Refusal(f"本案累计暂停已满{Limit.parse(rule.in_total).label}，不能再暂停")
    return None


# ---- extensions


def _no_extension(move: Move, *, late: bool) -> Refusal | None:
    if extensions.pending(move.case) is not None:
        return Refusal("已有一件延期申请待批", already=True)
    if "clock" in move.data and "amount" in move.data:
        said = move.data
        refusal = extensions.obstacle(move.case, said["clock"], said["amount"], at=move.at, late=late)
        return Refusal(refusal) if refusal else None
    rooms = [room for room in extensions.extendable(move.case) if late == (move.at > room.clock.due_at)]
    if any(room.longest > 0 for room in rooms):
        return None
    if rooms:
        return Refusal("延期次数或累计时长已用完，不能再延")
    return Refusal("没有已逾期且可以延期的时限" if late else "没有未到期且可以延期的时限")


@guard
def extension_can_be_asked(move: Move) -> Refusal | None:
    """Before the deadline, once at a time, within what the policy allows."""
    return _no_extension(move, late=False)


@guard
def late_extension_can_be_asked(move: Move) -> Refusal | None:
    return _no_extension(move, late=True)


@guard
def extension_is_pending(move: Move) -> Refusal | None:
    """Whoever comes too late reads who decided or took it back, and when."""
    if extensions.pending(move.case):
        return None
    return none_is_asked_for(move.case, ["extension"], "没有待批的延期申请")


@guard
def extension_is_not_own(move: Move) -> Refusal | None:
    """Whoever asked for it does not grant it."""
    waiting = extensions.pending(move.case)
    if waiting is not None and waiting.requester_id == move.by.pk:
        return Refusal("不能批准自己提出的延期，请由他人批准")
    return None


# ---- merging


@guard
def merge_is_sound(move: Move) -> Refusal | None:
    if "master" not in move.data:
        return None
    master = Case.objects.filter(pk=move.data["master"]).first()
    reason = obstacle(move.case, master, move.by) if master else "没有这件主案件，可能编号有误"
    return Refusal(reason) if reason else None


@guard
def master_has_replied(move: Move) -> Refusal | None:
    """A duplicate's person is told what the master's was, so the master is answered first, and that answer still holds."""
    master = master_of(move.case)
    reason = unfit(move.case, master, move.by) if master else "没有并案记录"
    return Refusal(reason) if reason else None


@guard
def keeps_to_the_masters_words(move: Move) -> Refusal | None:
    """Nobody approves a duplicate's answer, so it says nothing that was not approved for the master."""
    master = master_of(move.case)
    if master is None or "text" not in move.data:
        return None
    wordings = [("答复", move.data["text"], False)]
    if shown := public_text(move.case, move.name, move.data):
        wordings.append(("公开文本", shown, True))
    for where, text, public in wordings:
        approved = approved_texts(master, public=public)
        sources = [filled for one in approved for filled in for_case(one, master, move.case, at=move.at)]
        if number := stray_sentence(text, sources):
            return Refusal(
                f"{where}第 {number} 句不是主案件 {master.number} 已审定的{where}原文：只能删去与本人无关的内容，不能改写或添加，"
                "“不”“未”等字和数字不能从句中单独删改；其他措辞请在主案件重新办理审批"
            )
    return None


# ---- afterwards


@guard
def contact_was_given(move: Move) -> Refusal | None:
    return None if Contact.objects.filter(case=move.case).exists() else Refusal("来件没有留下联系方式")
