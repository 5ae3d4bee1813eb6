"""Who may call back and when, when nobody can be reached, and how often a message is handled again. Pure."""

from __future__ import annotations

from django.utils import timezone

from opinion.calling import attempts, works_for_the_handling
from opinion.codes import DISSATISFIED, GRADES, SATISFIED
from opinion.models import Reply
from opinion.redoing import at_the_limit
from workflows.limits import Limit
from workflows.models import Event
from workflows.moves import Move
from workflows.published import calendar, newest_calendar_id, policy
from workflows.registry import Refusal, guard

UNREACHABLE = ("c8", "unreachable")


@guard
def caller_is_independent(move: Move) -> Refusal | None:
    """Whoever asks the person is of no unit that handles or handled the case, nor of one below it. Source: 国办发〔2020〕53号."""
    if move.by.is_system or not works_for_the_handling(move.case, move.by):
        return None
    return Refusal("您所在的单位承办或协办过本案，回访和评价须由其他单位的人记录")


@guard
def rating_is_independent(move: Move) -> Refusal | None:
    """What the person thinks is recorded on closing by whom a rating may come from; that nobody said it, by anybody."""
    said = {move.data.get(name) for name in GRADES}
    rated = move.data.get("satisfaction") in {*SATISFIED, *DISSATISFIED} or said != {None}
    if not rated or caller_is_independent(move) is None:
        return None
    return Refusal(
        "您所在的单位承办或协办过本案，不能记录本人的评价：请将“满意度”留空或选未评价，或由其他单位的人办结"
    )


@guard
def call_follows_the_reply(move: Move) -> Refusal | None:
    happened_at = move.data.get("happened_at")
    if happened_at is None or happened_at >= move.case.state_since.replace(second=0, microsecond=0):
        return None
    replied = timezone.localtime(move.case.state_since)
    return Refusal(f"回访时间早于答复（{replied:%Y-%m-%d %H:%M}），请填写答复之后实际拨打的时间")


@guard
def tried_often_enough(move: Move) -> Refusal | None:
    """At that many different times, which the policy sets and spaces."""
    tried = attempts(move.case)
    if tried.enough:
        return None
    rule = policy(move.case.policy_id).rule("retry", move.case.facts)
    spaced = f"、每次相隔{Limit.parse(rule.limit).label}以上" if rule.parsed_limit else ""
    return Refusal(
        f"须在不同时段拨打 {tried.needed} 次{spaced}仍不通，才能记为无法联系；现计 {tried.apart} 次"
    )


@guard
def unreachable_is_on_record(move: Move) -> Refusal | None:
    """Nobody is called unreachable who was not called."""
    if not {move.data.get("reason"), move.data.get("satisfaction")}.intersection(UNREACHABLE):
        return None
    if Event.objects.filter(
        case=move.case, transition="record_unreachable", happened_at__gte=_replied_at(move)
    ).exists():
        return None
    return Refusal("没有“记为无法联系”的记录，不能以无法联系办结，请先由回访员按规定次数拨打")


def _replied_at(move: Move) -> object:
    newest = Reply.objects.filter(case=move.case, kind=Reply.Kind.FINAL).order_by("-version").first()
    return newest.written_at if newest else move.case.opened_at


@guard
def handled_again_twice(move: Move) -> Refusal | None:
    return None if at_the_limit(move.case) else Refusal("本案没有重办过两次，按通常的步骤办理")


@guard
def not_reopened_before(move: Move) -> Refusal | None:
    """Asked by lifecycles published before a case could be handled again twice; cases pinned to them go on by it."""
    if Event.objects.filter(case=move.case, transition="reopen").exists():
        return Refusal("本案已重新办理过一次，请另行登记新案并注明本案编号")
    return None


@guard
def may_be_handled_again(move: Move) -> Refusal | None:
    """Twice, by a bad rating or by reopening; then a final answer or a new case, never an endless loop."""
    if not at_the_limit(move.case):
        return None
    if move.name == "reopen":
        return Refusal("本案已重办两次，不能再重新办理，请登记后续案件")
    return Refusal("本案已重办两次，不再重办；仍不满意的请选“仍不满意”，由受理台作最终答复")


@guard
def reopen_window_is_open(move: Move) -> Refusal | None:
    """Counted from `closed_at`; how long is said by the policy's rule for the clock `reopen`."""
    rules = policy(move.case.policy_id)
    rule = rules.rule("reopen", move.case.facts)
    if rule.parsed_limit is None or move.case.closed_at is None:
        return None
    until = calendar(newest_calendar_id(rules.calendar)).due(move.case.closed_at, rule.parsed_limit).at
    if move.at <= until:
        return None
    return Refusal(f"办结已超过{Limit.parse(rule.limit).label}，不能再重新办理，请登记后续案件")
