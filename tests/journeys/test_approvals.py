"""Who agrees to what, level by level, as the rules of practice have it.

答复 L1 承办单位负责人 → L2 受理台 → L3 宣传（公开答复）；延期、暂停、退单、不答复办结、督办单各有各的级。
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from notifications.models import Notice
from opinion.casefile import CodeLabels
from opinion.clock_names import ClockNames, ties_of_case
from opinion.models import Reply, SupervisionOrder
from opinion.timeline import events_of, timeline
from tests.factories.world import World
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Approval, ApprovalTask, Case, Event, User
from workflows.permits import available
from workflows.relay import relay
from workflows.sweeper import sweep

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def asked(case: Case, kind: str) -> list[str]:
    """Usernames of those whose agreement is awaited."""
    waiting = ApprovalTask.objects.waiting().filter(case=case, process__kind=kind)
    return list(waiting.order_by("id").values_list("owner__username", flat=True))


def outcome(case: Case, kind: str) -> str:
    return Approval.objects.filter(case=case, kind=kind).latest("round").outcome


def offered(case: Case, person: User, at: datetime) -> set[str]:
    return {move.name for move in available(now(case), User.objects.get(pk=person.pk), at=at)}


def told(case: Case, event: str) -> set[str]:
    found = Notice.objects.filter(event__case=case, event__name=event)
    return set(found.values_list("user__username", flat=True))


# ---- 答复


def test_a_public_reply_passes_head_desk_and_publicity(county: World, at: datetime):
    case = county.walk("drafted", at, source="lb", type="complaint")
    assert (asked(case, "reply"), now(case).unit) == (["head"], county.housing)
    # 一级一级来：还没轮到的人不能表态，承办人不能审自己的稿。
    with pytest.raises(MayNot):
        county.do(case, "sign_reply", at=at + HOUR, by=county.reviewer)
    with pytest.raises(MayNot):
        county.do(case, "sign_reply", at=at + HOUR, by=county.handler)
    county.do(case, "sign_reply", at=at + HOUR)
    assert (asked(case, "reply"), now(case).unit) == (["reviewer"], county.desk)
    # 受理台退回：改后从第一级重新审起，稿子各有版本。
    county.do(case, "send_back", at=at + 2 * HOUR)
    assert (now(case).state, outcome(case, "reply")) == ("handling", "returned")
    county.do(case, "draft_reply", at=at + 3 * HOUR, text="已清理排水管，并加装了防护网。")
    county.do(case, "sign_reply", at=at + 4 * HOUR, text="已清理排水管，并加装了防护网。")
    county.do(case, "sign_reply", at=at + 5 * HOUR, text="排水管已清理，并加装了防护网。")
    assert (asked(case, "reply"), now(case).unit) == (["publicity"], county.county)
    county.do(case, "sign_reply", at=at + 6 * HOUR, text="排水管已清理，并加装了防护网。")
    assert (now(case).state, now(case).unit) == ("reviewed", county.desk)
    with pytest.raises(Already):
        county.do(case, "sign_reply", at=at + 6 * HOUR, by=county.publicity)
    county.do(case, "reply", at=at + 7 * HOUR)
    said = Reply.objects.get(case=case, kind=Reply.Kind.FINAL)
    assert (said.text, said.public) == ("排水管已清理，并加装了防护网。", True)
    # 每一级各有时限，都在总时限之内。
    assert set(case.clocks.filter(kind="review").values_list("state", flat=True)) == {"met"}
    assert case.clocks.filter(kind="review").count() == 5


def test_nobody_is_asked_at_two_levels_where_somebody_else_could_sit(county: World, at: datetime):
    county.head.memberships.create(unit=county.county, role="publicity")
    case = county.walk("drafted", at, public=True)
    county.do(case, "sign_reply", at=at + HOUR, by=User.objects.get(pk=county.head.pk))
    county.do(case, "sign_reply", at=at + HOUR)
    assert asked(case, "reply") == ["publicity"]
    # 宣传部门只有他一人时，请兜底角色中没有签过的人：审核员兼派单员已签过，轮到督办员。
    alone = county.walk("drafted", at, public=True)
    county.publicity.memberships.all().delete()
    county.dispatcher.memberships.all().delete()
    county.reviewer.memberships.create(unit=county.desk, role="dispatcher")
    county.do(alone, "sign_reply", at=at + HOUR)
    county.do(alone, "sign_reply", at=at + HOUR)
    signed = ApprovalTask.objects.filter(case=alone, decision=ApprovalTask.Decision.AGREED).order_by("id")
    assert list(signed.values_list("owner__username", flat=True)) == ["head", "reviewer"]
    assert asked(alone, "reply") == ["supervisor"]


def test_a_reply_to_one_person_ends_at_the_desk(county: World, at: datetime):
    case = county.walk("drafted", at)
    county.do(case, "sign_reply", at=at + HOUR)
    county.do(case, "sign_reply", at=at + HOUR)
    assert now(case).state == "reviewed"


def test_what_was_written_in_public_is_answered_there_unless_a_leader_agrees(county: World, at: datetime):
    case = county.walk("reviewed", at, source="lb")
    with pytest.raises(Cannot, match="应公开答复"):
        county.do(case, "reply", at=at + HOUR, public=False)
    county.do(case, "ask_private", at=at + HOUR)
    assert asked(case, "private_reply") == ["leader"]
    county.do(case, "refuse_private", at=at + HOUR)
    with pytest.raises(Cannot, match="应公开答复"):
        county.do(case, "reply", at=at + HOUR, public=False)
    county.do(case, "ask_private", at=at + 2 * HOUR)
    county.do(case, "allow_private", at=at + 2 * HOUR)
    assert "ask_private" not in offered(case, county.reviewer, at + 2 * HOUR)
    county.do(case, "reply", at=at + 3 * HOUR, public=False)
    assert not Reply.objects.get(case=case, kind=Reply.Kind.FINAL).public


def test_leave_to_answer_in_private_goes_with_the_wording_it_was_given_for(county: World, at: datetime):
    case = county.walk("reviewed", at, source="lb")
    county.do(case, "ask_private", at=at)
    county.do(case, "allow_private", at=at)
    county.do(case, "take_back_approval", at=at + HOUR)
    county.do(case, "draft_reply", at=at + HOUR)
    county.do(case, "approve", at=at + 2 * HOUR)
    with pytest.raises(Cannot, match="应公开答复"):
        county.do(case, "reply", at=at + 3 * HOUR, public=False)


@pytest.mark.parametrize("options", [{"restricted": True}, {"asked_confidential": True}, {"source": "12345"}])
def test_what_is_private_anyway_needs_no_leave(county: World, at: datetime, options: dict[str, object]):
    case = county.walk("reviewed", at, **{"source": "lb", **options})
    by = county.officer if options.get("restricted") else county.reviewer
    assert "ask_private" not in offered(case, by, at + HOUR)
    county.do(case, "reply", at=at + HOUR, public=False)
    assert now(case).state in {"replied", "called_back"}


# ---- 延期、暂停


def test_an_extension_is_agreed_to_by_somebody_else_and_the_clock_runs_on(county: World, at: datetime):
    case = county.walk("handling", at)
    due = case.clocks.get(kind="resolve").due_at
    county.do(case, "request_extension", at=at + HOUR)
    assert asked(case, "extension") == ["dispatcher", "leader"]
    with pytest.raises(MayNot):
        county.do(case, "sign_extension", at=at + HOUR, by=county.handler)
    assert case.clocks.get(kind="resolve").due_at == due
    # 一人同意即可，另一人不再等。
    county.do(case, "sign_extension", at=at + 2 * HOUR, by=county.dispatcher)
    assert (asked(case, "extension"), outcome(case, "extension")) == ([], "granted")
    assert case.clocks.get(kind="resolve").due_at > due
    assert Reply.objects.filter(case=case, kind=Reply.Kind.INTERIM).count() == 1


def test_a_pause_needs_the_head_and_the_desk(county: World, at: datetime):
    case = county.walk("handling", at)
    county.do(case, "request_suspension", at=at + HOUR)
    assert (now(case).state, asked(case, "suspension")) == ("handling", ["head"])
    county.do(case, "sign_suspension", at=at + HOUR)
    assert asked(case, "suspension") == ["dispatcher"]
    county.do(case, "sign_suspension", at=at + HOUR)
    assert now(case).state == "suspended"
    assert case.clocks.get(kind="resolve").state == "paused"


# ---- 退单


def test_a_handler_declines_with_the_head_and_the_desk_decides(county: World, at: datetime):
    case = county.walk("assigned", at)
    due = case.clocks.get(kind="accept").due_at
    with pytest.raises(MayNot):
        county.do(case, "decline", at=at + HOUR, by=county.handler)
    county.do(case, "request_decline", at=at + HOUR, suggested=county.water.pk)
    assert (now(case).state, asked(case, "decline")) == ("assigned", ["head"])
    relay(at=at + HOUR)
    assert told(case, "message.decline_requested") == {"head"}
    # 申请不停签收时限。
    assert (case.clocks.get(kind="accept").state, case.clocks.get(kind="accept").due_at) == ("running", due)
    county.do(case, "sign_decline", at=at + 2 * HOUR)
    assert (now(case).state, now(case).unit) == ("declined", county.desk)
    event = Event.objects.get(case=case, transition="decline")
    # 申请时写的理由、依据和建议单位随退单到受理台；退单的是负责人。
    assert (event.actor, event.data["reason"], event.data["unit"], event.data["suggested"]) == (
        county.head, "r1", county.housing.pk, county.water.pk,
    )  # fmt: skip
    basis = case.notes.filter(seq=event.seq, kind="basis").values_list("text", flat=True)
    assert list(basis) == ["依据三定方案，不属本单位职责"]
    county.do(case, "reject_decline", at=at + 3 * HOUR)
    assert now(case).state == "designated"


def test_a_head_declines_without_asking_anybody(county: World, at: datetime):
    case = county.walk("assigned", at)
    assert "request_decline" not in offered(case, county.head, at)
    county.do(case, "decline", at=at + HOUR, by=county.head)
    assert (now(case).state, Approval.objects.filter(case=case).count()) == ("declined", 0)


def test_a_head_may_not_agree_and_the_handler_may_think_again(county: World, at: datetime):
    case = county.walk("assigned", at)
    county.do(case, "request_decline", at=at)
    county.do(case, "refuse_decline", at=at + HOUR)
    assert (now(case).state, outcome(case, "decline")) == ("assigned", "returned")
    county.do(case, "request_decline", at=at + HOUR)
    with pytest.raises(Cannot, match="正在审批"):
        county.do(case, "request_decline", at=at + HOUR)
    county.do(case, "retract_decline", at=at + HOUR)
    assert outcome(case, "decline") == "stopped"
    county.do(case, "accept", at=at + HOUR)
    assert Event.objects.filter(case=case, transition="decline").count() == 0


def test_silence_accepts_whoever_is_still_asked(county: World, at: datetime):
    case = county.walk("assigned", at)
    due = case.clocks.get(kind="accept").due_at
    county.do(case, "request_decline", at=due - HOUR)
    with pytest.raises(Cannot, match="视为签收"):
        county.do(case, "sign_decline", at=due + MINUTE)
    sweep(at=due + MINUTE)
    assert (now(case).state, outcome(case, "decline")) == ("accepted", "cancelled")
    assert asked(case, "decline") == []


def test_a_decline_is_not_asked_for_twice_nor_out_of_time(county: World, at: datetime):
    case = county.along(("assign", "decline", "uphold_decline", "assign"), at)
    with pytest.raises(Cannot, match="本单位已退过一次"):
        county.do(case, "request_decline", at=at + HOUR)
    late = county.walk("assigned", at)
    due = late.clocks.get(kind="accept").due_at
    with pytest.raises(Cannot, match="视为签收"):
        county.do(late, "request_decline", at=due + MINUTE)


def test_another_unit_does_not_inherit_a_decline(county: World, at: datetime):
    case = county.walk("assigned", at)
    county.do(case, "request_decline", at=at + HOUR)
    county.do(case, "transfer", at=at + HOUR, lead=county.water.pk)
    assert (now(case).lead, outcome(case, "decline")) == (county.water, "stopped")


# ---- 督办单、不答复办结


def test_an_order_put_up_is_issued_by_a_leaders_signature(county: World, at: datetime):
    case = county.walk("handling", at)
    county.do(case, "propose_order", at=at + HOUR)
    assert (asked(case, "order"), SupervisionOrder.objects.filter(case=case).count()) == (["leader"], 0)
    county.do(case, "sign_order", at=at + 2 * HOUR)
    assert SupervisionOrder.objects.get(case=case).unit == county.housing


def test_an_end_without_a_reply_is_agreed_to_by_desk_and_leader(county: World, at: datetime):
    case = county.walk("handling", at)
    county.do(case, "request_closing", at=at + HOUR)
    assert (now(case).state, asked(case, "closing")) == ("handling", ["reviewer"])
    county.do(case, "refuse_closing", at=at + HOUR)
    county.do(case, "request_closing", at=at + 2 * HOUR, reason="c8")
    county.do(case, "sign_closing", at=at + 3 * HOUR)
    assert asked(case, "closing") == ["leader"]
    county.do(case, "sign_closing", at=at + 4 * HOUR)
    assert (now(case).state, now(case).closed_at) == ("closed", at + 4 * HOUR)
    event = Event.objects.get(case=case, transition="close_unanswered")
    assert event.data["reason"] == "c8"
    told_so = case.notes.filter(seq=event.seq, kind="told").values_list("text", flat=True)
    assert list(told_so) == ["已书面告知不再受理及理由。"]
    assert case.clocks.get(kind="resolve").state == "met"
    assert not case.clocks.going().exists()
    # 办结后照样可以重新办理。
    county.do(case, "reopen", at=at + DAY)
    assert now(case).state == "redo"


def test_who_is_late_with_a_signature_is_not_the_unit_that_waits_for_it(county: World, at: datetime):
    case = county.walk("handling", at)
    county.do(case, "request_closing", at=at + HOUR)
    due = case.clocks.get(kind="closing_review").due_at
    sweep(at=due + HOUR)
    entries = timeline(now(case), CodeLabels(), ClockNames([], ties_of_case(now(case), events_of(now(case)))))
    missed = [e for e in entries if e.is_missed and e.event.data["clock"] == "closing_review"]
    assert [(e.event.happened_at, e.late_unit) for e in missed] == [(due, "网络问政办")]


def test_a_reply_makes_an_end_without_one_pointless(county: World, at: datetime):
    case = county.walk("handling", at)
    county.do(case, "request_closing", at=at + HOUR)
    county.do(case, "draft_reply", at=at + 2 * HOUR)
    assert outcome(case, "closing") == "cancelled"
