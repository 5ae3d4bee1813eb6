"""What of the desk's own notices needs nobody any more: approvals, deadlines, orders, cases out of sight."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from notifications.models import Notice
from tests.factories.world import World
from workflows.models import ApprovalTask, Case, Membership, User
from workflows.relay import relay
from workflows.sweeper import sweep

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def unread(case: Case, name: str, **which: object) -> set[str]:
    """Usernames of those whom such an event still asks for something they have not read."""
    found = Notice.objects.in_inboxes().unread().filter(event__case=case, event__name=name, **which)
    return set(found.values_list("user__username", flat=True))


def settled(case: Case, name: str) -> set[str]:
    found = Notice.objects.in_inboxes().filter(event__case=case, event__name=name).exclude(settled_at=None)
    return set(found.values_list("user__username", flat=True))


def do(county: World, case: Case, name: str, at: datetime, **data: object) -> None:
    county.do(case, name, at=at, **data)  # type: ignore[arg-type]
    relay(at=at)


@pytest.fixture
def drafted(county: World, at: datetime) -> Case:
    """Two heads are asked, of whom one is enough."""
    second = User.objects.create_user(username="second_head", display_name="负老二")
    Membership.objects.create(user=second, unit=county.housing, role="unit_head")
    case = county.walk("drafted", at)
    relay(at=at + HOUR)
    assert unread(case, "message.drafted") == {"head", "second_head"}
    return case


def test_a_level_decided_by_one_needs_nobody_else_of_it(county: World, drafted: Case, at: datetime):
    do(county, drafted, "sign_reply", at + HOUR)
    assert settled(drafted, "message.drafted") == {"head", "second_head"}
    assert unread(drafted, "approval.signed") == {"reviewer"}


def test_an_approval_taken_back_needs_nobody_until_it_is_asked_for_again(
    county: World, drafted: Case, at: datetime
):
    do(county, drafted, "retract_draft", at + HOUR)
    assert unread(drafted, "message.drafted") == set()
    do(county, drafted, "draft_reply", at + 2 * HOUR)
    assert unread(drafted, "message.drafted") == {"head", "second_head"}
    notices = Notice.objects.in_inboxes().filter(event__case=drafted, event__name="message.drafted")
    assert notices.filter(user=county.head).count() == 2
    assert notices.unread().filter(user=county.head).count() == 1


def test_an_approval_that_lapses_needs_nobody(county: World, drafted: Case, at: datetime):
    do(county, drafted, "withdraw", at + HOUR)
    assert settled(drafted, "message.drafted") == {"head", "second_head"}


def test_who_has_signed_is_done_while_others_are_still_asked(county: World, drafted: Case, at: datetime):
    """As where all of a level have to agree."""
    do(
        county,
        drafted,
        "add_signer",
        at + MINUTE,
        by=county.head,
        person=county.deputy_head.pk,
        approval="reply",
    )
    assert unread(drafted, "approval.signer_added") == {"deputy_head"}
    do(county, drafted, "sign_reply", at + HOUR, by=county.head)
    assert "head" in settled(drafted, "message.drafted")
    assert ApprovalTask.objects.waiting().filter(case=drafted, owner=county.deputy_head).exists()
    assert unread(drafted, "approval.signer_added") == {"deputy_head"}


def test_a_word_on_an_approval_is_settled_with_it(county: World, drafted: Case, at: datetime):
    do(county, drafted, "discuss", at + MINUTE, by=county.head, comment="请补充依据")
    assert "handler" in unread(drafted, "approval.discussed")
    do(county, drafted, "retract_draft", at + HOUR)
    assert unread(drafted, "approval.discussed") == set()


def test_a_deadline_met_meanwhile_needs_nobody(county: World, at: datetime):
    case = county.walk("assigned", at)
    due = case.clocks.get(kind="accept").due_at
    # Silence is acceptance: the clock of the first contact is missed instead.
    sweep(at=due)
    contact = case.clocks.get(kind="contact").due_at
    sweep(at=contact)
    relay(at=contact)
    late = {"event__data__clock": "contact"}
    assert "handler" in unread(case, "clock.missed", **late)
    do(county, case, "contact", contact + HOUR)
    assert unread(case, "clock.missed", **late) == set()


def test_an_order_asks_whoever_has_its_turn(county: World, at: datetime):
    case = county.walk("handling", at)
    do(county, case, "issue_order", at + HOUR)
    assert "head" in unread(case, "order.issued")
    do(county, case, "answer_order", at + 2 * HOUR)
    assert unread(case, "order.issued") == set()
    assert "supervisor" in unread(case, "order.answered")
    do(county, case, "send_back_order", at + 3 * HOUR)
    assert unread(case, "order.answered") == set()
    assert "head" in unread(case, "order.sent_back")
    assert unread(case, "order.issued") == set()
    do(county, case, "answer_order", at + 4 * HOUR)
    do(county, case, "close_order", at + 5 * HOUR)
    assert unread(case, "order.answered") | unread(case, "order.sent_back") == set()


def test_who_lost_the_case_to_another_unit_need_not_read_of_it(county: World, at: datetime):
    case = county.walk("assigned", at)
    relay(at=at + MINUTE)
    assert "handler" in unread(case, "message.assigned")
    do(county, case, "recall", at + HOUR)
    do(county, case, "assign", at + 2 * HOUR, lead=county.water.pk)
    assert unread(case, "message.assigned") & {"handler", "head"} == set()
    assert {"other_handler"} <= unread(case, "message.assigned")
