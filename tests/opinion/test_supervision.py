"""Supervision orders, reminders and taking note: who may, what follows, and that one case has one order at a time."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Notice
from opinion.models import SupervisionOrder
from opinion.supervising import orders_of, times_urged
from workflows.documents import SpecError
from workflows.engine import fire
from workflows.errors import Already, Cannot, MayNot, MoveRefused
from workflows.ladders import LEVELS
from workflows.models import Case, Clock, Event, LadderVersion, User
from workflows.permits import available
from workflows.published import calendar
from workflows.publishing import publish
from workflows.registry import looking_ahead
from workflows.relay import relay
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

DAY = timedelta(days=1)


@pytest.fixture
def case(county, at):
    return county.walk("handling", at)


def order(case):
    return SupervisionOrder.objects.get(case=case)


def feedback(case):
    return case.clocks.filter(kind="feedback").latest("cycle")


def working_days_later(clock, days):
    on = calendar(clock.calendar_id)
    from workflows.limits import Limit

    return on.due(clock.due_at, Limit.parse(f"{days}wd")).at


def told(case, name):
    return set(
        Notice.objects.filter(event__case=case, event__name=name, channel="inbox").values_list(
            "user__username", flat=True
        )
    )


# ---- the way of an order


def test_order_runs_from_issue_to_closing(county, case, at):
    county.do(case, "issue_order", at=at)
    found = order(case)
    assert (found.state, found.colour, found.unit, found.issuer) == (
        "issued", "yellow", county.housing, county.supervisor,
    )  # fmt: skip
    assert found.title == f"{case.number}-D1"
    assert (feedback(case).limit, feedback(case).state) == ("3wd", "running")
    county.do(case, "acknowledge_order", at=at)
    assert (order(case).state, order(case).acknowledged_by) == ("acknowledged", county.head)
    county.do(case, "answer_order", at=at)
    assert (order(case).state, feedback(case).state) == ("answered", "met")
    county.do(case, "send_back_order", at=at)
    assert (order(case).state, order(case).rounds) == ("sent_back", 1)
    assert (feedback(case).cycle, feedback(case).state) == (2, "running")
    county.do(case, "answer_order", at=at)
    county.do(case, "close_order", at=at)
    assert (order(case).state, order(case).ended_at) == ("closed", at)
    texts = dict(case.notes.values_list("kind", "text"))
    assert (texts["problem"], texts["demand"]) == ("逾期未办结", "三日内办结并说明原因")
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []


def test_an_order_changes_no_other_clock(county, case, at):
    before = list(case.clocks.exclude(kind="feedback").order_by("id").values())
    county.do(case, "issue_order", at=at)
    county.do(case, "urge", at=at)
    assert list(case.clocks.exclude(kind="feedback").order_by("id").values()) == before


def test_texts_stay_out_of_the_log(county, case, at):
    county.do(case, "issue_order", at=at)
    county.do(case, "answer_order", at=at)
    logged = str(list(case.events.values_list("data", flat=True)))
    assert "逾期未办结" not in logged
    assert "抢修" not in logged


def test_a_withdrawn_order_asks_for_nothing_more(county, case, at):
    county.do(case, "issue_order", at=at)
    county.do(case, "withdraw_order", at=at)
    assert (order(case).state, feedback(case).state) == ("withdrawn", "void")
    with pytest.raises(Cannot, match="没有等待本单位反馈的督办单"):
        county.do(case, "answer_order", at=at)
    county.do(case, "issue_order", at=at)
    assert list(case.orders.order_by("number").values_list("number", "state")) == [
        (1, "withdrawn"),
        (2, "issued"),
    ]


def test_a_second_order_names_the_first_and_who_issued_it(county, case, at):
    county.do(case, "issue_order", at=at)
    with pytest.raises(Already, match=r"对住建局已有未审结的督办单 .*-D1（督老李于 .* 签发）"):
        county.do(case, "issue_order", at=at)


def test_a_proposed_order_waits_while_another_is_issued_against_another_unit(county, case, at):
    county.do(case, "propose_order", at=at)
    county.do(case, "issue_order", at=at, by=User.objects.system(), unit=county.desk.pk)
    county.do(case, "sign_order", at=at + DAY)
    issued = SupervisionOrder.objects.filter(case=case).order_by("number")
    assert [one.unit for one in issued] == [county.desk, county.housing]


def test_whoever_signs_a_proposed_order_too_late_reads_why_and_the_supervisor_hears_of_it(county, case, at):
    county.do(case, "propose_order", at=at, colour="red")
    county.do(case, "issue_order", at=at, by=User.objects.system())
    way_out = (
        r"对住建局已有未审结的督办单 .*-D1.*不能重复签发：请选“不予签发督办单”并写明，需要加重的由督办员升级"
    )
    with pytest.raises(Already, match=way_out):
        county.do(case, "sign_order", at=at + DAY)
    county.do(case, "refuse_order", at=at + DAY, remark="已有督办单，请升级")
    relay(at=at + DAY)
    assert "supervisor" in told(case, "order.refused")
    county.do(case, "raise_order", at=at + DAY)
    assert order(case).colour == "red"


def test_a_transfer_leaves_a_proposed_order_to_whoever_signs_it(county, case, at):
    county.do(case, "propose_order", at=at, unit=county.desk.pk)
    other = county.walk("handling", at)
    county.do(other, "propose_order", at=at)
    for one in (case, other):
        county.do(one, "transfer", at=at)
    county.do(case, "sign_order", at=at)
    assert order(case).unit == county.desk
    with pytest.raises(Cannot, match="住建局已不承办本案，不能再对其签发督办单：请选“不予签发督办单”"):
        county.do(other, "sign_order", at=at)
    county.do(other, "refuse_order", at=at)


def test_the_schema_holds_one_open_order_a_unit(county, case, at):
    county.do(case, "issue_order", at=at)
    row = {"case": case, "unit": county.housing, "level": 1, "issuer": county.supervisor, "issued_at": at}
    with pytest.raises(IntegrityError), transaction.atomic():
        SupervisionOrder.objects.create(number=2, **row)


def test_colours_only_get_graver(county, case, at):
    county.do(case, "issue_order", at=at)
    county.do(case, "raise_order", at=at)
    assert order(case).colour == "red"
    with pytest.raises(Already, match="已是这一级别或更高"):
        county.do(case, "raise_order", at=at)
    assert [name for name in LEVELS if name] == ["blue", "yellow", "red"]


def test_only_units_of_the_case_come_under_an_order(county, case, at):
    with pytest.raises(Cannot, match="应为本案的主办单位或受理台"):
        county.do(case, "issue_order", at=at, unit=county.water.pk)


def test_who_may_do_what(county, case, at):
    for user in (county.dispatcher, county.head, county.leader):
        with pytest.raises(MayNot):
            county.do(case, "issue_order", at=at, by=user)
    county.do(case, "issue_order", at=at)
    with pytest.raises(Cannot, match="没有等待本单位签收"):
        county.do(case, "acknowledge_order", at=at, by=county.dispatcher)
    with pytest.raises(MayNot):
        county.do(case, "answer_order", at=at, by=county.other_head)
    offered = {move.name for move in available(Case.objects.get(pk=case.pk), county.head, at=at)}
    assert {"acknowledge_order", "answer_order"} <= offered
    assert not {"close_order", "send_back_order", "withdraw_order", "raise_order"} & offered


def test_an_order_ends_with_its_case(county, at):
    case = county.walk("called_back", at)
    county.do(case, "issue_order", at=at)
    county.do(case, "rate", at=at)
    assert (order(case).state, feedback(case).state) == ("lapsed", "void")
    assert case.events.get(name="message.rated").data["lapsed"] == [1]


def test_an_order_ends_where_the_case_goes_to_another_unit(county, case, at):
    """The unit that loses the case could no longer answer; the next rung calls the new one to account."""
    clock = case.clocks.get(kind="resolve")
    yellow = working_days_later(clock, 1)
    sweep(at=yellow)
    county.do(case, "transfer", at=yellow)
    assert (order(case).state, feedback(case).state) == ("lapsed", "void")
    sweep(at=working_days_later(clock, 3))
    assert list(case.orders.order_by("number").values_list("unit", "state", "level")) == [
        (county.housing.pk, "lapsed", 2),
        (county.water.pk, "issued", 3),
    ]


def test_an_order_stays_where_only_the_assisting_units_change(county, case, at):
    county.do(case, "issue_order", at=at)
    with pytest.raises(Cannot, match="主办单位没有变化"):
        county.do(case, "transfer", at=at, lead=county.housing.pk)
    assert order(case).is_open


def test_desk_and_unit_come_under_orders_of_their_own(county, at):
    case = county.walk("registered", at)
    assign = case.clocks.get(kind="assign")
    sweep(at=working_days_later(assign, 1))
    later = working_days_later(assign, 1)
    county.do(case, "assign", at=later)
    county.do(case, "accept", at=later)
    contact = case.clocks.get(kind="contact")
    sweep(at=working_days_later(contact, 1))
    assert set(case.orders.values_list("unit", flat=True)) == {county.desk.pk, county.housing.pk}
    kinds = case.clocks.going().filter(kind__endswith="feedback").values_list("kind", flat=True)
    assert set(kinds) == {"feedback", "desk_feedback"}
    county.do(case, "answer_order", at=working_days_later(contact, 1))
    assert list(case.clocks.going().filter(kind__endswith="feedback").values_list("kind", flat=True)) == [
        "desk_feedback"
    ]


def test_a_graver_order_asks_again_for_feedback_given_before(county, case, at):
    county.do(case, "issue_order", at=at)
    county.do(case, "answer_order", at=at)
    county.do(case, "raise_order", at=at)
    assert (order(case).state, order(case).colour, feedback(case).state) == ("sent_back", "red", "running")


# ---- ladders issue and raise


def test_the_yellow_rung_issues_an_order_and_the_red_one_raises_it(county, case, at):
    clock = case.clocks.get(kind="resolve")
    sweep(at=clock.due_at)
    assert not case.orders.exists()
    sweep(at=working_days_later(clock, 1))
    found = order(case)
    assert (found.colour, found.unit, found.clock, found.issuer) == (
        "yellow", county.housing, "resolve", User.objects.system(),
    )  # fmt: skip
    assert case.notes.get(kind="problem").text == "“办结”已逾期，尚未完成。"
    sweep(at=working_days_later(clock, 3))
    assert (order(case).colour, order(case).number) == ("red", 1)
    names = list(case.events.filter(name__startswith="order.").order_by("seq").values_list("name", flat=True))
    assert names == ["order.issued", "order.raised"]
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []


def test_after_downtime_one_order_of_the_highest_colour_is_issued(county, case, at):
    clock = case.clocks.get(kind="resolve")
    sweep(at=working_days_later(clock, 4))
    assert (order(case).colour, order(case).number) == ("red", 1)
    assert case.events.filter(name__startswith="order.").count() == 1


@pytest.mark.parametrize("cases", [1, 6])
def test_a_sweep_asks_for_the_orders_of_six_as_often_as_of_one(county, at, cases):
    walked = [county.walk("handling", at) for _ in range(cases)]
    county.do(walked[0], "urge", at=at)
    clock = walked[0].clocks.get(kind="resolve")
    for day in (1, 3):
        with CaptureQueriesContext(connection) as asked:
            sweep(at=working_days_later(clock, day))
        about = [query for query in asked if 'FROM "opinion_supervisionorder"' in query["sql"]]
        assert len(about) == 1
    found = SupervisionOrder.objects.order_by("case")
    assert [(each.number, each.colour) for each in found] == [(1, "red")] * cases
    assert [each.reminders for each in found] == [1] + [0] * (cases - 1)


@pytest.mark.parametrize("code", ["a", "a_petition", "a_yellow", "b", "b_top"])
def test_a_rung_without_a_colour_issues_no_order(county, at, code):
    text = LadderVersion.objects.latest_of(code).source
    with pytest.raises(
        SpecError, match=r"rungs\.\w+\.fire: .*还没有颜色，“签发督办单”（issue_order）要按颜色定级"
    ):
        publish(re.sub(r",? *colour: *\w+", "", text), f"{code}.yaml", by=User.objects.system(), at=at)


def test_what_was_read_ahead_is_read_anew_of_a_case_that_has_moved(county, case, at):
    case = Case.objects.get(pk=case.pk)
    with looking_ahead([case]):
        assert (orders_of(case), times_urged(case)) == ([], 0)
        county.do(case, "issue_order", at=at)
        county.do(case, "urge", at=at)
        moved = Case.objects.get(pk=case.pk)
        assert (orders_of(moved), times_urged(moved)) == ([order(case)], 1)


def test_the_desks_own_lateness_puts_the_desk_under_an_order(county, at):
    case = county.walk("reviewed", at)
    review = case.clocks.get(kind="publish")
    sweep(at=working_days_later(review, 1))
    assert order(case).unit == county.desk
    county.do(case, "answer_order", at=working_days_later(review, 1), by=county.dispatcher)
    assert order(case).state == "answered"


def test_late_feedback_makes_the_order_red(county, case, at):
    county.do(case, "issue_order", at=at, colour="blue")
    clock = feedback(case)
    Clock.objects.filter(case=case).exclude(kind="feedback").update(next_at=None)
    sweep(at=clock.due_at)
    assert order(case).colour == "yellow"
    sweep(at=working_days_later(clock, 1))
    assert (order(case).colour, case.orders.count()) == ("red", 1)


# ---- reminders


def test_reminders_are_spaced_counted_and_acknowledged(county, case, at):
    county.do(case, "urge", at=at)
    with pytest.raises(Cannot, match="刚催办过"):
        county.do(case, "urge", at=at + timedelta(minutes=30), by=county.dispatcher)
    assert "acknowledge_urge" in {m.name for m in available(case, county.handler, at=at)}
    county.do(case, "acknowledge_urge", at=at)
    with pytest.raises(Cannot, match="没有等待知悉的催办"):
        county.do(case, "acknowledge_urge", at=at)
    county.do(case, "urge", at=at + DAY)
    assert list(
        case.events.filter(name="case.urged").order_by("seq").values_list("data__times", flat=True)
    ) == [1, 2]
    county.do(case, "issue_order", at=at + DAY)
    assert order(case).reminders == 2


def test_nobody_reminds_the_own_unit(county, at):
    case = county.walk("reviewed", at)
    with pytest.raises(Cannot, match="无须催办自己"):
        county.do(case, "urge", at=at, by=county.dispatcher)


# ---- taking note of a rung


def test_a_rung_taken_note_of_is_not_said_again(county, case, at):
    clock = case.clocks.get(kind="resolve")
    yellow = working_days_later(clock, 1)
    sweep(at=yellow)
    county.do(case, "acknowledge_rung", at=yellow, clock="resolve")
    with pytest.raises(Already, match="没有等待知悉的提醒"):
        county.do(case, "acknowledge_rung", at=yellow, clock="resolve")
    sweep(at=working_days_later(clock, 2))
    assert not case.events.filter(name="clock.repeated", data__clock="resolve").exists()


def test_a_rung_nobody_takes_note_of_is_said_again(county, case, at):
    clock = case.clocks.get(kind="resolve")
    sweep(at=working_days_later(clock, 1))
    sweep(at=working_days_later(clock, 2))
    assert case.events.filter(name="clock.repeated", data__clock="resolve").count() == 1


# ---- people are told


def test_the_unit_is_told_of_an_order_and_the_supervisor_of_the_feedback(county, case, at):
    county.do(case, "issue_order", at=at)
    county.do(case, "answer_order", at=at)
    relay(at=at)
    assert told(case, "order.issued") == {"handler", "head", "deputy_head"}
    assert told(case, "order.answered") == {"supervisor"}
    words = Notice.objects.filter(event__name="order.issued").values_list("words", flat=True)
    assert all("黄色督办单 D1 已签发" in said and "逾期未办结" not in said for said in words)


def test_a_reminder_reaches_whoever_holds_the_case(county, at):
    case = county.walk("reviewed", at)
    county.do(case, "urge", at=at)
    relay(at=at)
    assert told(case, "case.urged") == {"dispatcher", "reviewer", "caller"}


@pytest.mark.parametrize("cases", [1, 6])
def test_telling_of_orders_takes_as_many_statements_for_six_as_for_one(county, at, cases):
    for _ in range(cases):
        county.do(county.walk("handling", at), "issue_order", at=at)
    Event.objects.exclude(name="order.issued").update(relayed_at=at)
    with CaptureQueriesContext(connection) as asked:
        relay(at=at)
    about = [query for query in asked if "opinion_supervisionorder" in query["sql"]]
    assert Notice.objects.filter(event__name="order.issued", channel="inbox").count() == 3 * cases
    assert len(about) == 0


def test_a_reminder_stays_with_the_unit_it_was_sent_to(county, case, at):
    """The next unit is not asked to take note of it, and can be reminded in its turn."""
    county.do(case, "urge", at=at)
    county.do(case, "draft_reply", at=at)
    county.do(case, "approve", at=at)
    with pytest.raises(Cannot, match="由被催办的单位知悉"):
        county.do(case, "acknowledge_urge", at=at, by=county.dispatcher)
    county.do(case, "urge", at=at)
    assert case.events.filter(name="case.urged").count() == 2


# ---- races


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_supervisors_at_once_issue_one_order(at):
    from tests.factories.world import STEPS, make_world

    county = make_world()
    case = county.walk("handling", at)
    rivals = [county.supervisor, User.objects.create_user("second_supervisor", display_name="督老二")]
    from workflows.models import Membership

    Membership.objects.create(user=rivals[1], unit=county.county, role="supervisor")
    start, refusals = Barrier(2), []

    def issue(user):
        start.wait(10)
        try:
            fire(case.pk, "issue_order", by=user, at=at, data=STEPS["issue_order"].data(county, at))
        except MoveRefused as refused:
            refusals.append(str(refused))
        finally:
            connections.close_all()

    threads = [Thread(target=issue, args=(user,)) for user in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert case.orders.count() == 1
    assert len(refusals) == 1
    assert str(order(case).issuer) in refusals[0]
    assert verify(as_of=timezone.now()).problems == []


def test_reclassified_there_and_back_says_no_rung_twice(county, at):
    """Back on the first ladder the clock stands where it stood; the sweep does not stumble over what it logged."""
    case = county.register(at)
    later = at + timedelta(hours=3)
    sweep(at=later)
    said = list(case.events.filter(name="clock.warned").values_list("key", flat=True))
    for urgency in ("critical", "normal"):
        county.do(case, "classify", at=later, urgency=urgency, remark="误报为特急，已更正")
    sweep(at=later + timedelta(minutes=1))
    clock = case.clocks.get(kind="assign")
    assert said
    assert list(case.events.filter(name="clock.warned").values_list("key", flat=True)) == said
    assert (clock.ladder.code, clock.rung > 0) == ("a", True)
