"""Whole lives of events the public talks about, on the shipped lifecycle and policy."""

from datetime import timedelta

import pytest

from opinion import cohandling
from opinion.codes import choices
from opinion.forms import form_for
from opinion.grading import GRADES, WORD
from opinion.models import CaseReport, Link, OpinionCase, PublicResponse, ReviewTask
from tests.factories.events import EVENT_PATHS, EVENT_STEPS, Events
from tests.factories.world import PERSON
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Approval, ApprovalTask, Case, Definition
from workflows.sweeper import sweep

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def events(county):
    return Events(county)


def now(case):
    return Case.objects.get(pk=case.pk)


def misses(case):
    return {e.data["clock"]: e.happened_at for e in case.events.filter(name="clock.missed")}


def test_the_factory_knows_every_state_and_move(db):
    spec = Definition.objects.get(code="opinion_case").parsed
    assert set(EVENT_PATHS) == set(spec.states)
    assert set(EVENT_STEPS) == set(spec.transitions)


def test_what_events_share_with_messages_says_the_same_in_both(db):
    """Repeated in the documents so that each is read on its own; this keeps them from drifting apart."""
    message, event = (Definition.objects.get(code=code).parsed for code in ("message", "opinion_case"))
    same = [
        "ask_co_handling", "accept_co_task", "finish_co_task", "decline_co_task", "send_back_co_task",
        "waive_co_task", "instruct", "bar_unit", "close_follow_up", "withdraw_file", "issue_order", "raise_order",
        "acknowledge_order", "answer_order", "send_back_order", "close_order", "withdraw_order", "urge",
        "acknowledge_urge", "acknowledge_rung",
    ]  # fmt: skip
    for name in same:
        one, other = message.transitions[name], event.transitions[name]
        assert (one.label, one.to, one.role, one.guards, one.form, one.effects, one.confirm) == (
            other.label, other.to, other.role, other.guards, other.form, other.effects, other.confirm,
        )  # fmt: skip


@pytest.mark.parametrize("state", EVENT_PATHS)
def test_every_state_is_reached(events, at, state):
    case = events.walk(state, at)
    assert case.state == state
    assert case.is_open == (state not in {"closed", "annulled", "archived"})


@pytest.mark.parametrize("state", ["lessons_drawn", "annulled"])
def test_a_restricted_event_goes_the_same_way_with_the_officer(events, county, at, state):
    case = events.walk(state, at, restricted=True, by=county.officer)
    assert case.state == state
    known = Case.objects.visible_to
    assert not any(
        known(p).filter(pk=case.pk).exists() for p in (county.leader, county.clerk, county.reviewer)
    )


def test_codes_of_the_grades_are_those_of_the_list(db):
    assert tuple(code for code, _ in choices("grade")) == GRADES


# ---- hours


def test_hours_run_from_when_it_was_found_not_from_when_it_was_entered(events, at):
    case = events.find(at, found=at - HOUR)
    clock = case.clocks.get(kind="first_report")
    assert (clock.started_at, clock.due_at) == (at - HOUR, at + HOUR)
    assert case.opened_at == at
    assert now(case).due_at == at + HOUR


def test_a_report_entered_late_has_missed_its_hours_at_their_end(events, at):
    case = events.find(at, found=at - 4 * HOUR)
    events.do(case, "report", at=at)
    clock = case.clocks.get(kind="first_report")
    assert (clock.state, clock.missed_at, clock.consumed_seconds) == ("missed", at - 2 * HOUR, 4 * 3600)
    assert misses(case) == {"first_report": at - 2 * HOUR}


def test_the_sweep_finds_the_late_entry_as_well(events, at):
    case = events.find(at, found=at - 4 * HOUR)
    sweep(at=at)
    assert misses(case) == {"first_report": at - 2 * HOUR}
    assert case.orders.get().unit == case.desk


@pytest.mark.parametrize(
    ("grade", "limits"),
    [
        ("grave", {"authority": "5h", "conference": "24h"}),
        ("major", {"authority": "5h", "conference": "24h"}),
        ("large", {"response": "48h"}),
        ("plain", {"response": "48h"}),
    ],
)
def test_each_grade_has_its_hours(events, at, grade, limits):
    case = events.walk("graded", at, grade=grade, found=at - HOUR)
    outputs = case.clocks.going().filter(kind__in=("authority", "conference", "response"))
    assert dict(outputs.values_list("kind", "limit")) == limits
    assert {clock.started_at for clock in outputs} == {at - HOUR}
    ladder = {"b_top"} if grade in {"grave", "major"} else {"b"}
    assert {clock.ladder.code for clock in outputs} == ladder


def test_another_grade_brings_other_hours_and_back_again(events, at):
    case = events.walk("investigating", at, grade="plain")
    events.do(case, "regrade", at=at + HOUR, grade="major")
    going = case.clocks.going()
    assert set(
        going.filter(kind__in=("authority", "conference", "response")).values_list("kind", flat=True)
    ) == {
        "authority",
        "conference",
    }
    events.do(case, "regrade", at=at + 2 * HOUR, grade="large")
    assert not case.clocks.going().filter(kind="authority").exists()
    events.do(case, "regrade", at=at + 3 * HOUR, grade="grave")
    authority = case.clocks.going().get(kind="authority")
    assert (authority.cycle, authority.started_at, authority.due_at) == (2, at, at + 5 * HOUR)


@pytest.mark.parametrize(("legacy", "limit"), [("yes", "5wd"), ("no", "2wd")])
def test_verification_of_an_old_problem_may_take_longer(events, at, legacy, limit):
    case = events.walk("reported", at)
    events.do(case, "grade", at=at, legacy=legacy)
    events.do(case, "assign", at=at)
    assert case.clocks.get(kind="verify").limit == limit


def test_information_and_conference_do_not_wait_for_the_statement(events, at):
    case = events.walk("investigating", at, grade="grave")
    events.do(case, "release_information", at=at + HOUR)
    events.do(case, "hold_conference", at=at + 20 * HOUR)
    assert dict(case.clocks.filter(kind__in=("authority", "conference")).values_list("kind", "state")) == {
        "authority": "met",
        "conference": "met",
    }
    said = PublicResponse.objects.filter(case=case).values_list("kind", "stage", "happened_at")
    assert list(said) == [
        ("information", "published", at + HOUR),
        ("conference", "published", at + 20 * HOUR),
    ]


def test_nothing_rests_while_the_public_is_owed_something(events, at):
    case = events.walk("following_up", at, grade="major")
    with pytest.raises(Cannot, match="新闻发布会尚未完成"):
        events.do(case, "conclude_follow_up", at=at + HOUR)
    events.do(case, "hold_conference", at=at + HOUR)
    events.do(case, "conclude_follow_up", at=at + HOUR)
    assert now(case).state == "followed_up"


# ---- who


GRADERS = {
    "leader": set(GRADES),
    "top_leader": set(GRADES),
    "reviewer": {"large", "plain"},
    "dispatcher": {"plain"},
    "officer": set(),
    "clerk": set(),
    "handler": set(),
    "head": set(),
    "supervisor": set(),
    "caller": set(),
    "exporter": set(),
    "sysadmin": set(),
}


@pytest.mark.parametrize("person", GRADERS)
@pytest.mark.parametrize("grade", GRADES)
def test_who_may_give_which_grade(events, county, at, person, grade):
    case = events.walk("reported", at)
    by = getattr(county, person)
    if grade in GRADERS[person]:
        events.do(case, "grade", at=at, by=by, grade=grade)
        assert now(case).facts["grade"] == grade
        return
    with pytest.raises((MayNot, Cannot)):
        events.do(case, "grade", at=at, by=by, grade=grade)
    assert "grade" not in now(case).facts


@pytest.mark.parametrize("was", GRADES)
@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("person", ["leader", "reviewer", "dispatcher"])
def test_nobody_takes_away_a_grade_given_above_them(events, county, at, was, grade, person):
    case = events.walk("graded", at, grade=was)
    by = getattr(county, person)
    if {was, grade} <= WORD[person]:
        events.do(case, "regrade", at=at, by=by, grade=grade)
        assert now(case).facts["grade"] == grade
        return
    with pytest.raises(Cannot, match="您不能定为或改动这一等级"):
        events.do(case, "regrade", at=at, by=by, grade=grade)
    assert now(case).facts["grade"] == was


def signed(case, kind="response"):
    """Usernames of those who were asked and agreed, level by level."""
    agreed = ApprovalTask.objects.filter(case=case, process__kind=kind, decision="agreed")
    return list(agreed.order_by("id").values_list("owner__username", flat=True))


@pytest.mark.parametrize(
    ("grade", "people"),
    [
        ("plain", ["reviewer"]),
        ("large", ["reviewer", "leader"]),
        ("major", ["reviewer", "leader", "top_leader"]),
        ("grave", ["reviewer", "leader", "top_leader"]),
    ],
)
def test_the_graver_the_event_the_more_sign_its_response(events, at, grade, people):
    case = events.walk("response_approved", at, grade=grade)
    assert signed(case) == people
    hours = case.clocks.filter(kind="review")
    assert [(clock.limit, clock.state) for clock in hours] == [("2h", "met")] * len(people)


def test_nobody_signs_an_own_response(events, county, at):
    case = events.walk("verified", at, grade="plain")
    events.do(case, "draft_response", at=at, by=county.reviewer)
    with pytest.raises(MayNot):
        events.do(case, "sign_response", at=at, by=county.reviewer)
    events.do(case, "approve_response", at=at)
    assert signed(case) == ["leader"]


def test_who_wrote_an_earlier_draft_does_not_sign_a_later_one(events, county, at):
    case = events.walk("verified", at, grade="plain")
    events.do(case, "draft_response", at=at, by=county.reviewer)
    events.do(case, "send_back_response", at=at)
    events.do(case, "draft_response", at=at, text="第二稿")
    events.do(case, "approve_response", at=at)
    assert signed(case) == ["leader"]


def test_a_response_under_review_needs_the_levels_of_a_graver_grade(events, county, at):
    case = events.walk("response_drafted", at, grade="plain")
    events.do(case, "regrade", at=at, grade="major")
    with pytest.raises(Cannot, match="按新的等级逐级审定"):
        events.do(case, "sign_response", at=at)
    events.do(case, "retract_response", at=at)
    events.do(case, "draft_response", at=at)
    events.do(case, "approve_response", at=at)
    assert signed(case) == ["reviewer", "leader", "top_leader"]


def test_what_was_approved_can_still_be_taken_back(events, at):
    case = events.walk("response_approved", at)
    events.do(case, "take_back_response", at=at)
    assert (now(case).state, case.clocks.get(kind="publish").state) == ("verified", "met")


def test_one_word_is_enough_for_first_information(events, county, at):
    case = events.walk("investigating", at, grade="major")
    events.do(case, "propose_information", at=at + HOUR)
    waiting = ApprovalTask.objects.waiting().filter(case=case).order_by("id")
    assert list(waiting.values_list("owner__username", flat=True)) == ["reviewer", "leader", "top_leader"]
    events.do(case, "sign_information", at=at + HOUR, by=county.top_leader, text="南街围挡倒塌，无伤亡。")
    said = PublicResponse.objects.get(case=case)
    assert (said.kind, said.stage, said.text, said.outlet, said.happened_at) == (
        "information", "published", "南街围挡倒塌，无伤亡。", "县政府网", at + HOUR,
    )  # fmt: skip
    assert (case.clocks.get(kind="authority").state, waiting.count()) == ("met", 0)


def test_first_information_may_be_refused_or_taken_back(events, at):
    case = events.walk("investigating", at)
    events.do(case, "propose_information", at=at)
    events.do(case, "refuse_information", at=at)
    events.do(case, "propose_information", at=at)
    events.do(case, "retract_information", at=at)
    outcomes = Approval.objects.filter(case=case).order_by("round").values_list("outcome", flat=True)
    assert (list(outcomes), PublicResponse.objects.filter(case=case).count()) == (["returned", "stopped"], 0)


def test_silence_about_a_larger_event_passes_desk_and_leader(events, at):
    large, plain = (events.walk("silence_asked", at, grade=grade) for grade in ("large", "plain"))
    for case in (large, plain):
        events.do(case, "grant_silence", at=at)
    assert (signed(large, "silence"), signed(plain, "silence")) == (["reviewer", "leader"], ["leader"])


def test_a_serious_event_is_never_met_with_silence(events, at):
    case = events.walk("verified", at, grade="major")
    with pytest.raises(Cannot, match="必须公开回应"):
        events.do(case, "ask_silence", at=at)
    quiet = events.walk("silence_asked", at, grade="plain")
    events.do(quiet, "regrade", at=at, grade="major")
    with pytest.raises(Cannot, match="必须公开回应"):
        events.do(quiet, "sign_silence", at=at)
    events.do(quiet, "refuse_silence", at=at)


def test_silence_meets_the_hours_of_the_response(events, at):
    case = events.walk("silence_asked", at)
    events.do(case, "grant_silence", at=at + HOUR)
    assert (now(case).state, case.clocks.get(kind="response").state) == ("following_up", "met")
    refused = events.walk("silence_asked", at)
    events.do(refused, "refuse_silence", at=at + HOUR)
    assert (now(refused).state, refused.clocks.get(kind="response").state) == ("verified", "running")


# ---- records


def test_versions_and_rounds_are_kept(events, at):
    case = events.walk("response_drafted", at)
    events.do(case, "send_back_response", at=at)
    events.do(case, "draft_response", at=at, text="第二稿")
    assert events.do(case, "send_back_response", at=at).data["round"] == 2
    events.do(case, "draft_response", at=at, text="第三稿")
    events.do(case, "approve_response", at=at, text="定稿")
    events.do(case, "publish_response", at=at + HOUR, happened_at=at)
    said = PublicResponse.objects.filter(case=case).values_list("stage", "version", "text", "happened_at")
    assert list(said)[-2:] == [("approved", 1, "定稿", None), ("published", 1, "定稿", at)]


def going(case):
    return dict(case.clocks.going().values_list("kind", "due_at"))


@pytest.mark.parametrize("back", ["retract_response", "send_back_response", "take_back_response"])
def test_another_statement_taken_back_leaves_the_event_followed_up_as_before(events, at, back):
    case = events.walk("following_up", at)
    before = going(case)
    assert "settle" in before
    events.do(case, "draft_response", at=at + DAY)
    assert (now(case).state, going(case)["settle"]) == ("response_drafted", before["settle"])
    if back == "take_back_response":
        events.do(case, "approve_response", at=at + DAY)
        assert (now(case).state, going(case)["settle"]) == ("response_approved", before["settle"])
    events.do(case, back, at=at + DAY)
    assert (now(case).state, now(case).unit, going(case)) == ("following_up", case.lead, before)
    assert list(case.clocks.filter(kind="settle").values_list("cycle", flat=True)) == [1]
    events.do(case, "conclude_follow_up", at=at + DAY)
    assert case.clocks.get(kind="settle").state == "met"


@pytest.mark.parametrize("back", ["retract_response", "send_back_response", "take_back_response"])
def test_a_first_statement_taken_back_is_to_be_drafted_again(events, at, back):
    case = events.walk("response_approved" if back == "take_back_response" else "response_drafted", at)
    assert "settle" not in going(case)
    events.do(case, back, at=at + HOUR)
    assert now(case).state == "verified"
    assert ("draft" in going(case), "settle" in going(case)) == (True, False)


def test_another_statement_sets_the_work_on_the_ground_no_new_day(events, at):
    case = events.walk("following_up", at)
    due = going(case)["settle"]
    for name in ("draft_response", "approve_response", "publish_response"):
        events.do(case, name, at=at + DAY)
    assert going(case)["settle"] == due


def test_silence_agreed_to_begins_the_work_on_the_ground(events, at):
    case = events.walk("silence_asked", at, grade="plain")
    events.do(case, "grant_silence", at=at + HOUR)
    assert (now(case).state, "settle" in going(case)) == ("following_up", True)


def test_reports_are_numbered_through(events, at):
    case = events.walk("investigating", at)
    events.do(case, "update_report", at=at)
    events.do(case, "verify", at=at)
    reports = CaseReport.objects.filter(case=case).values_list("number", "kind", "proposed_grade", "finding")
    assert list(reports) == [
        (1, "flash", "large", ""),
        (2, "follow", "", ""),
        (3, "verification", "", "confirmed"),
    ]


def test_events_of_the_log_carry_no_text(events, at):
    case = events.walk("archived", at)
    logged = str(list(case.events.values_list("data", flat=True)))
    assert "围挡" not in logged


def test_it_closes_when_every_task_is_done_or_handed_over(events, county, at):
    case = events.walk("lessons_drawn", at)
    events.do(case, "set_task", at=at)
    events.do(case, "set_task", at=at, unit=county.water.pk)
    with pytest.raises(Cannot, match="住建局的任务 1、水务局的任务 2尚未完成"):
        events.do(case, "close_case", at=at)
    assert Case.objects.visible_to(county.other_handler).filter(pk=case.pk).exists()
    with pytest.raises(Already, match="没有由您办结的整改任务"):
        events.do(case, "finish_task", at=at, task=2)
    with pytest.raises(Already, match="没有由您办结的整改任务"):
        events.do(case, "finish_task", at=at, task=1, by=county.other_handler)
    events.do(case, "finish_task", at=at, task=1)
    events.do(case, "finish_task", at=at, task=2, by=county.other_handler)
    with pytest.raises(Already, match="没有由您办结的整改任务"):
        events.do(case, "hand_over_task", at=at, task=2)
    events.do(case, "set_task", at=at)
    events.do(case, "hand_over_task", at=at, task=3)
    assert list(ReviewTask.objects.filter(case=case).values_list("state", flat=True)) == [
        "done",
        "done",
        "handed_over",
    ]
    events.do(case, "close_case", at=at)
    assert now(case).state == "closed"


def test_tasks_of_a_restricted_event_stay_with_the_lead(events, county, at):
    case = events.walk("lessons_drawn", at, restricted=True, by=county.officer)
    form = form_for("set_task", None, case=case, user=county.officer, at=at)
    assert [name for value, name in form.fields["unit"].choices if value] == ["住建局"]
    with pytest.raises(Cannot, match="只能由主办单位落实"):
        events.do(case, "set_task", at=at, unit=county.water.pk)
    events.do(case, "set_task", at=at)
    events.do(case, "finish_task", at=at)


def test_ties_to_messages_show_only_to_who_may_see_both(events, county, at):
    from opinion.casefile import links_of

    case = events.walk("reported", at)
    open_one = county.register(at, body="围挡倒了")
    hidden = county.register(at, body="围挡倒了，有人负责吗", restricted=True)
    events.do(case, "link_matter", at=at, other=open_one.pk)
    events.do(case, "link_matter", at=at, other=hidden.pk)
    with pytest.raises(Cannot, match="已关联"):
        events.do(case, "link_matter", at=at, other=open_one.pk)
    assert [(link.case, link.what) for link in links_of(case, county.clerk)] == [(open_one, "同一事项")]
    assert [link.case for link in links_of(open_one, county.clerk)] == [case]
    assert [link.case for link in links_of(hidden, county.officer)] == [case]
    assert links_of(case, county.supervisor)[0].case == open_one
    events.do(case, "unlink_matter", at=at, other=open_one.pk)
    assert links_of(case, county.clerk) == []
    assert Link.objects.filter(from_case=case, ended_at=None).count() == 1


def test_registering_masks_numbers_in_what_lists_show(events, at):
    case = events.find(at, title="有人留电话13812345678求助", summary="留言称 13812345678 可联系")
    event = OpinionCase.objects.get(case=case)
    assert case.title == event.title == "有人留电话138****5678求助"
    assert event.summary == "留言称 138****5678 可联系"


def test_annulling_leaves_no_clock(events, at):
    case = events.walk("annulled", at)
    assert not case.clocks.going().exists()
    assert case.closed_at is not None


# ---- forms


def test_public_texts_carry_nobodys_identity(events, county, at):
    case = events.walk("verified", at)
    events.do(case, "link_matter", at=at, other=county.register(at, person=PERSON).pk)
    for text in (f"感谢{PERSON.name}反映", f"请拨打{PERSON.phone}", "联系人手机13900001111", "车牌苏A12345"):
        form = form_for("draft_response", {"text": text}, case=case, user=county.handler, at=at)
        assert "text" in form.errors, text
        assert not form.is_valid()
    clean = form_for("draft_response", {"text": "工地已停工整改。"}, case=case, user=county.handler, at=at)
    assert clean.is_valid()


def test_other_units_are_asked_on_a_legal_basis_and_go_on_when_the_lead_changes(events, county, at):
    case = events.walk("investigating", at)
    form = form_for("assign_lead", None, case=case, user=county.dispatcher, at=at)
    assert "assisting" not in form.fields
    asked = {"assisting": [county.street.pk], "asked": "维持现场秩序", "required": "on"}
    form = form_for("ask_co_handling", asked, case=case, user=county.head, at=at)
    assert list(form.errors) == ["legal_basis"]
    asked["legal_basis"] = "突发事件应对法第四十一条"
    form = form_for("ask_co_handling", asked, case=case, user=county.head, at=at)
    assert form.is_valid(), form.errors
    events.do(case, "ask_co_handling", at=at, **form.cleaned_data)
    with pytest.raises(Cannot, match="东浦街道"):
        events.do(case, "verify", at=at)
    moved = {"lead": county.water.pk, "requirement": "涉及管线"}
    form = form_for("transfer_lead", moved, case=now(case), user=county.dispatcher, at=at)
    assert form.is_valid(), form.errors
    events.do(case, "transfer", at=at, **form.cleaned_data)
    assert [task.unit for task in cohandling.standing(now(case))] == [county.street]
    with pytest.raises(Cannot, match="东浦街道"):
        events.do(case, "verify", at=at, by=county.other_head)
    events.do(case, "finish_co_task", at=at, by=county.street_handler, task=1)
    events.do(case, "verify", at=at, by=county.other_head)


def test_reports_name_no_account(events, county, at):
    case = events.walk("found", at)
    said = {"known": "@某某 发帖称", "measures": "", "proposed_grade": "large"}
    form = form_for("report", said, case=case, user=county.clerk, at=at)
    assert form.errors["known"] == ["“已知情况”写事件，不写网址、账号和发布人，请删去"]


def test_graders_are_offered_what_they_may_give(events, county, at):
    case = events.walk("reported", at)
    people = {"leader": county.leader, "reviewer": county.reviewer, "dispatcher": county.dispatcher}
    forms = {name: form_for("grade", None, case=case, user=person, at=at) for name, person in people.items()}
    offered = {
        name: [code for code, _ in form.fields["grade"].choices if code] for name, form in forms.items()
    }
    assert offered == {"leader": list(GRADES), "reviewer": ["large", "plain"], "dispatcher": ["plain"]}


def test_the_same_grade_again_is_no_change(events, county, at):
    case = events.walk("graded", at)
    form = form_for("regrade", {"grade": "large", "remark": "再看"}, case=case, user=county.leader, at=at)
    assert form.errors["__all__"] == ["等级没有变化，请调整后再提交"]
