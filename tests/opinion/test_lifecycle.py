"""Whole lives of messages on the shipped lifecycle and policy."""

from datetime import timedelta

import pytest

from opinion.call_list import to_call
from opinion.codes import seeded
from opinion.forms import form_for
from opinion.models import Code, Rating, Reply
from tests.factories.world import PATHS, STEPS
from workflows.engine import fire
from workflows.errors import Already, Cannot, MayNot
from workflows.models import ApprovalTask, Case, Clock, Definition, Event, Membership, PolicyVersion, User
from workflows.registry import FORMS
from workflows.sweeper import sweep

DAY = timedelta(days=1)


def now(case):
    return Case.objects.get(pk=case.pk)


@pytest.mark.django_db
def test_migrate_alone_publishes_everything():
    assert Definition.objects.filter(code="message").count() == 1
    assert PolicyVersion.objects.filter(code="default").count() == 1
    shipped = sum(len(part["codes"]) for part in seeded().values())
    assert Code.objects.count() == shipped


def test_the_factory_knows_every_state_and_move(county):
    spec = Definition.objects.get(code="message").parsed
    assert set(PATHS) == set(spec.states)
    assert set(STEPS) == set(spec.transitions)


@pytest.mark.parametrize("state", PATHS)
def test_every_state_is_reached(county, at, state):
    case = county.walk(state, at)
    assert case.state == state
    spec = Definition.objects.get(code="message").parsed
    running = case.clocks.filter(state="running")
    assert case.is_open == running.exists() == (spec.states[state].phase == "open")
    assert (case.due_at is not None) == running.exclude(kind__in=spec.beside).exists()


@pytest.mark.parametrize("state", PATHS)
def test_every_state_is_reached_by_a_restricted_case(county, at, state):
    if state == "merged":
        with pytest.raises(Cannot, match="限制知悉的案件不能与普通案件并案"):
            county.walk(state, at, restricted=True)
        return
    assert county.walk(state, at, restricted=True).state == state


def test_registered_to_archived_in_time(county, at):
    case = county.walk("archived", at)
    assert dict(case.clocks.values_list("kind", "state")) == dict.fromkeys(
        ["assign", "accept", "contact", "resolve", "backstop", "review", "publish", "call_back", "rating"],
        "met",
    )
    names = list(case.events.order_by("seq").values_list("name", flat=True))
    assert names == [
        "message.registered", "message.assigned", "message.accepted", "message.contacted", "message.drafted",
        "approval.signed", "approval.signed", "message.approved", "message.replied", "message.called_back",
        "message.rated", "message.archived",
    ]  # fmt: skip
    assert list(Reply.objects.filter(case=case).values_list("kind", "version", "public")) == [
        ("draft", 1, False), ("approved", 1, False), ("final", 1, False),
    ]  # fmt: skip


def test_events_carry_no_text(county, at):
    case = county.walk("archived", at)
    logged = str(list(case.events.values_list("data", flat=True)))
    assert "积水" not in logged
    assert "何晓枫" not in logged


def test_silence_is_acceptance(county, at):
    case = county.walk("assigned", at)
    sweep(at=at + 2 * DAY)
    case = now(case)
    assert case.state == "accepted"
    assert case.events.get(name="message.deemed_accepted").actor == User.objects.system()


def test_the_second_claim_comes_too_late(county, at):
    case = county.walk("handling", at)
    county.do(case, "claim", at=at)
    with pytest.raises(Already, match="承小陈 已领办"):
        county.do(case, "claim", at=at, by=county.head)
    with pytest.raises(MayNot):
        county.do(case, "claim", at=at, by=county.other_handler)
    assert now(case).user == county.handler


def test_a_claim_is_handed_back_by_its_handler_or_the_head(county, at):
    case = county.walk("handling", at)
    county.do(case, "claim", at=at, by=county.head)
    with pytest.raises(Cannot, match="应由本人或单位负责人交还"):
        county.do(case, "release", at=at)
    county.do(case, "release", at=at, by=county.head)
    assert now(case).user is None


def test_transfer_resets_no_clock(county, at):
    case = county.walk("handling", at)
    due = case.clocks.get(kind="resolve").due_at
    county.do(case, "claim", at=at)
    county.do(case, "transfer", at=at + DAY)
    moved = now(case)
    assert (moved.state, moved.lead, moved.unit, moved.user) == ("handling", county.water, county.water, None)
    assert moved.clocks.get(kind="resolve").due_at == due
    assert not Case.objects.visible_to(county.handler).filter(pk=case.pk).exists()
    with pytest.raises(Cannot, match="主办单位没有变化"):
        county.do(case, "transfer", at=at + DAY)


def test_transfer_takes_the_case_to_the_new_lead(county, at):
    case = county.walk("assigned", at)
    county.do(case, "transfer", at=at)
    assert (now(case).unit, now(case).lead) == (county.water, county.water)


def test_drafts_go_back_and_rounds_are_counted(county, at):
    case = county.walk("drafted", at)
    county.do(case, "send_back", at=at)
    county.do(case, "draft_reply", at=at, text="第二稿")
    event = county.do(case, "send_back", at=at)
    assert event.data["round"] == 2
    assert Reply.objects.filter(case=case, kind="draft").count() == 2


def test_nobody_approves_an_own_draft(county, at):
    Membership.objects.create(user=county.handler, unit=county.desk, role="reviewer")
    Membership.objects.create(user=county.handler, unit=county.housing, role="unit_head")
    case = county.walk("drafted", at)
    both = User.objects.get(pk=county.handler.pk)
    for step in ("sign_reply", "approve"):
        with pytest.raises(MayNot):
            fire(case.pk, step, by=both, at=at, data={"text": "", "remark": ""})
    county.do(case, "approve", at=at)
    assert both.pk not in set(ApprovalTask.objects.filter(case=case).values_list("owner_id", flat=True))


def another(county, role, name):
    user = User.objects.create_user(username=name, display_name=name)
    Membership.objects.create(user=user, unit=county.desk, role=role)
    return User.objects.get(pk=user.pk)


def asked_in(case, kind):
    seats = ApprovalTask.objects.waiting().filter(case=case, process__kind=kind)
    return set(seats.values_list("owner__username", flat=True))


def test_whoever_wrote_a_final_answer_does_not_approve_it_whoever_puts_it_up(county, at):
    second = another(county, "confidential_officer", "second")
    case = county.walk("contested", at, restricted=True)
    county.do(case, "ask_final", at=at, by=county.officer, text="甲写的最终答复")
    assert asked_in(case, "final") == {"second"}
    county.do(case, "return_final", at=at, by=second)
    county.do(case, "ask_final", at=at, by=second, text="甲写的最终答复")
    assert asked_in(case, "final") == set()
    assert case.events.filter(name="approval.unmanned", data__approval="final").exists()
    for person in (county.officer, second):
        with pytest.raises((MayNot, Already)):
            fire(case.pk, "sign_final", by=person, at=at, data={"remark": ""})
    third = another(county, "confidential_officer", "third")
    with pytest.raises(Cannot, match="不是申请人的人"):
        county.do(case, "add_signer", at=at, by=third, person=county.officer.pk)
    county.do(case, "add_signer", at=at, by=third, person=third.pk)
    county.do(case, "sign_final", at=at, by=third)
    assert now(case).state == "closed"


def test_the_desk_takes_its_last_word_back_and_asks_anew(county, at):
    case = county.walk("final_drafted", at)
    county.do(case, "retract_final", at=at)
    assert now(case).state == "contested"
    assert not ApprovalTask.objects.waiting().filter(case=case).exists()
    county.do(case, "ask_final", at=at)
    county.do(case, "approve_final", at=at)
    assert now(case).state == "closed"


def test_a_seat_from_before_does_not_let_the_author_sign(county, at):
    case = county.walk("final_drafted", at)
    ApprovalTask.objects.waiting().filter(case=case).update(owner=county.dispatcher, requester=county.leader)
    with pytest.raises(Cannot, match="不能审核自己拟的稿"):
        county.do(case, "sign_final", at=at, by=county.dispatcher)


def test_whoever_asked_for_an_end_without_a_reply_does_not_sign_when_another_asks(county, at):
    case = county.walk("handling", at)
    Membership.objects.create(user=county.dispatcher, unit=county.desk, role="reviewer")
    dispatcher = User.objects.get(pk=county.dispatcher.pk)
    county.do(case, "request_closing", at=at, by=dispatcher)
    county.do(case, "refuse_closing", at=at)
    county.do(case, "request_closing", at=at)
    assert asked_in(case, "closing") == {"reviewer"}


# Fields of forms whose words go out to the person or to the public as they were written.
OUTWARD = {"text", "told"}
# Approvals that may do without, and why.
NOT_RECUSING = {
    ("message", "extension"): "whoever signs says in words of their own what the person is told",
    ("opinion_case", "information"): "whoever may sign releases it at once alone: it must not wait",
}


@pytest.mark.django_db
def test_no_approval_of_a_text_seats_an_author_of_it():
    open_to_authors = set()
    for definition in Definition.objects.all():
        spec = definition.parsed
        for kind, approval in spec.approvals.items():
            for opening in (spec.transitions[name] for name in approval.opens):
                fields = set(FORMS[opening.form].base_fields) if opening.form else set()
                if fields & OUTWARD and not any(name.startswith("recuse_") for name in opening.effects):
                    open_to_authors.add((definition.code, kind))
    assert open_to_authors == set(NOT_RECUSING)


def test_whoever_led_the_case_before_a_transfer_is_no_caller_either(county, at):
    Membership.objects.create(user=county.caller, unit=county.housing, role="unit_handler")
    case = county.along(("assign", "accept", "contact", "transfer"), at)
    county.do(case, "draft_reply", at=at + DAY, by=county.other_handler)
    for name in ("approve", "reply"):
        county.do(case, name, at=at + DAY)
    caller = User.objects.get(pk=county.caller.pk)
    with pytest.raises(Cannot, match="承办或协办过本案"):
        county.do(case, "call_back", at=at + DAY, by=caller)
    assert not to_call(caller).filter(pk=case.pk).exists()


def test_a_unit_that_only_gave_the_case_back_may_call(county, at):
    Membership.objects.create(user=county.caller, unit=county.water, role="unit_handler")
    case = county.register(at)
    county.do(case, "assign", at=at, lead=county.water.pk)
    for name in ("recall", "assign", "accept", "contact", "draft_reply", "approve", "reply"):
        county.do(case, name, at=at)
    caller = User.objects.get(pk=county.caller.pk)
    assert to_call(caller).filter(pk=case.pk).exists()
    county.do(case, "call_back", at=at, by=caller)
    assert now(case).state == "called_back"


def test_whoever_may_not_rate_closes_without_a_rating(county, at):
    case = county.walk("replied", at)
    Membership.objects.create(user=county.dispatcher, unit=county.housing, role="unit_handler")
    dispatcher = User.objects.get(pk=county.dispatcher.pk)
    form = form_for("close", None, case=now(case), user=dispatcher, at=at)
    assert {code for code, _ in form.fields["satisfaction"].choices} == {"", "unrated", "unreachable"}
    assert not set(form.fields) & {"solved", "manner", "speed"}
    for said in ({"satisfaction": "very_good"}, {"satisfaction": "unrated", "solved": 5}):
        with pytest.raises(Cannot, match="不能记录本人的评价：请将“满意度”留空或选未评价"):
            county.do(case, "close", at=at, by=dispatcher, reason="c1", **said)
    county.do(case, "close", at=at, by=dispatcher, reason="c1", satisfaction="unrated")
    assert case.ratings.get().automatic


def test_an_independent_dispatcher_closes_with_what_the_person_said(county, at):
    case = county.walk("replied", at)
    form = form_for("close", None, case=case, user=county.dispatcher, at=at)
    assert "very_good" in {code for code, _ in form.fields["satisfaction"].choices}
    county.do(case, "close", at=at, reason="c1", satisfaction="very_good", solved=5)
    assert case.ratings.get().satisfaction == "very_good"


def test_caller_is_never_of_the_handling_unit(county, at):
    Membership.objects.create(user=county.caller, unit=county.housing_office, role="unit_handler")
    case = county.walk("replied", at)
    with pytest.raises(MayNot):
        county.do(case, "call_back", at=at, by=User.objects.get(pk=county.caller.pk))


def test_not_satisfied_means_again_on_the_redo_clock(county, at):
    case = county.walk("redo", at)
    redo = case.clocks.get(kind="redo")
    assert (redo.state, redo.limit) == ("running", "3wd")
    for name in ("draft_reply", "send_back", "draft_reply", "approve"):
        county.do(case, name, at=at + DAY)
        assert now(case).clocks.get(kind="redo").state == "running"
    county.do(case, "reply", at=at + DAY)
    assert now(case).clocks.get(kind="redo").state == "met"
    assert now(case).clocks.filter(kind="resolve").count() == 1
    assert list(Rating.objects.filter(case=case).values_list("satisfaction", "automatic")) == [("bad", False)]


@pytest.mark.parametrize("way", [("send_back",), ("retract_draft",), ("approve", "take_back_approval")])
@pytest.mark.parametrize("state", ["handling", "redo"])
def test_what_is_sent_back_or_taken_back_is_where_it_was_put_up_from(county, at, state, way):
    case = county.walk(state, at)
    for name in ("draft_reply", *way):
        county.do(case, name, at=at + DAY)
    assert now(case).state == state


def test_no_redo_clock_without_a_redo(county, at):
    assert not county.walk("closed", at).clocks.filter(kind="redo").exists()


def test_the_rating_window_closes_as_not_rated(county, at):
    case = county.walk("called_back", at)
    sweep(at=at + 40 * DAY)
    case = now(case)
    assert case.state == "closed"
    assert list(Rating.objects.filter(case=case).values_list("satisfaction", "automatic")) == [
        ("unrated", True)
    ]


def test_reopened_twice_within_the_window(county, at):
    case = county.walk("closed", at)
    with pytest.raises(Cannot, match="办结已超过30个自然日"):
        county.do(case, "reopen", at=at + 40 * DAY)
    county.do(case, "reopen", at=at + DAY)
    assert (now(case).state, now(case).closed_at, now(case).unit) == ("redo", None, county.housing)
    assert now(case).clocks.get(kind="redo").state == "running"
    assert now(case).facts["redo"] == "once"
    for name in ("draft_reply", "approve", "reply", "call_back", "rate"):
        county.do(case, name, at=at + DAY)
    county.do(case, "reopen", at=at + DAY)
    assert (now(case).facts["redo"], now(case).clocks.get(kind="redo", cycle=2).limit) == ("again", "2wd")
    for name in ("draft_reply", "approve", "reply", "call_back", "rate"):
        county.do(case, name, at=at + DAY)
    with pytest.raises(Cannot, match="请登记后续案件"):
        county.do(case, "reopen", at=at + DAY)


def test_a_pause_stops_clocks_and_ends_by_itself(county, at):
    case = county.walk("suspended", at)
    assert case.clocks.get(kind="resolve").state == "paused"
    assert case.clocks.get(kind="suspension").limit == "10wd"
    sweep(at=at + 30 * DAY)
    case = now(case)
    assert case.state == "handling"
    assert case.clocks.get(kind="resolve").due_at > case.clocks.get(kind="resolve").original_due_at


def test_the_unit_cannot_stop_its_own_clock(county, at):
    case = county.walk("handling", at)
    with pytest.raises(MayNot):
        county.do(case, "suspend", at=at, by=county.head)


def test_board_complaints_owe_an_interim_reply(county, at):
    case = county.walk("handling", at, source="lb", type="complaint")
    assert case.clocks.get(kind="interim").limit == "3wd"
    county.do(case, "interim_reply", at=at + DAY)
    assert (now(case).state, now(case).clocks.get(kind="interim").state) == ("handling", "met")
    county.do(case, "draft_reply", at=at + DAY)
    assert now(case).clocks.filter(kind="interim").count() == 1


@pytest.mark.parametrize(
    ("facts", "limit", "rule"),
    [
        ({"source": "12345", "type": "consult"}, "3wd", "hotline_consult"),
        ({"source": "12345", "type": "complaint"}, "5wd", "hotline_plain"),
        ({"source": "12345", "type": "help", "complexity": "complex"}, "15wd", "hotline_complex"),
        ({"source": "lb", "type": "consult"}, "3wd", "board_consult"),
        ({"source": "lb", "type": "help"}, "7wd", "board_plain"),
        ({"source": "lb", "type": "help", "complexity": "investigate"}, "10wd", "board_investigate"),
        ({"source": "lb", "type": "help", "complexity": "hard"}, "15wd", "board_hard"),
        ({"source": "12345", "type": "help", "urgency": "urgent"}, "24h", "resolve_urgent"),
        ({"source": "letter", "type": "help"}, "60d", "petition"),
        ({"source": "media", "type": ""}, "15wd", "resolve"),
    ],
)
def test_resolve_limits(county, at, facts, limit, rule):
    clock = county.register(at, **facts).clocks.get(kind="resolve")
    assert (clock.limit, clock.rule) == (limit, rule)


def test_reclassing_moves_the_deadline(county, at):
    case = county.register(at, type="help")
    county.do(case, "classify", at=at, type="help", complexity="complex", domain="housing")
    clock = case.clocks.get(kind="resolve")
    assert (clock.limit, now(case).message.complexity, now(case).facts["complexity"]) == (
        "15wd",
        "complex",
        "complex",
    )
    event = case.events.get(name="message.classified")
    assert event.data["was"]["complexity"] == ""


def test_referral_and_withdrawal_end_a_case(county, at):
    referred = county.walk("referred", at)
    assert referred.clocks.get(kind="resolve").state == "met"
    assert referred.events.get(name="message.referred").data["reason"] == "c2"
    withdrawn = county.walk("withdrawn", at)
    assert withdrawn.clocks.get(kind="resolve").state == "void"
    county.do(withdrawn, "archive", at=at)
    assert now(withdrawn).state == "archived"


def test_comment_and_instruction_change_no_clock(county, at):
    case = county.walk("drafted", at)
    before = list(Clock.objects.filter(case=case).values())
    county.do(case, "comment", at=at)
    county.do(case, "instruct", at=at)
    assert list(Clock.objects.filter(case=case).values()) == before
    assert sorted(case.notes.filter(kind__in=["comment", "instruction"]).values_list("text", flat=True)) == [
        "请抓紧办理", "请注意时限",
    ]  # fmt: skip


def test_records_lie_neither_ahead_nor_before_registration(county, at):
    case = county.walk("accepted", at)
    for happened_at in (at + DAY, at - DAY):
        with pytest.raises(Cannot, match="晚于现在或早于登记"):
            county.do(case, "contact", at=at + timedelta(hours=1), happened_at=happened_at)


def test_unreached_then_closed_as_unreachable(county, at):
    case = county.walk("replied", at)
    at = case.state_since
    with pytest.raises(Cannot, match="没有“记为无法联系”的记录"):
        county.do(case, "close", at=at, reason="c8", satisfaction="unreachable")
    for hours in (0, 24, 48):
        with pytest.raises(Cannot, match="须在不同时段拨打 3 次、每次相隔240工作分钟以上仍不通"):
            county.do(case, "record_unreachable", at=at)
        county.do(case, "record_unreached", at=at + timedelta(hours=hours))
    at += 2 * DAY
    county.do(case, "record_unreachable", at=at)
    assert now(case).state == "called_back"
    county.do(case, "close", at=at, reason="c8", satisfaction="unreachable")
    assert now(case).state == "closed"
    assert case.call_backs.filter(reached=False).count() == 3
    assert case.ratings.get().automatic
    assert Event.objects.get(case=case, name="message.closed").data == {
        "reason": "c8", "satisfaction": "unreachable",
        "remark": Event.objects.get(case=case, name="message.closed").data["remark"],
    }  # fmt: skip


def test_moves_need_the_right_person(county, at):
    case = county.walk("registered", at)
    for person in (county.clerk, county.handler, county.reviewer, county.sysadmin, county.exporter):
        with pytest.raises(MayNot):
            fire(case.pk, "assign", by=person, at=at, data={"lead": county.housing.pk})


def test_pauses_together_last_no_longer_than_the_policy_allows(county, at):
    case = county.walk("handling", at)
    for _ in range(2):
        county.do(case, "suspend", at=at)
        at = case.clocks.filter(kind="suspension").latest("cycle").due_at
        sweep(at=at)
        case.refresh_from_db()
        assert case.state == "handling"
    with pytest.raises(Cannot, match="累计暂停已满20个工作日"):
        county.do(case, "suspend", at=at)


def test_interim_clock_counts_from_registration_and_ends_where_none_is_owed(county, at):
    case = county.register(at, source="lb", type="")
    later = at + timedelta(days=1)
    county.do(case, "classify", at=later, type="complaint")
    clock = case.clocks.get(kind="interim")
    assert (clock.started_at, clock.limit) == (at, "3wd")
    county.do(case, "classify", at=later, type="consult")
    clock.refresh_from_db()
    assert (clock.state, clock.next_at) == ("void", None)
