"""The clock of each level: it begins anew, is met with the last agreement, and a miss names who held the case."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from tests.workflows.approvals.scene import BOSSES, CHIEFS, HERE, names, outcomes, state
from workflows.models import Case, Clock, Event, User
from workflows.publishing import publish
from workflows.sweeper import sweep
from workflows.verifying_clocks import verify_clocks


@pytest.fixture
def chiefs(office):
    return [office.person(name, "toy_chief") for name in ("甲", "乙")]


def clocks(case, kind="review"):
    return list(case.clocks.filter(kind=kind).order_by("cycle").values_list("cycle", "state"))


def test_each_level_begins_its_own_cycle(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    assert clocks(case) == [(1, "running")]
    office.do(case, "agree", chiefs[0], minutes=30)
    assert clocks(case) == [(1, "met"), (2, "running")]
    assert case.clocks.get(kind="review", cycle=2).started_at == office.at + timedelta(minutes=30)
    office.do(case, "agree", boss, minutes=60)
    assert clocks(case) == [(1, "met"), (2, "met")]
    assert Case.objects.get(pk=case.pk).due_at == case.clocks.get(kind="work").due_at


def test_a_level_of_all_is_in_time_with_its_last_agreement(office, chiefs):
    case = office.asked({**CHIEFS, "agree": "all"})
    office.do(case, "agree", chiefs[0])
    assert clocks(case) == [(1, "running")]
    office.do(case, "agree", chiefs[1])
    assert clocks(case) == [(1, "met")]


def test_a_sequence_has_one_clock_for_all_its_turns(office, chiefs):
    case = office.asked({**CHIEFS, "agree": "sequence"})
    office.do(case, "agree", chiefs[0])
    assert clocks(case) == [(1, "running")]
    office.do(case, "agree", chiefs[1])
    assert clocks(case) == [(1, "met")]


def test_a_level_may_name_its_own_clock(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, {**BOSSES, "clock": "deep_review"})
    office.do(case, "agree", chiefs[0])
    assert (clocks(case), clocks(case, "deep_review")) == ([(1, "met")], [(1, "running")])
    office.do(case, "agree", boss)
    assert clocks(case, "deep_review") == [(1, "met")]


def test_seats_handed_over_or_added_begin_no_clock(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS)
    office.do(case, "hand", chiefs[0], person=boss.pk)
    office.do(case, "add", chiefs[1], person=office.watcher.pk)
    assert clocks(case) == [(1, "running")]


def test_taken_back_it_is_neither_met_nor_missed(office, chiefs):
    case = office.asked(CHIEFS)
    office.do(case, "take_back", office.clerk)
    assert clocks(case) == [(1, "void")]
    office.do(case, "ask", office.clerk, minutes=5)
    assert clocks(case) == [(1, "void"), (2, "running")]


def test_no_levels_begin_no_clock(office):
    office.levels()
    assert clocks(office.asked()) == []


@pytest.mark.parametrize("swept", [True, False])
def test_a_late_signature_is_logged_once_and_names_the_unit_that_held_the_case(office, chiefs, swept):
    boss = office.person("首", "toy_boss", unit=office.root)
    case = office.asked(CHIEFS, BOSSES)
    office.do(case, "agree", chiefs[0], minutes=1)
    due = case.clocks.get(kind="review", cycle=2).due_at
    late = int((due - office.at).total_seconds() // 60) + 60
    if swept:
        sweep(at=office.at + timedelta(minutes=late))
        sweep(at=office.at + timedelta(minutes=late))
    office.do(case, "agree", boss, minutes=late)
    sweep(at=office.at + timedelta(minutes=late))
    [miss] = Event.objects.filter(case=case, name="clock.missed", data__clock="review")
    assert (miss.unit_id, miss.happened_at, miss.data["cycle"]) == (office.root.pk, due, 2)
    assert (state(case), clocks(case)) == ("passed", [(1, "met"), (2, "missed")])
    assert names(case)[-2:] == ["signed.agreed", "signed.passed"]


def test_the_deadline_of_a_case_is_never_a_levels(office, chiefs):
    """The level is due first, and lists, sorting and colours go by the work all the same."""
    case = office.asked(CHIEFS)
    work, level = (case.clocks.get(kind=kind) for kind in ("work", "review"))
    assert level.due_at < work.due_at == Case.objects.get(pk=case.pk).due_at
    assert verify_clocks().problems == []


def test_cases_that_showed_a_levels_deadline_are_put_right(office, chiefs):
    shown, bare = office.asked(CHIEFS), office.asked()
    level = shown.clocks.get(kind="review")
    Clock.objects.filter(case=bare, kind="work").update(state="void", finished_at=office.at)
    Case.objects.update(due_at=level.due_at, provisional=True)
    untouched = office.case()
    import_module("workflows.migrations.0009_own_due").own_dues(apps, None)
    found = Case.objects.in_bulk([shown.pk, bare.pk, untouched.pk])
    work = shown.clocks.get(kind="work")
    assert (found[shown.pk].due_at, found[shown.pk].provisional) == (work.due_at, work.provisional)
    assert (found[bare.pk].due_at, found[bare.pk].provisional) == (None, False)
    assert found[untouched.pk].due_at == untouched.due_at


def test_what_an_approval_without_levels_grants_follows_a_move_of_the_system_too(office, at):
    text = (HERE / "signed.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "clocks: [work, leave_review]}", "clocks: [work, leave_review], on_due: {clock: work, fire: ask}}"
    )
    text = text.replace("to: asked, role: [toy_clerk, toy_chief]", "to: asked, role: [toy_clerk, system]")
    publish(text, "signed.yaml", by=User.objects.system(), at=at)
    office.levels()
    case = office.case()
    sweep(at=case.clocks.get(kind="work").due_at)
    assert (state(case), outcomes(case)) == ("passed", [(1, "granted")])
