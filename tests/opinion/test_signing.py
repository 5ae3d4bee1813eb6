"""Approvals of messages: who is asked for a restricted one, what is left in 待办, whom a late level calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.directory import Directory
from notifications.registry import CATALOGUE
from opinion.forms import form_for
from opinion.models import Reply
from opinion.signing import requesters, signers
from opinion.waiting import seats_waiting_for, waiting_for
from tests.factories.world import make_world
from tests.workflows.racing import claim_all, race
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Absence, Approval, ApprovalTask, Case, Event, Membership, User
from workflows.seeding import seed
from workflows.sweeper import sweep


def asked(case, kind="reply"):
    seats = ApprovalTask.objects.waiting().filter(case=case, process__kind=kind).order_by("id")
    return [seat.owner for seat in seats.select_related("owner")]


def again(user):
    return User.objects.get(pk=user.pk)


def test_a_restricted_message_is_signed_by_those_only_who_may_know_it(county, at):
    case = county.walk("drafted", at, restricted=True, type="report")
    seen = []
    while owners := asked(case):
        assert all(Case.objects.visible_to(again(owner)).filter(pk=case.pk).exists() for owner in owners)
        seen.append(owners)
        county.do(case, "sign_reply", at=at)
    assert Case.objects.get(pk=case.pk).state == "reviewed"
    people = {owner for owners in seen for owner in owners}
    assert not people & {county.reviewer, county.dispatcher, county.leader, county.handler}


def test_the_head_of_a_unit_complained_about_is_never_asked(county, at):
    Membership.objects.create(user=county.other_head, unit=county.housing, role="unit_head")
    case = county.walk("handling", at, restricted=True, type="report", barred=[county.water.pk])
    county.do(case, "draft_reply", at=at)
    assert county.other_head not in asked(case)


def test_who_may_know_a_message_no_more_reads_nothing_of_it_and_is_replaced(
    county, at, django_capture_on_commit_callbacks
):
    case = county.walk("drafted", at)
    with django_capture_on_commit_callbacks(execute=False) as after:
        county.do(case, "bar_unit", at=at, unit=county.housing.pk)
    assert (seats_waiting_for(again(county.head)).count(), waiting_for(again(county.head)).signing) == (0, 0)
    with pytest.raises(MayNot):
        county.do(case, "sign_reply", at=at, by=county.head)
    for do in after:
        do()
    assert asked(case) == [county.officer]
    assert seats_waiting_for(again(county.officer)).count() == 1


def test_what_is_taken_back_leaves_nothing_to_sign(county, at):
    case = county.walk("drafted", at)
    assert (seats_waiting_for(again(county.head)).count(), waiting_for(again(county.head)).signing) == (1, 1)
    county.do(case, "retract_draft", at=at)
    assert (seats_waiting_for(again(county.head)).count(), waiting_for(again(county.head)).signing) == (0, 0)
    with pytest.raises(Already, match="承小陈 已于 2026-11-24 09:30 办理“撤回送审”"):
        county.do(case, "sign_reply", at=at, by=county.head)


def test_a_wording_is_of_the_unit_its_author_works_in_not_of_the_one_that_had_the_case(county, at):
    case = county.walk("drafted", at)
    county.do(case, "add_signer", at=at)
    county.do(case, "sign_reply", at=at, by=county.leader, text="领导改过的一稿。")
    county.do(case, "approve", at=at, text="受理台改过的一稿。")
    county.do(case, "reply", at=at)
    # Kept with the text: another post later changes nothing.
    county.leader.memberships.update(unit=county.water)
    found = Reply.objects.filter(case=case).order_by("seq", "id").values_list("kind", "author", "unit")
    assert list(found) == [
        ("draft", county.handler.pk, county.housing.pk),
        ("approved", county.leader.pk, county.county.pk),
        ("approved", county.head.pk, county.housing.pk),
        ("final", county.reviewer.pk, county.desk.pk),
    ]


# ---- who can be picked


def offered(case, name, user, at):
    form = form_for(name, None, case=Case.objects.get(pk=case.pk), user=again(user), at=at)
    return {pk for pk, _ in form.fields["person"].choices if pk}


def seated(county, case, move, by, at):
    """Everybody whom the door would seat, each tried and taken back."""
    found = set()
    for person in User.objects.exclude(pk=User.objects.system().pk):
        with transaction.atomic():
            try:
                county.do(case, move, at=at, by=again(by), person=person.pk)
            except Cannot:
                continue
            finally:
                transaction.set_rollback(True)
        found.add(person.pk)
    return found


@pytest.mark.parametrize(("move", "form"), [("add_signer", "pick_signer"), ("hand_over", "pick_heir")])
@pytest.mark.parametrize("restricted", [False, True])
def test_whoever_is_offered_is_taken_and_nobody_who_may_take_over_is_left_out(
    county, at, move, form, restricted
):
    """With somebody away, somebody who signed below, a colleague at the desk, and people of the lead who may not."""
    options = {"restricted": True, "type": "report"} if restricted else {}
    case = county.walk("drafted", at, **options)
    county.do(case, "sign_reply", at=at)
    (by,) = asked(case)[:1]
    unit = by.memberships.first().unit
    colleague, gone = (User.objects.create_user(username=name, display_name=name) for name in ("col", "gone"))
    for person in (colleague, gone):
        Membership.objects.create(user=person, unit=unit, role=by.memberships.first().role)
    Absence.objects.create(user=gone, deputy=colleague, starts_at=at)
    below = ApprovalTask.objects.filter(case=case, level=1, decision="agreed").values_list("owner", flat=True)
    found = offered(case, form, by, at)
    assert found == seated(county, case, move, by, at)
    assert (colleague.pk in found, gone.pk in found) == (True, False)
    if move == "hand_over":
        assert not found & set(below)


@pytest.mark.parametrize("name", ["pick_signer", "pick_heir", "send_copy"])
@pytest.mark.parametrize("restricted", [False, True])
def test_picking_takes_as_many_statements_of_many_people_as_of_few(county, at, name, restricted):
    options = {"restricted": True, "type": "report"} if restricted else {}
    case = county.walk("drafted", at, **options)
    (by,) = asked(case)[:1]

    def counted():
        with CaptureQueriesContext(connection) as found:
            form_for(name, None, case=Case.objects.get(pk=case.pk), user=again(by), at=at)
        return len(found)

    counted()
    few = counted()
    for post in Membership.objects.select_related("unit"):
        for number in range(3):
            person = User.objects.create_user(username=f"{post.pk}-{number}", display_name="多")
            Membership.objects.create(user=person, unit=post.unit, role=post.role)
            if number == 2:
                Absence.objects.create(user=person, deputy=county.leader, starts_at=at)
    assert counted() == few


def test_a_message_withdrawn_leaves_nothing_to_sign(county, at):
    case = county.walk("drafted", at)
    county.do(case, "request_extension", at=at)
    county.do(case, "withdraw", at=at)
    assert not ApprovalTask.objects.waiting().filter(case=case).exists()
    found = Approval.objects.filter(case=case).order_by("id").values_list("kind", "outcome")
    assert list(found) == [("reply", "cancelled"), ("extension", "cancelled")]


def test_a_late_level_names_the_unit_of_who_is_asked_and_calls_the_signers(county, at):
    case = county.walk("drafted", at)
    due = case.clocks.get(kind="review").due_at
    sweep(at=due + timedelta(minutes=1))
    miss = Event.objects.get(case=case, name="clock.missed", data__clock="review")
    assert (miss.unit, miss.happened_at) == (county.housing, due)
    assert list(signers([miss], Directory())) == [(miss, county.head)]
    county.do(case, "sign_reply", at=due + timedelta(minutes=2))
    assert Event.objects.filter(case=case, name="clock.missed", data__clock="review").count() == 1
    later = case.clocks.get(kind="review", cycle=2).due_at
    sweep(at=later + timedelta(minutes=1))
    second = Event.objects.get(case=case, name="clock.missed", data__clock="review", data__cycle=2)
    assert second.unit == county.desk
    assert list(signers([second], Directory())) == [(second, county.reviewer)]


def test_notices_say_which_level_is_asked_and_an_urge_reaches_it(county, at):
    case = county.walk("drafted", at, source="lb")
    county.do(case, "sign_reply", at=at, by=county.head)
    asking = Event.objects.filter(case=case, name="approval.signed").latest("seq")
    due = case.clocks.get(kind="review", state="running").due_at
    assert CATALOGUE[asking.name].words.say([asking])[asking.pk] == (
        f"{case.number} 答复审批（第二级 受理台审核），请表态，时限 {timezone.localtime(due):%Y-%m-%d %H:%M}"
    )
    county.do(case, "sign_reply", at=at, by=county.reviewer)
    level = "第三级 宣传部门审核"
    urge = county.do(case, "urge", at=at + timedelta(hours=1), by=county.supervisor, remark="请尽快")
    told = CATALOGUE[urge.name]
    assert f"第 1 次催办，待“{level}”表态，请抓紧" in told.words.say([urge])[urge.pk]
    asked_now = set(
        User.objects.filter(pk__in=ApprovalTask.objects.waiting().filter(case=case).values("owner"))
    )
    assert asked_now
    assert asked_now <= {user for _, user in told.audience([urge], Directory())}


def test_a_word_on_an_approval_reaches_signers_and_drafter_and_decides_nothing(county, at):
    case = county.walk("drafted", at)
    event = county.do(case, "discuss", at=at, by=county.head, comment="请补充依据")
    assert (event.data["approval"], event.data["round"]) == ("reply", 1)
    assert list(requesters([event], Directory())) == [(event, county.handler)]
    assert asked(case) == [county.head]


def test_nobody_approves_by_the_move_itself(county, at):
    case = county.walk("drafted", at)
    for by in (county.head, county.reviewer, county.handler, county.officer, User.objects.system()):
        with pytest.raises(MayNot):
            county.do(case, "approve", at=at, by=by)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_agreeing_to_a_pause_against_pausing_at_once_has_one_winner(at):
    seed()
    world = make_world()
    other = User.objects.create_user(username="second", display_name="派小二")
    Membership.objects.create(user=other, unit=world.desk, role="dispatcher")
    ids = []
    for _ in range(6):
        case = world.walk("handling", at)
        world.do(case, "request_suspension", at=at)
        world.do(case, "sign_suspension", at=at)
        ids.append(case.pk)
    said = {"reason": "appraisal", "remark": "待鉴定结论"}
    runs = [
        (claim_all, (ids, "sign_suspension", world.dispatcher.pk, at, said)),
        (claim_all, (ids, "suspend", other.pk, at, said)),
    ]
    for pk, *answers in zip(ids, *race(runs), strict=True):
        assert sorted(kind for kind, _ in answers) == ["Already", "Event"]
        won = [kind for kind, _ in answers].index("Event")
        winner = (world.dispatcher, other)[won]
        assert answers[1 - won][1].startswith(f"{winner} 已于 2026-11-24 09:30 办理“暂停”")
        outcome = Approval.objects.get(case=pk, kind="suspension").outcome
        assert outcome == ("granted", "cancelled")[won]
        assert not ApprovalTask.objects.waiting().filter(case=pk).exists()
