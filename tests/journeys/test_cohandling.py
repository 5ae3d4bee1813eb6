"""One lead, two units that help: the rules of domain.md 4, Co-handling, from the dispatch to the person's answer."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.models import Notice
from opinion.models import Reply
from opinion.waiting import waiting_for
from workflows.errors import Cannot
from workflows.limits import Limit
from workflows.models import Case, User
from workflows.published import calendar
from workflows.relay import relay
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

HOUR = timedelta(hours=1)


def deadline(case, kind):
    return case.clocks.filter(kind=kind).latest("cycle").due_at


def a_working_day_before(case, kind):
    found = case.clocks.filter(kind=kind).latest("cycle")
    on = calendar(found.calendar_id)
    return on.shifted(found.due_at, -on.working_time_of(Limit.parse("1wd")))


def waits_for(case, user):
    return waiting_for(User.objects.get(pk=user.pk)).cases.filter(pk=case.pk).exists()


def told(case, name):
    found = Notice.objects.filter(event__case=case, event__name=name, channel="inbox")
    return set(found.values_list("user__username", flat=True))


def test_one_unit_leads_two_help_and_the_person_gets_one_answer(county, at, client):
    # The desk gives the case to the housing bureau; the water bureau and the street are to help.
    case = county.register(at)
    helpers = [county.water.pk, county.street.pk]
    county.do(case, "assign", at=at, assisting=helpers, requirement="住建局主办，水务局、东浦街道配合。")
    assert waits_for(case, county.handler)
    assert waits_for(case, county.other_handler)
    assert waits_for(case, county.street_handler)

    # The lead unit holds the case clock; assisting tasks are due a buffer earlier.
    for clock in ("co_task_a", "co_task_b"):
        assert deadline(case, clock) == a_working_day_before(case, "resolve")

    # The lead works; each helping unit takes up its own task and touches nothing else.
    for name in ("accept", "contact", "record_visit"):
        county.do(case, name, at=at + HOUR)
    county.do(case, "accept_co_task", at=at + HOUR)
    county.do(case, "finish_co_task", at=at + 2 * HOUR, contribution="供水管网无渗漏。")
    relay(at=at + 2 * HOUR)
    assert told(case, "co_task.finished") == {"handler", "head"}

    # The lead sends it back, with comments; the round is counted and the unit works on.
    county.do(case, "send_back_co_task", at=at + 3 * HOUR, comments="请附检测记录")
    assert waits_for(case, county.other_handler)
    county.do(case, "finish_co_task", at=at + 4 * HOUR, contribution="检测记录：压力正常，无渗漏。")
    assert list(case.co_tasks.order_by("number").values_list("state", "rounds")) == [
        ("done", 1),
        ("assigned", 0),
    ]

    # An extension of the lead moves the tasks that are still open.
    before = deadline(case, "co_task_b")
    county.do(case, "request_extension", at=at + 4 * HOUR)
    county.do(case, "grant_extension", at=at + 4 * HOUR)
    assert deadline(case, "co_task_b") == a_working_day_before(case, "resolve") > before

    # The street is late: logged once, dated at its deadline, and told to the street and to the lead.
    late = deadline(case, "co_task_b")
    sweep(at=late + HOUR)
    sweep(at=late + 2 * HOUR)
    relay(at=late + 2 * HOUR)
    missed = case.events.filter(name="clock.missed", data__clock="co_task_b")
    assert [event.happened_at for event in missed] == [late]
    assert {"street_handler", "handler", "head"} <= told(case, "clock.missed")

    # The lead cannot submit until required tasks are done or waived with a reason.
    now = late + 3 * HOUR
    with pytest.raises(Cannot, match="必须办结的协办任务尚未完成：东浦街道（待签收）"):
        county.do(case, "draft_reply", at=now)
    county.do(case, "waive_co_task", at=now, grounds="积水点不在街道管养范围")
    county.do(case, "draft_reply", at=now, text="您反映的积水已清理，排水管已疏通。")

    # Only the lead's approved text reaches the person.
    county.do(case, "approve", at=now, text="您反映的积水已清理，排水管已疏通。")
    county.do(case, "reply", at=now)
    final = Reply.objects.get(case=case, kind=Reply.Kind.FINAL)
    assert (final.unit, final.text) == (county.desk, "您反映的积水已清理，排水管已疏通。")
    assert not [text for text in Reply.objects.values_list("text", flat=True) if "检测记录" in text]
    assert Case.objects.get(pk=case.pk).state == "replied"

    # What helped stays on the case for who handles it, and every row agrees with every other.
    client.force_login(county.head)
    page = client.get(reverse("case", args=[case.number])).content.decode()
    assert all(word in page for word in ("检测记录：压力正常", "积水点不在街道管养范围", "退回补充 1 次"))
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []
