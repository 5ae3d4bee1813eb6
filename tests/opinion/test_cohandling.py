"""Co-handling: units that help, each with its own task and deadline, and the lead whose answer waits for them."""

import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from notifications.models import Notice
from opinion.forms import form_for
from opinion.models import CoTask, OpenCase
from opinion.queues import CaseFilter
from opinion.reports.area import Area
from opinion.reports.board import board
from opinion.reports.spans import month_of
from opinion.waiting import waiting_for
from tests.factories.events import Events
from tests.factories.world import STEPS, make_world
from tests.workflows.racing import claim_all, race
from tests.workflows.test_redating import newest, off, published, with_days
from workflows.engine import fire
from workflows.errors import Already, Cannot, MayNot
from workflows.limits import Limit
from workflows.models import Case, Definition, Membership, Participation, PolicyVersion, User
from workflows.permits import available
from workflows.published import calendar
from workflows.publishing import publish
from workflows.redating import redate
from workflows.relay import relay
from workflows.repolicing import move as repolice
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

DAY = timedelta(days=1)


@pytest.fixture
def case(county, at):
    """In handling by the housing bureau, helped by nobody yet."""
    return county.walk("handling", at)


@pytest.fixture
def helped(county, case, at):
    """With a required task for the water bureau and another for the street."""
    ask(county, case, at, county.water, county.street)
    return case


def ask(county, case, at, *units, **said):
    return county.do(case, "ask_co_handling", at=at, assisting=[unit.pk for unit in units], **said)


def task(case, number=1):
    return CoTask.objects.get(case=case, number=number)


def clock(case, kind="co_task_a"):
    return case.clocks.filter(kind=kind).latest("cycle")


def due(case, kind="resolve"):
    return case.clocks.filter(kind=kind).latest("cycle").due_at


def working_days_before(found, days):
    on = calendar(found.calendar_id)
    return on.shifted(found.due_at, -on.working_time_of(Limit.parse(f"{days}wd")))


def moves(case, user, at):
    return {move.name for move in available(Case.objects.get(pk=case.pk), user, at=at)}


def told(case, name):
    found = Notice.objects.filter(event__case=case, event__name=name, channel="inbox")
    return set(found.values_list("user__username", flat=True))


def assert_sound():
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []


# ---- the way of a task


def test_task_runs_from_asking_to_done(county, case, at):
    ask(county, case, at, county.water, legal_basis="供水条例第十二条")
    found = task(case)
    assert (found.state, found.unit, found.required, found.asked_by) == (
        "assigned", county.water, True, county.head,
    )  # fmt: skip
    county.do(case, "accept_co_task", at=at + DAY)
    assert (task(case).state, task(case).accepted_by) == ("accepted", county.other_handler)
    county.do(case, "finish_co_task", at=at + DAY)
    found = task(case)
    assert (found.state, found.finished_by, found.result) == ("done", county.other_handler, "explained")
    assert (clock(case).state, found.ended_at) == ("met", None)
    texts = dict(case.notes.values_list("kind", "text"))
    assert (texts["asked"], texts["legal_basis"], texts["contribution"]) == (
        "请核实供水管网是否渗漏", "供水条例第十二条", "管网完好，积水与供水无关。",
    )  # fmt: skip
    assert Case.objects.get(pk=case.pk).state == "handling"
    assert_sound()


def test_texts_stay_out_of_the_log(county, case, at):
    ask(county, case, at, county.water)
    county.do(case, "finish_co_task", at=at)
    logged = str(list(case.events.values_list("data", flat=True)))
    assert "管网" not in logged


def test_task_sent_back_counts_its_rounds_and_has_a_new_deadline(county, case, at):
    ask(county, case, at, county.water)
    county.do(case, "finish_co_task", at=at)
    county.do(case, "send_back_co_task", at=at + DAY)
    assert (task(case).state, task(case).rounds) == ("sent_back", 1)
    assert (clock(case).cycle, clock(case).state) == (2, "running")
    with pytest.raises(Cannot, match="没有可以退回的协办任务"):
        county.do(case, "decline_co_task", at=at + DAY)
    county.do(case, "finish_co_task", at=at + DAY)
    assert (task(case).state, clock(case).state) == ("done", "met")
    assert_sound()


def test_declined_task_waits_for_the_lead_and_its_clock_stops(county, case, at):
    ask(county, case, at, county.water)
    county.do(case, "decline_co_task", at=at)
    assert (task(case).state, clock(case).state) == ("declined", "void")
    with pytest.raises(Cannot, match="水务局（退回待定）"):
        county.do(case, "draft_reply", at=at)
    county.do(case, "send_back_co_task", at=at, comments="管网由贵局管理，仍请核实")
    assert (task(case).state, clock(case).state) == ("sent_back", "running")


def test_a_task_taken_up_is_not_declined_any_more(county, case, at):
    ask(county, case, at, county.water)
    county.do(case, "accept_co_task", at=at)
    with pytest.raises(Cannot, match="签收后不能再退"):
        county.do(case, "decline_co_task", at=at)


def test_units_chosen_on_dispatch_have_a_task_at_once(county, at):
    case = county.register(at)
    county.do(case, "assign", at=at, assisting=[county.water.pk, county.street.pk])
    assert list(case.co_tasks.order_by("number").values_list("unit", "state", "required", "clock")) == [
        (county.water.pk, "assigned", True, "co_task_a"),
        (county.street.pk, "assigned", True, "co_task_b"),
    ]
    county.do(case, "finish_co_task", at=at)
    assert task(case).state == "done"


# ---- who may


def test_a_helping_unit_acts_on_its_own_task_and_on_nothing_else(county, helped, at):
    assert moves(helped, county.other_handler, at) == {
        "accept_co_task", "finish_co_task", "decline_co_task",
    }  # fmt: skip
    county.do(helped, "finish_co_task", at=at, task=1)
    assert moves(helped, county.other_handler, at) == set()
    with pytest.raises(Cannot, match="没有等待本单位办理的协办任务"):
        county.do(helped, "finish_co_task", at=at, by=county.other_head)
    with pytest.raises(Already):
        county.do(helped, "finish_co_task", at=at, task=1)
    assert task(helped, 2).state == "assigned"
    county.do(helped, "finish_co_task", at=at, by=county.street_handler)
    assert task(helped, 2).state == "done"


def test_nobody_works_on_anothers_task(county, helped, at):
    with pytest.raises(Cannot, match="没有等待本单位办理的协办任务"):
        county.do(helped, "finish_co_task", at=at, by=county.other_handler, task=2)
    for user in (county.handler, county.head, county.dispatcher, county.supervisor, county.office_handler):
        with pytest.raises(MayNot):
            county.do(helped, "finish_co_task", at=at, by=user)


def test_only_lead_and_desk_ask_and_waive(county, helped, at):
    for user in (county.handler, county.other_head, county.supervisor, county.street_handler):
        with pytest.raises(MayNot):
            county.do(helped, "waive_co_task", at=at, by=user)
    assert {"ask_co_handling", "waive_co_task"} <= moves(helped, county.dispatcher, at)
    county.do(helped, "waive_co_task", at=at, by=county.dispatcher, task="2")
    assert (task(helped).state, task(helped, 2).state) == ("assigned", "waived")


def test_a_unit_that_is_not_asked_sees_nothing(county, case, at):
    ask(county, case, at, county.water)
    assert Case.objects.visible_to(county.other_handler).filter(pk=case.pk).exists()
    assert not Case.objects.visible_to(county.street_handler).filter(pk=case.pk).exists()
    with pytest.raises(MayNot):
        county.do(case, "accept_co_task", at=at, by=county.street_handler)


def test_the_role_of_a_helping_unit_is_nobodys_membership(county):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="未登记"):
        Membership(user=county.handler, unit=county.water, role="assisting_unit").full_clean()


def test_restricted_case_is_handled_without_helpers(county, at):
    case = county.walk("handling", at, restricted=True)
    with pytest.raises(Cannot, match="限制知悉"):
        ask(county, case, at, county.water)
    fresh = county.register(at, restricted=True)
    with pytest.raises(Cannot, match="限制知悉"):
        county.do(fresh, "assign", at=at, assisting=[county.water.pk])


def test_tasks_lapse_where_a_case_becomes_restricted(county, helped, at):
    county.do(helped, "bar_unit", at=at)
    assert set(helped.co_tasks.values_list("state", flat=True)) == {"lapsed"}
    county.do(helped, "draft_reply", at=at)
    assert_sound()


def test_unit_complained_about_is_not_asked_to_help(county, at):
    case = county.walk("handling", at, barred=[county.water.pk], restricted=False)
    if not case.restricted:
        with pytest.raises(Cannot, match="被反映单位"):
            ask(county, case, at, county.water)


def test_a_unit_that_helps_is_not_asked_twice(county, helped, at):
    with pytest.raises(Already, match="水务局已在协办本案"):
        ask(county, helped, at, county.water)
    with pytest.raises(Cannot, match="主办单位不能同时协办"):
        ask(county, helped, at, county.housing)


def test_as_many_units_help_at_once_as_there_are_clocks(county, helped, at):
    from workflows.models import Unit

    more = [Unit.objects.create(code=f"u{n}", name=f"第{n}局", parent=county.county) for n in range(5)]
    with pytest.raises(Cannot, match="至多 6 个，请减少，现已有 2 个"):
        ask(county, helped, at, *more)
    ask(county, helped, at, *more[:4])
    assert helped.clocks.going().filter(kind__startswith="co_task").count() == 6


def test_the_schema_holds_one_task_a_unit(county, helped, at):
    row = {"case": helped, "unit": county.water, "asked_by": county.head, "asked_at": at}
    with pytest.raises(IntegrityError), transaction.atomic():
        CoTask.objects.create(number=9, **row)


# ---- the lead's answer waits


def test_lead_cannot_submit_before_required_tasks_are_done_or_waived(county, helped, at):
    with pytest.raises(Cannot, match="水务局（待签收）、东浦街道（待签收）"):
        county.do(helped, "draft_reply", at=at)
    county.do(helped, "finish_co_task", at=at)
    with pytest.raises(Cannot, match="尚未完成：东浦街道（待签收）"):
        county.do(helped, "draft_reply", at=at)
    county.do(helped, "waive_co_task", at=at, task=2)
    assert case_note(helped, "grounds") == "现场已查明，不再需要"
    county.do(helped, "draft_reply", at=at)
    assert_sound()


def case_note(case, kind):
    return case.notes.filter(kind=kind).latest("id").text


def test_optional_task_holds_nobody_up_and_lapses_with_the_answer(county, case, at):
    ask(county, case, at, county.water, required=False)
    ask(county, case, at, county.street)
    county.do(case, "finish_co_task", at=at, by=county.street_handler)
    for name in ("draft_reply", "approve", "reply"):
        county.do(case, name, at=at)
    assert list(case.co_tasks.order_by("number").values_list("state", "ended_at")) == [
        ("lapsed", at), ("done", at),
    ]  # fmt: skip
    assert case.events.get(name="message.replied").data["lapsed_tasks"] == [1]
    assert clock(case).state == "void"
    assert_sound()


def test_after_a_redo_units_are_asked_anew(county, case, at):
    ask(county, case, at, county.water)
    county.do(case, "finish_co_task", at=at)
    for name in ("draft_reply", "approve", "reply", "call_back", "redo"):
        county.do(case, name, at=at)
    ask(county, case, at, county.water)
    assert (task(case, 2).state, clock(case).cycle) == ("assigned", 2)
    assert clock(case).due_at == working_days_before(case.clocks.get(kind="redo"), 1)


# ---- deadlines


def test_task_is_due_a_working_day_before_the_lead(county, helped, at):
    lead = helped.clocks.get(kind="resolve")
    assert clock(helped).due_at == clock(helped, "co_task_b").due_at == working_days_before(lead, 1)
    assert clock(helped).original_due_at == clock(helped).due_at
    assert_sound()


def test_task_asked_late_has_at_least_the_buffer(county, case, at):
    lead = case.clocks.get(kind="resolve")
    late = working_days_before(lead, 0.5)
    ask(county, case, late, county.water)
    found = clock(case)
    on = calendar(found.calendar_id)
    assert found.due_at == on.due(late, Limit.parse("1wd")).at
    assert_sound()


def test_extension_of_the_lead_moves_the_tasks(county, helped, at):
    before = clock(helped).due_at
    county.do(helped, "request_extension", at=at)
    county.do(helped, "grant_extension", at=at)
    lead = helped.clocks.get(kind="resolve")
    assert clock(helped).due_at == working_days_before(lead, 1) > before
    logged = helped.events.get(name="message.extension_granted").data["clocks"]
    assert set(logged) == {"resolve", "co_task_a", "co_task_b"}
    assert clock(helped).original_due_at == before
    assert_sound()


def test_pause_of_the_lead_moves_the_tasks(county, helped, at):
    county.do(helped, "suspend", at=at)
    assert clock(helped).state == "paused"
    county.do(helped, "resume", at=at + 7 * DAY)
    assert clock(helped).due_at == working_days_before(helped.clocks.get(kind="resolve"), 1)
    assert_sound()


def test_a_task_is_finished_or_waived_while_the_lead_is_paused(county, helped, at):
    county.do(helped, "suspend", at=at)
    county.do(helped, "finish_co_task", at=at + DAY)
    county.do(helped, "waive_co_task", at=at + DAY, task=2)
    assert (clock(helped).state, clock(helped, "co_task_b").state) == ("met", "void")
    county.do(helped, "resume", at=at + 2 * DAY)
    county.do(helped, "draft_reply", at=at + 2 * DAY)
    assert_sound()


def test_another_urgency_moves_the_tasks(county, helped, at):
    county.do(helped, "classify", at=at, urgency="urgent", remark="停水")
    found = clock(helped)
    assert (found.limit, found.due_at) == ("4h", due(helped) - timedelta(hours=4))
    assert_sound()


def test_a_holiday_moves_the_tasks_with_the_lead(county, helped, at):
    before = clock(helped)
    spec = with_days(newest().parsed, off(timezone.localtime(before.due_at).date()))
    redate(published(spec, at), by=county.sysadmin, at=at)
    moved = clock(helped)
    assert moved.due_at == working_days_before(helped.clocks.get(kind="resolve"), 1) > before.due_at
    logged = helped.events.get(name="clock.redated").data["clocks"]
    assert {"resolve", "co_task_a", "co_task_b"} <= set(logged)
    assert_sound()


def test_a_holiday_between_task_and_lead_leaves_the_task_its_working_day_ahead(county, helped, at):
    before = clock(helped).due_at
    spec = with_days(newest().parsed, off(timezone.localtime(due(helped)).date()))
    redate(published(spec, at), by=county.sysadmin, at=at)
    assert clock(helped).due_at == working_days_before(helped.clocks.get(kind="resolve"), 1) == before
    assert "co_task_a" not in helped.events.get(name="clock.redated").data["clocks"]
    assert_sound()


@pytest.mark.parametrize(("row", "longer"), [("hotline_plain", "7wd"), ("co_task_a", "2wd")])
def test_another_policy_moves_the_tasks(county, helped, at, row, longer):
    text = PolicyVersion.objects.latest_of("default").source
    found = re.search(rf"row: {row}[\s,].*?limit: (\w+)", text, re.DOTALL)
    changed = text[: found.start(1)] + longer + text[found.end(1) :]
    publish(changed, "default", by=county.sysadmin, at=at)
    repolice(PolicyVersion.objects.latest_of("default"), by=county.sysadmin, at=at)
    lead, task_clock = helped.clocks.get(kind="resolve"), clock(helped)
    assert longer in {lead.limit, task_clock.limit}
    assert task_clock.due_at == working_days_before(lead, int(task_clock.limit[0]))
    assert_sound()


def test_each_late_unit_is_logged_once_at_its_deadline(county, helped, at):
    deadline = clock(helped).due_at
    county.do(helped, "finish_co_task", at=at, by=county.street_handler)
    sweep(at=deadline + DAY / 2)
    sweep(at=deadline + DAY / 2)
    missed = helped.events.filter(name="clock.missed", data__clock__startswith="co_task")
    assert list(missed.values_list("data__clock", "happened_at")) == [("co_task_a", deadline)]
    county.do(helped, "finish_co_task", at=deadline + DAY / 2)
    assert (clock(helped).state, clock(helped, "co_task_b").state) == ("missed", "met")
    assert missed.count() == 1
    assert_sound()


def test_lateness_found_by_the_move_itself_is_dated_at_the_deadline(county, helped, at):
    deadline = clock(helped).due_at
    county.do(helped, "finish_co_task", at=deadline + timedelta(minutes=5))
    missed = helped.events.get(name="clock.missed", data__clock="co_task_a")
    assert missed.happened_at == deadline


def test_late_task_rises_to_the_head_of_that_unit_and_to_the_lead(county, helped, at):
    county.do(helped, "finish_co_task", at=at, by=county.street_handler)
    sweep(at=clock(helped).due_at)
    relay(at=clock(helped).due_at)
    missed = Notice.objects.filter(
        event__name="clock.missed", event__data__clock="co_task_a", channel="inbox"
    )
    assert set(missed.values_list("user__username", flat=True)) == {
        "other_handler", "other_head", "handler", "head",
    }  # fmt: skip
    assert all("水务局" in words for words in missed.values_list("words", flat=True))


def test_late_task_puts_nobody_under_an_order(county, helped, at):
    sweep(at=clock(helped).due_at + timedelta(hours=1))
    assert not helped.orders.exists()


def test_note_of_a_late_task_is_taken_by_the_late_unit(county, helped, at):
    now = clock(helped).due_at
    sweep(at=now)
    assert "acknowledge_rung" in moves(helped, county.other_handler, now)
    county.do(helped, "acknowledge_rung", at=now, by=county.other_handler, clock="co_task_a")
    assert "acknowledge_rung" not in moves(helped, county.other_handler, now)


# ---- lists and pages


def test_a_case_waits_for_whoever_is_asked_to_help(county, helped, at):
    assert [c.pk for c in waiting_for(county.other_handler).cases] == [helped.pk]
    assert [(item.label, item.count) for item in waiting_for(county.other_head).counts] == [("办理中", 1)]
    county.do(helped, "finish_co_task", at=at)
    assert waiting_for(User.objects.get(pk=county.other_handler.pk)).total == 0
    assert waiting_for(county.street_handler).total == 1


def test_the_to_do_list_says_that_help_is_asked(county, helped, client):
    client.force_login(county.other_handler)
    assert "请您协办" in client.get(reverse("todo")).content.decode()
    client.force_login(county.handler)
    assert "请您协办" not in client.get(reverse("todo")).content.decode()


def test_the_list_is_narrowed_to_cases_with_help(county, helped, at):
    county.do(county.register(at), "assign", at=at)
    late = clock(helped).due_at + timedelta(minutes=1)

    def found(how, by, when=at):
        asked = CaseFilter({"helping": how})
        assert asked.is_valid()
        return list(asked.narrow(Case.objects.visible_to(by), by=by, at=when))

    assert found("own", county.other_handler) == [helped]
    assert found("own", county.handler) == []
    assert found("open", county.dispatcher) == [helped]
    assert found("late", county.dispatcher) == []
    assert found("late", county.dispatcher, late) == [helped]
    assert len(found("", county.dispatcher)) == 2


def test_the_board_charges_a_late_task_to_the_unit_that_helps(county, helped, at):
    late = clock(helped).due_at + timedelta(minutes=1)
    county.do(helped, "finish_co_task", at=at, by=county.street_handler)
    shown = board(Area.of(county.supervisor), month=month_of(late), at=late)
    assert {line.unit: line.helping_late.count for line in shown.lines if line.helping_late.count} == {
        county.water: 1
    }
    drill = shown.total.helping_late.drill
    assert list(drill.cases(county.supervisor, Area.of(county.supervisor), at=late)) == [helped]


def test_page_shows_who_helps_with_what_and_what_came_of_it(county, helped, at, client):
    county.do(helped, "finish_co_task", at=at)
    client.force_login(county.head)
    page = client.get(reverse("case", args=[helped.number])).content.decode()
    block = page[page.index('id="co-tasks-heading"') :].split("</section>")[0]
    for words in (
        "水务局",
        "已完成",
        "请核实供水管网是否渗漏",
        "管网完好，积水与供水无关。",
        "解释说明",
        "尚未完成：东浦街道",
    ):
        assert words in block
    assert "协办 · 东浦街道" in page
    assert "拟稿送审" not in re.findall(r'class="button[^>]*>([^<]+)<', page)


def test_page_of_a_deadline_says_what_it_is_ahead_of(county, helped, at, client):
    client.force_login(county.head)
    page = client.get(reverse("explain", args=[helped.number, "co_task_a", 1])).content.decode()
    assert "提前于主办时限" in page
    assert "“办结”于" in page
    assert "逐日推算与记录的到期时间不同" not in page


def test_a_miss_names_the_late_unit_in_the_timeline(county, helped, at, client):
    sweep(at=clock(helped).due_at)
    client.force_login(county.supervisor)
    page = client.get(reverse("case", args=[helped.number])).content.decode()
    missed = [
        part for part in page.split('<li class="is-missed">')[1:] if "逾期：协办 · " in part.split("</li>")[0]
    ]
    assert {unit for unit in ("水务局", "东浦街道", "住建局") for part in missed if f"责任单位 {unit}" in part} >= {
        "水务局", "东浦街道",
    }  # fmt: skip
    assert not [part for part in missed if "责任单位 住建局" in part.split("</li>")[0]]


# ---- the case goes elsewhere


def test_another_lead_keeps_the_helpers_it_names(county, helped, at):
    county.do(helped, "accept_co_task", at=at)
    before = clock(helped).due_at
    office = county.housing_office
    county.do(helped, "transfer", at=at + DAY, lead=office.pk, assisting=[county.water.pk])
    assert list(helped.co_tasks.order_by("number").values_list("unit", "state")) == [
        (county.water.pk, "accepted"), (county.street.pk, "withdrawn"),
    ]  # fmt: skip
    assert (clock(helped).due_at, clock(helped).cycle) == (before, 1)
    assert clock(helped, "co_task_b").state == "void"
    assert not Case.objects.visible_to(county.street_handler).filter(pk=helped.pk).exists()
    assert_sound()


def test_a_helper_that_becomes_the_lead_has_no_task_any_more(county, helped, at):
    county.do(helped, "transfer", at=at, lead=county.water.pk, assisting=[county.street.pk])
    assert (task(helped).state, task(helped, 2).state) == ("withdrawn", "assigned")


def test_transfer_form_proposes_the_present_helpers(county, helped, at):
    form = form_for("transfer", None, case=helped, user=county.dispatcher, at=at)
    assert form.initial["assisting"] == [county.water.pk, county.street.pk]


@pytest.mark.parametrize(
    ("name", "event"), [("merge", "merged"), ("withdraw", "withdrawn"), ("refer", "referred")]
)
def test_tasks_lapse_where_the_case_ends_otherwise(county, helped, at, name, event):
    extra = {"master": county.register(at, subject="主案件").pk} if name == "merge" else {}
    county.do(helped, name, at=at, **extra)
    assert set(helped.co_tasks.values_list("state", flat=True)) == {"lapsed"}
    assert helped.events.get(name=f"message.{event}").data["lapsed_tasks"] == [1, 2]
    assert not helped.clocks.going().filter(kind__startswith="co_task").exists()
    assert_sound()


def test_tasks_are_withdrawn_where_the_desk_takes_the_case_back(county, at):
    case = county.register(at)
    county.do(case, "assign", at=at, assisting=[county.water.pk])
    county.do(case, "recall", at=at)
    assert task(case).state == "withdrawn"
    assert not Participation.objects.filter(case=case, role="assisting", ended_at=None).exists()
    county.do(case, "assign", at=at, assisting=[county.water.pk])
    assert (task(case, 2).state, clock(case).state) == ("assigned", "running")


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["message", "opinion_case"])
def test_every_way_out_of_the_states_of_tasks_ends_them(code):
    """A step that leads where no task clock runs says what becomes of the tasks."""
    spec = Definition.objects.get(code=code).parsed
    runs = {name for name, s in spec.states.items() if "co_task_a" in {*s.clocks, *s.pauses}}
    ends = {"end_co_tasks", "release_units"}
    leaving = [
        name for name, t in spec.transitions.items()
        if set(t.sources) & runs and t.to not in {*runs, "stay", "resume"} and not ends & set(t.effects)
    ]  # fmt: skip
    assert leaving == []


# ---- events the public talks about


def test_joint_handling_of_an_event_states_its_legal_basis_and_holds_the_report_up(county, at):
    events = Events(county)
    event = events.walk("investigating", at)
    form = form_for(
        "ask_co_handling",
        {"assisting": [county.water.pk], "asked": "请协同检测"},
        case=event,
        user=county.head,
        at=at,
    )
    assert form.errors == {"legal_basis": ["请填写“法定依据”"]}
    later = at + timedelta(minutes=30)
    events.do(event, "ask_co_handling", at=later, legal_basis="安全生产法第十条")
    assert clock(event).due_at == working_days_before(event.clocks.get(kind="verify"), 0.5)
    with pytest.raises(Cannot, match="水务局（待签收）"):
        events.do(event, "verify", at=later)
    events.do(event, "finish_co_task", at=later)
    events.do(event, "verify", at=later)
    assert_sound()


def test_helpers_of_an_event_go_on_under_another_lead(county, at):
    """The form that gives an event to another unit asks for the lead alone."""
    events = Events(county)
    event = events.walk("investigating", at)
    later = at + timedelta(minutes=30)
    events.do(event, "ask_co_handling", at=later, legal_basis="安全生产法第十条")
    form = form_for(
        "transfer_lead",
        {"lead": county.street.pk, "requirement": "改由街道主办"},
        case=event,
        user=county.dispatcher,
        at=later,
    )
    assert form.is_valid(), form.errors
    fire(event.pk, "transfer", by=county.dispatcher, at=later, data=form.cleaned_data)
    assert (task(event).state, clock(event).state) == ("assigned", "running")
    assert Case.objects.visible_to(county.other_handler).filter(pk=event.pk).exists()
    assert_sound()


# ---- people are told


def test_people_are_told_what_concerns_them(county, case, at):
    ask(county, case, at, county.water)
    county.do(case, "finish_co_task", at=at)
    relay(at=at)
    assert told(case, "co_task.asked") == {"other_handler", "other_head"}
    assert told(case, "co_task.finished") == {"handler", "head"}
    county.do(case, "send_back_co_task", at=at)
    relay(at=at)
    assert told(case, "co_task.sent_back") == {"other_handler", "other_head"}
    words = Notice.objects.filter(event__name__startswith="co_task").values_list("words", flat=True)
    assert not [said for said in words if "管网" in said]


# ---- races


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_finish_and_waive_at_once_end_a_task_once(at):
    county = make_world()
    cases = [county.walk("handling", at) for _ in range(6)]
    for case in cases:
        ask(county, case, at, county.water)
    finish, waive = (
        {**STEPS[name].data(county, at), "task": 1} for name in ("finish_co_task", "waive_co_task")
    )
    ids = [case.pk for case in cases]
    outcomes = race([
        (claim_all, (ids, "finish_co_task", county.other_handler.pk, at, finish)),
        (claim_all, (ids, "waive_co_task", county.head.pk, at, waive)),
    ])  # fmt: skip
    for number, case in enumerate(cases):
        done = [outcome[number][0] == "Event" for outcome in outcomes]
        assert done.count(True) == 1
        loser = outcomes[done.index(False)][number]
        winner = ("承小蒋", "完成协办任务", "已完成") if done[0] else ("负老褚", "免除协办任务", "已免除")
        assert loser[0] == "Already"
        assert all(word in loser[1] for word in winner)
        assert task(case).state == ("done" if done[0] else "waived")
        assert clock(case).state == ("met" if done[0] else "void")
    assert_sound()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_units_finish_at_once(at):
    county = make_world()
    case = county.walk("handling", at)
    ask(county, case, at, county.water, county.street)
    said = STEPS["finish_co_task"].data(county, at)
    outcomes = race([
        (claim_all, ([case.pk], "finish_co_task", user.pk, at, said))
        for user in (county.other_handler, county.street_handler)
    ])  # fmt: skip
    assert outcomes == [[("Event", "")], [("Event", "")]]
    assert set(case.co_tasks.values_list("state", flat=True)) == {"done"}
    assert_sound()


def test_the_deadline_of_a_case_is_the_leads_and_never_a_helping_units(case, helped):
    """A task is due before the lead, and the case is sorted and coloured by the lead's clock."""
    shown = Case.objects.get(pk=case.pk)
    own = case.clocks.filter(state="running").exclude(kind__startswith="co_task")
    assert clock(case).due_at < due(case)
    assert shown.due_at == min(own.values_list("due_at", flat=True))
    assert verify_clocks(number=case.number).problems == []
    figure = OpenCase.objects.create(
        case_id=case.pk, unit=case.unit, level=0, due_at=clock(case).due_at, since=case.opened_at
    )
    import_module("opinion.migrations.0013_own_due").as_their_cases(apps, None)
    figure.refresh_from_db()
    assert figure.due_at == shown.due_at
