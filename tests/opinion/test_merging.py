"""Duplicates joined to a master."""

import threading

import pytest
from django.db import connection

from notifications.models import Notice
from opinion.forms import form_for
from opinion.models import Link, Reply
from opinion.parting import part_merges
from opinion.publishing import obstacle_of_merged
from tests.factories.events import Events
from tests.factories.world import STEPS, make_world
from workflows.engine import fire
from workflows.errors import Cannot, MoveRefused
from workflows.models import Case, Membership, User
from workflows.relay import relay


def now(case):
    return Case.objects.get(pk=case.pk)


def test_a_duplicate_keeps_number_person_and_clock(county, at):
    master, case = county.walk("handling", at), county.walk("assigned", at)
    due, number = case.clocks.get(kind="resolve").due_at, case.number
    county.do(case, "merge", at=at, master=master.pk)
    merged = now(case)
    assert (merged.state, merged.number, merged.unit) == ("merged", number, county.desk)
    assert merged.clocks.get(kind="resolve").due_at == due
    assert merged.contact.name != now(master).contact.name


def test_the_duplicate_is_answered_after_the_master(county, at):
    master, case = county.walk("reviewed", at), county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    with pytest.raises(Cannot, match="请先答复主案件"):
        county.do(case, "reply_merged", at=at)
    county.do(master, "reply", at=at)
    county.do(case, "reply_merged", at=at)
    answered = now(case)
    assert (answered.state, answered.lead) == ("replied", county.housing)
    assert answered.clocks.get(kind="resolve").state == "met"
    reply = Reply.objects.get(case=case)
    assert (reply.kind, reply.result, reply.public) == ("final", "solved", False)
    county.do(case, "redo", at=at)
    assert now(case).unit == county.housing


def test_unmerge_goes_back_to_where_it_was(county, at):
    master, case = county.walk("handling", at), county.walk("handling", at)
    county.do(case, "merge", at=at, master=master.pk)
    county.do(case, "unmerge", at=at)
    assert (now(case).state, now(case).unit) == ("handling", county.housing)
    assert not Link.objects.merged().filter(from_case=case).exists()
    county.do(case, "merge", at=at, master=master.pk)
    assert now(case).state == "merged"


def test_the_assign_clock_stands_still_while_merged(county, at):
    master, case = county.walk("handling", at), county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    assert now(case).clocks.get(kind="assign").state == "paused"
    county.do(case, "unmerge", at=at)
    clock = now(case).clocks.get(kind="assign")
    assert (clock.state, clock.cycle) == ("running", 1)


def test_one_root_and_no_cycles(county, at):
    root, middle, other = (county.walk("handling", at) for _ in range(3))
    county.do(middle, "merge", at=at, master=root.pk)
    with pytest.raises(Cannot, match=f"已并入 {root.number}"):
        county.do(other, "merge", at=at, master=middle.pk)
    with pytest.raises(Cannot, match=f"已并入 {root.number}，请直接并入"):
        county.do(root, "merge", at=at, master=middle.pk)
    with pytest.raises(Cannot, match="是其他案件的主案件"):
        county.do(root, "merge", at=at, master=other.pk)
    with pytest.raises(Cannot, match="不能并入自身"):
        county.do(other, "merge", at=at, master=other.pk)
    with pytest.raises(Cannot, match="没有这件主案件"):
        county.do(other, "merge", at=at, master=0)


def test_a_case_that_ended_without_reply_is_no_master(county, at):
    case = county.walk("handling", at)
    with pytest.raises(Cannot, match="不能作为主案件"):
        county.do(case, "merge", at=at, master=county.walk("withdrawn", at).pk)
    county.do(case, "merge", at=at, master=county.walk("closed", at).pk)
    county.do(case, "reply_merged", at=at)
    assert now(case).state == "replied"


def test_a_case_of_another_kind_is_refused_for_being_one(county, at):
    case, event = county.walk("handling", at), Events(county).walk("found", at)
    with pytest.raises(Cannot, match=f"{event.number} 是舆情事件，群众留言只能并入群众留言"):
        county.do(case, "merge", at=at, master=event.pk)


def test_never_into_a_case_led_by_the_unit_complained_about(county, at):
    master = county.walk("registered", at, restricted=True)
    county.do(master, "assign", at=at)
    case = county.walk("registered", at, barred=[county.housing.pk])
    with pytest.raises(Cannot, match="是本案的被反映单位"):
        county.do(case, "merge", at=at, master=master.pk)


def test_withdrawal_of_a_duplicate_ends_the_merge(county, at):
    master, case = county.walk("handling", at), county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    county.do(case, "withdraw", at=at)
    assert not Link.objects.merged().exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_cases_merged_into_each_other_at_once_make_one_merge(at):
    county = make_world()
    for _ in range(5):
        pair = [county.walk("handling", at) for _ in range(2)]
        start = threading.Barrier(2)
        outcomes: list[str] = []

        def join(case, master, start=start, outcomes=outcomes):
            person = User.objects.get(pk=county.dispatcher.pk)
            data = {**STEPS["merge"].data(county, at), "master": master.pk}
            start.wait()
            try:
                fire(case.pk, "merge", by=person, at=at, data=data)
                outcomes.append("merged")
            except MoveRefused:
                outcomes.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=join, args=args) for args in (tuple(pair), tuple(reversed(pair)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["merged", "refused"]
    assert Membership.objects.exists()


def test_duplicate_is_not_answered_by_the_unit_it_complains_about(county, at):
    master = county.walk("reviewed", at, restricted=True)
    case = county.walk("registered", at, restricted=True)
    county.do(case, "merge", at=at, master=master.pk)
    county.do(case, "bar_unit", at=at, unit=county.housing.pk)
    county.do(master, "reply", at=at, public=False)
    with pytest.raises(Cannot, match="主办单位是本案的被反映单位"):
        county.do(case, "reply_merged", at=at)
    assert now(case).lead != county.housing


def test_duplicate_is_not_answered_with_a_reply_its_master_has_lost(county, at):
    master, case = county.walk("replied", at), county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    county.do(master, "redo", at=at)
    with pytest.raises(Cannot, match="正在重新办理，原答复不再适用"):
        county.do(case, "reply_merged", at=at)
    county.do(master, "withdraw", at=at)
    with pytest.raises(Cannot, match="没有答复即已结束，请撤销并案"):
        county.do(case, "reply_merged", at=at)


def test_case_that_lost_its_reply_and_ended_is_no_master(county, at):
    master, case = county.walk("redo", at), county.walk("handling", at)
    county.do(master, "withdraw", at=at)
    with pytest.raises(Cannot, match="已结束且没有答复，不能作为主案件"):
        county.do(case, "merge", at=at, master=master.pk)


@pytest.mark.parametrize("barred", ["master", "case"])
def test_merge_ends_where_one_of_the_two_becomes_restricted(county, at, barred):
    cases = {"master": county.walk("handling", at), "case": county.walk("handling", at)}
    case = cases["case"]
    county.do(case, "merge", at=at, master=cases["master"].pk)
    county.do(cases[barred], "bar_unit", at=at, unit=county.water.pk)
    assert part_merges(at=at) == 1
    assert part_merges(at=at) == 0
    assert (now(case).state, now(case).unit) == ("handling", county.housing)
    assert not Link.objects.merged().exists()
    event = now(case).events.get(transition="unmerge")
    assert (event.name, event.actor.is_system) == ("message.unmerged", True)
    assert {clock.state for clock in now(case).clocks.going()} == {"running"}
    assert "知悉范围已不同" in now(case).notes.get(seq=event.seq).text


def test_merge_stands_where_both_are_restricted(county, at):
    master, case = (county.walk("handling", at, restricted=True) for _ in range(2))
    county.do(case, "merge", at=at, master=master.pk)
    county.do(case, "bar_unit", at=at, unit=county.water.pk)
    assert part_merges(at=at) == 0
    assert now(case).state == "merged"


def test_units_of_a_parted_duplicate_are_told(county, at):
    master, case = county.walk("handling", at), county.walk("handling", at)
    county.do(case, "merge", at=at, master=master.pk)
    county.do(master, "bar_unit", at=at, unit=county.water.pk)
    part_merges(at=at)
    relay(at=at)
    told = Notice.objects.filter(event__case=case, event__name="message.unmerged", channel="inbox")
    assert set(told.values_list("user__username", flat=True)) == {"handler", "head", "dispatcher"}


def test_nobody_reads_number_or_words_of_a_master_they_may_not_see(county, at):
    master, case = county.walk("reviewed", at), county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    county.do(master, "bar_unit", at=at, unit=county.water.pk)
    county.do(master, "reply", at=at, public=False)
    dispatcher = User.objects.get(pk=county.dispatcher.pk)
    form = form_for("reply_merged", None, case=now(case), user=dispatcher, at=at)
    assert "text" not in form.initial
    with pytest.raises(Cannot, match="您看不到主案件") as refused:
        county.do(case, "reply_merged", at=at)
    assert master.number not in str(refused.value)


def test_nobody_reads_the_number_of_an_invisible_root(county, at):
    root, middle, case = (county.walk("handling", at) for _ in range(3))
    county.do(middle, "merge", at=at, master=root.pk)
    county.do(root, "bar_unit", at=at, unit=county.water.pk)
    dispatcher = User.objects.get(pk=county.dispatcher.pk)
    form = form_for("merge", {"master": middle.number}, case=now(case), user=dispatcher, at=at)
    assert not form.is_valid()
    assert f"{middle.number} 已并入另一案件，请填写其他案件" in form.errors.as_text()
    assert root.number not in form.errors.as_text()


def test_second_public_choice_of_a_master_is_the_duplicates(county, at):
    """What was published before the case was handled again does not let the later answer be."""
    master, case = county.walk("replied", at, public=True), county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    assert obstacle_of_merged(now(case), now(master)) == ""
    county.do(master, "redo", at=at)
    for name in ("draft_reply", "approve"):
        county.do(master, name, at=at)
    county.do(master, "reply", at=at, public=False)
    assert "没有公开" in obstacle_of_merged(now(case), now(master))
