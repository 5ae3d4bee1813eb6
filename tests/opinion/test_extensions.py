"""More time: who may ask, who may grant, what moves, and what the policy has room for."""

from datetime import timedelta
from decimal import Decimal

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone

from notifications.models import Notice
from opinion.models import Reply
from workflows import extensions
from workflows.adopting import adopt
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Case, Definition, Extension, User
from workflows.permits import available
from workflows.publishing import publish
from workflows.relay import relay
from workflows.sweeper import sweep
from workflows.verifying_clocks import verify_clocks

DAY = timedelta(days=1)


def resolve(case):
    return case.clocks.get(kind="resolve")


def names(case, user, at):
    return {move.name for move in available(Case.objects.get(pk=case.pk), user, at=at)}


@pytest.fixture
def case(county, at):
    return county.walk("handling", at)


def test_a_channel_limit_and_the_statutory_one_run_side_by_side(county, case):
    clocks = dict(case.clocks.going().values_list("kind", "limit"))
    assert clocks == {"resolve": "5wd", "backstop": "60d"}
    assert case.due_at == resolve(case).due_at


def test_petitions_have_their_statutory_limits(county, at):
    case = county.walk("registered", at, source="letter")
    limits = dict(case.clocks.going().values_list("kind", "limit"))
    assert limits == {"assign": "0.5wd", "transfer": "15d", "notice": "15d", "resolve": "60d"}


def test_a_granted_extension_moves_the_deadline_and_tells_the_person(county, case, at):
    due = resolve(case).due_at
    county.do(case, "request_extension", at=at + DAY)
    # A pending request stops nothing.
    assert resolve(case).due_at == due
    county.do(case, "grant_extension", at=at + 2 * DAY)
    clock = resolve(case)
    assert (clock.original_due_at, clock.due_at > due) == (due, True)
    assert Case.objects.get(pk=case.pk).due_at == clock.due_at
    row = case.extensions.get()
    assert (row.state, row.due_from, row.due_to) == ("granted", due, clock.due_at)
    assert (row.requester, row.decider, row.late) == (county.handler, county.dispatcher, False)
    assert Reply.objects.get(case=case, kind="interim").text == "因需鉴定，答复时间延长三个工作日。"
    event = case.events.get(name="message.extension_granted")
    assert (event.data["amount"], event.data["reason"], event.data["requester"]) == (
        "3wd",
        "appraisal",
        county.handler.pk,
    )
    assert "鉴定" not in str(event.data)
    assert verify_clocks().problems == []


def test_nobody_grants_the_own_request(county, case, at):
    late = resolve(case).due_at + timedelta(minutes=1)
    with pytest.raises(MayNot):
        county.do(case, "request_late_extension", at=late, by=county.dispatcher)
    county.do(case, "request_extension", at=at)
    with pytest.raises(MayNot):
        county.do(case, "grant_extension", at=at, by=county.handler)
    Extension.objects.update(requester=county.dispatcher)
    assert "grant_extension" not in names(case, county.dispatcher, at)
    with pytest.raises(Cannot, match="不能批准自己提出的延期"):
        county.do(case, "grant_extension", at=at)


def test_the_unit_asks_before_the_deadline_and_the_supervisor_after_it(county, case, at):
    late = resolve(case).due_at + timedelta(minutes=1)
    sweep(at=late)
    with pytest.raises(Cannot, match="时限已过"):
        county.do(case, "request_extension", at=late)
    with pytest.raises(Cannot, match="尚未到期"):
        county.do(case, "request_late_extension", at=at)
    county.do(case, "request_late_extension", at=late)
    asked = case.events.get(name="message.extension_requested")
    assert asked.data["late"] is True
    county.do(case, "grant_extension", at=late)
    clock = resolve(case)
    assert clock.missed_at == clock.original_due_at
    assert not Case.objects.filter(pk=case.pk).overdue(at=late).exists()
    assert verify_clocks().problems == []


def test_a_miss_nobody_swept_yet_is_logged_before_the_deadline_moves(county, case, at):
    due = resolve(case).due_at
    county.do(case, "request_late_extension", at=due + timedelta(minutes=1))
    county.do(case, "grant_extension", at=due + timedelta(minutes=2))
    assert case.events.get(name="clock.missed").happened_at == due


def test_length_count_and_total_are_the_policys(county, case, at):
    with pytest.raises(Cannot, match="至多延长 3个工作日"):
        county.do(case, "request_extension", at=at, amount="4wd")
    with pytest.raises(Cannot, match="至多延长 3个工作日"):
        county.do(case, "request_extension", at=at, amount="3d")
    for _ in range(3):
        county.do(case, "request_extension", at=at)
        county.do(case, "grant_extension", at=at)
    assert [
        (room.times_left, room.longest)
        for room in extensions.extendable(case)
        if room.clock.kind == "resolve"
    ] == [(0, Decimal(0))]
    with pytest.raises(Cannot, match="已用完"):
        county.do(case, "request_extension", at=at)


def test_one_request_at_a_time(county, case, at):
    county.do(case, "request_extension", at=at)
    with pytest.raises(Already, match="已有一件延期申请待批"):
        county.do(case, "request_extension", at=at)
    county.do(case, "retract_extension", at=at)
    county.do(case, "request_extension", at=at)
    county.do(case, "refuse_extension", at=at)
    assert list(case.extensions.order_by("id").values_list("state", flat=True)) == ["retracted", "refused"]
    assert resolve(case).due_at == resolve(case).original_due_at
    with pytest.raises(Already, match="派小红 已于 2026-11-24 09:30 表态“退回”，此项审批已经结束"):
        county.do(case, "grant_extension", at=at)


def test_a_request_lapses_with_its_clock(county, case, at):
    county.do(case, "request_extension", at=at)
    for step in ("draft_reply", "approve", "reply"):
        county.do(case, step, at=at + timedelta(hours=1))
    assert extensions.pending(case) is None


def lapsed_in(case):
    """Events that say a request for more time ended undecided, and what of it."""
    found = case.events.filter(data__has_key="lapsed_extension").order_by("seq")
    return [(event.name, event.data["lapsed_extension"]["amount"]) for event in found]


def test_a_request_ends_with_its_approval_where_the_case_is_merged(county, case, at):
    master = county.register(at, subject="主案件")
    county.do(case, "request_extension", at=at)
    county.do(case, "merge", at=at, master=master.pk)
    assert case.extensions.get().state == "retracted"
    assert lapsed_in(case) == [("message.merged", "3wd")]
    county.do(case, "unmerge", at=at)
    assert Case.objects.get(pk=case.pk).state == "handling"
    county.do(case, "request_extension", at=at)
    county.do(case, "grant_extension", at=at)
    assert list(case.extensions.order_by("id").values_list("state", flat=True)) == ["retracted", "granted"]


def test_a_request_ends_with_its_approval_where_a_newer_version_has_no_place_for_it(county, case, at):
    county.do(case, "request_extension", at=at)
    document = yaml.safe_load(Definition.objects.get(code="message").source)
    document["approvals"]["extension"]["during"].remove("handling")
    for name in ("request_extension", "request_late_extension"):
        document["transitions"][name]["from"].remove("handling")
    text = yaml.safe_dump(document, allow_unicode=True)
    newer = publish(text, "message.yaml", by=User.objects.system(), at=at).document
    assert isinstance(newer, Definition)
    adopt([case.pk], newer, {}, by=User.objects.system(), at=at)
    assert case.extensions.get().state == "retracted"
    assert lapsed_in(case) == [("definition.changed", "3wd")]


def test_a_request_taken_back_or_answered_is_not_said_to_lapse(county, case, at):
    for end in ("retract_extension", "refuse_extension", "grant_extension"):
        county.do(case, "request_extension", at=at)
        county.do(case, end, at=at)
    assert lapsed_in(case) == []


def test_a_change_of_grade_keeps_pause_and_extension(county, case, at):
    county.do(case, "request_extension", at=at)
    county.do(case, "grant_extension", at=at)
    county.do(case, "suspend", at=at)
    county.do(case, "resume", at=at + DAY)
    before = resolve(case).due_at
    county.do(case, "classify", at=at + DAY, complexity="complex")
    clock = resolve(case)
    assert clock.limit == "15wd"
    assert (clock.due_at - before).days == 14
    assert verify_clocks().problems == []


def test_only_a_hearing_stops_the_statutory_limit(county, at):
    for reason, state in (("appraisal", "running"), ("hearing", "paused")):
        case = county.walk("handling", at)
        county.do(case, "suspend", at=at, reason=reason)
        assert case.clocks.get(kind="backstop").state == state
        assert case.clocks.get(kind="resolve").state == "paused"
        county.do(case, "comment", at=at + timedelta(minutes=1))
        assert case.clocks.get(kind="backstop").state == state
    assert verify_clocks().problems == []


def test_a_pause_needs_a_listed_reason(county, case, at):
    with pytest.raises(Cannot, match="暂停理由不在允许的范围内"):
        county.do(case, "suspend", at=at, reason="busy")


def test_pauses_are_capped_in_total(county, case, at):
    at += timedelta(minutes=10)
    used = []
    for _ in range(5):
        if "suspend" not in names(case, county.dispatcher, at):
            break
        county.do(case, "suspend", at=at)
        clock = case.clocks.filter(kind="suspension").latest("cycle")
        used.append(clock.limit)
        at = clock.due_at
        sweep(at=at)
        assert Case.objects.get(pk=case.pk).state == "handling"
        at += timedelta(minutes=1)
    assert used[0] == "10wd"
    assert used[-1].endswith("min")
    with pytest.raises(Cannot, match="累计暂停已满20个工作日"):
        county.do(case, "suspend", at=at)
    assert verify_clocks().problems == []


def test_redo_begins_a_new_cycle_and_leaves_the_old_outcome(county, at):
    case = county.walk("replied", at)
    before = list(case.clocks.filter(finished_at__isnull=False).order_by("id").values())
    county.do(case, "redo", at=at + DAY)
    assert case.clocks.get(kind="redo").limit == "3wd"
    assert list(case.clocks.filter(pk__in=[row["id"] for row in before]).order_by("id").values()) == before


def test_a_deadline_put_off_is_climbed_to_anew(county, case, at):
    """Reminders and the breach are said again for the new date, and the colour of the old one goes."""
    clock = resolve(case)
    near = clock.due_at - timedelta(hours=2)
    county.do(case, "request_extension", at=at)
    sweep(at=near)
    assert resolve(case).rung == 2
    county.do(case, "grant_extension", at=near)
    moved = resolve(case)
    assert (moved.rung, Case.objects.get(pk=case.pk).rung) == (0, 0)
    sweep(at=moved.due_at - timedelta(hours=2))
    assert resolve(case).rung == 2
    said = case.events.filter(data__clock="resolve", data__rung="near")
    assert said.count() == 2
    assert verify_clocks().problems == []


def test_after_a_late_extension_the_new_date_is_told_though_the_miss_is_logged_once(county, case, at):
    late = resolve(case).due_at + timedelta(minutes=1)
    sweep(at=late)
    county.do(case, "request_late_extension", at=late)
    county.do(case, "grant_extension", at=late)
    sweep(at=resolve(case).due_at)
    assert case.events.filter(name="clock.missed", data__clock="resolve").count() == 1
    breach = case.events.filter(data__clock="resolve", data__rung="breach").order_by("seq")
    assert list(breach.values_list("name", flat=True)) == ["clock.missed", "clock.escalated"]


def test_an_extension_that_ends_in_the_past_is_refused(county, case, at):
    late = resolve(case).due_at + 10 * DAY
    with pytest.raises(Cannot, match="仍已逾期，请增加"):
        county.do(case, "request_late_extension", at=late)


def test_the_notice_names_the_deadline_that_was_prolonged_not_whichever_is_next(county, case, at):
    county.do(case, "request_extension", at=at + DAY)
    county.do(case, "suspend", at=at + DAY)
    county.do(case, "grant_extension", at=at + 2 * DAY)
    relay(at=at + 2 * DAY)
    due = timezone.localtime(resolve(case).due_at)
    said = Notice.objects.filter(event__name="message.extension_granted", user=county.handler).latest("pk")
    assert said.words == f"{case.number} 延期已批准，时限 {due:%Y-%m-%d %H:%M}"


def test_its_reason_is_called_as_it_was_chosen(county, case, at, client):
    """`appraisal` is a reason for a pause as well, under another name."""
    county.do(case, "request_extension", at=at + DAY)
    client.force_login(county.handler)
    page = client.get(reverse("case", args=[case.number])).content.decode()
    assert "鉴定检测" in page
    assert "鉴定检测期间" not in page
