"""How an approval ends without being granted: given back, taken back, or left behind by its case."""

from __future__ import annotations

import pytest

from tests.workflows.approvals.scene import (
    BOSSES,
    CHIEFS,
    decisions,
    names,
    outcomes,
    state,
    waiting,
)
from workflows.engine import fire, fire_many
from workflows.errors import Already, Cannot
from workflows.models import Approval, ApprovalTask, Event, User


@pytest.fixture
def chief(office):
    return office.person("甲", "toy_chief")


@pytest.fixture
def second(office, chief):
    return office.person("乙", "toy_chief")


def clocks(case, kind="review"):
    return list(case.clocks.filter(kind=kind).order_by("cycle").values_list("state", flat=True))


def test_giving_it_back_counts_rounds_and_keeps_what_was_decided(office, chief, second):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    office.do(case, "agree", chief)
    event = office.do(case, "give_back", boss, remark="请补充依据")
    assert (event.data["round"], event.data["level"]) == (1, "bosses")
    assert (state(case), outcomes(case), clocks(case)) == ("working", [(1, "returned")], ["met", "met"])
    again = office.do(case, "ask", office.clerk)
    assert again.data["round"] == 2
    # From the first level on: what was agreed to has changed.
    assert waiting(case) == ["甲", "乙"]
    assert decisions(case)[:3] == [
        ("甲", "agreed", "DONE"), ("乙", "none", "CANCELED"), ("首", "returned", "DONE"),
    ]  # fmt: skip
    with pytest.raises(Already, match="您已于 2026-11-24 09:30 表态“退回”，不必再次办理"):
        office.do(case, "agree", boss)


def test_giving_it_back_in_a_level_of_all_ends_it_for_everybody(office, chief, second):
    case = office.asked({**CHIEFS, "agree": "all"})
    office.do(case, "give_back", chief)
    assert (state(case), waiting(case), outcomes(case)) == ("working", [], [(1, "returned")])
    with pytest.raises(Already, match="甲 已于 2026-11-24 09:30 办理“退回”"):
        office.do(case, "agree", second)


def test_taking_it_back_closes_the_seats_and_ends_the_clock(office, chief, second):
    case = office.asked({**CHIEFS, "agree": "all"})
    office.do(case, "agree", second)
    event = office.do(case, "take_back", office.clerk)
    assert event.data == {"stopped": ["plan"]}
    assert (state(case), waiting(case), outcomes(case)) == ("working", [], [(1, "stopped")])
    assert decisions(case) == [("甲", "none", "CANCELED"), ("乙", "agreed", "DONE")]
    assert "met" not in clocks(case)
    assert Approval.objects.get(case=case).status == "CANCELED"
    with pytest.raises(Already, match="拟 已于 2026-11-24 09:30 办理“撤回”"):
        office.do(case, "agree", chief)
    office.do(case, "ask", office.clerk)
    assert outcomes(case) == [(1, "stopped"), (2, "running")]


def test_leaving_the_state_cancels_every_approval_of_it(office, chief):
    office.person("首", "toy_boss")
    case = office.asked(CHIEFS)
    office.do(case, "ask_leave", office.clerk)
    event = office.do(case, "drop", office.clerk)
    assert event.data == {"stopped": ["plan", "leave"]}
    assert (outcomes(case), outcomes(case, "leave")) == ([(1, "cancelled")], [(1, "cancelled")])
    assert not ApprovalTask.objects.waiting().filter(case=case).exists()
    assert not case.clocks.filter(state__in=["running", "paused"]).exists()


def test_moving_on_within_its_states_leaves_an_approval_alone(office, chief):
    boss = office.person("首", "toy_boss")
    office.levels(CHIEFS)
    case = office.case()
    office.do(case, "ask_leave", office.clerk)
    office.do(case, "ask", office.clerk)
    office.do(case, "give_back", chief)
    assert (state(case), waiting(case, "leave")) == ("working", ["首"])
    office.do(case, "agree_leave", boss)
    assert outcomes(case, "leave") == [(1, "granted")]
    assert names(case)[-2:] == ["signed.leave_agreed", "signed.leave_granted"]


def test_an_approval_under_way_is_not_begun_again(office):
    office.person("首", "toy_boss")
    office.levels(CHIEFS)
    case = office.case()
    office.do(case, "ask_leave", office.clerk)
    with pytest.raises(Cannot, match="的“顺延审批”正在审批，不能重复提交"):
        office.do(case, "ask_leave", office.clerk)


def test_who_comes_too_late_for_an_approval_that_changed_no_state_reads_of_it(office):
    first, second = office.person("首", "toy_boss"), office.person("次", "toy_boss")
    office.levels(CHIEFS)
    case = office.case()
    with pytest.raises(Cannot, match="没有待审批的申请"):
        office.do(case, "retract_leave", office.clerk)
    office.do(case, "ask_leave", office.clerk)
    office.do(case, "agree_leave", first)
    with pytest.raises(Already, match="首 已于 2026-11-24 09:30 表态“同意”，此项审批已经结束"):
        office.do(case, "retract_leave", office.clerk)
    with pytest.raises(Already, match="首 已于 2026-11-24 09:30 表态“同意”，此项审批不再等您表态"):
        office.do(case, "refuse_leave", second)
    office.do(case, "ask_leave", office.clerk)
    office.do(case, "retract_leave", office.clerk, minutes=5)
    # Something else at the same minute is not what ended it.
    office.do(case, "ask", office.clerk, minutes=5)
    with pytest.raises(Already, match="拟 已于 2026-11-24 09:35 办理“撤回顺延”，此项审批不再等您表态"):
        office.do(case, "agree_leave", second)
    with pytest.raises(Already, match="拟 已于 2026-11-24 09:35 办理“撤回顺延”，此项审批已经结束"):
        office.do(case, "retract_leave", office.clerk)


def test_who_agreed_before_it_was_taken_back_is_not_named_as_its_end(office):
    first, second = office.person("首", "toy_boss"), office.person("次", "toy_boss")
    office.levels(CHIEFS)
    rows = [
        {"row": name, "approval": name, "levels": [{**BOSSES, "agree": "all"}], "source": "测"}
        for name in ("plan", "leave")
    ]
    office.levels(approvals=rows)
    case = office.case()
    office.do(case, "ask_leave", office.clerk)
    office.do(case, "agree_leave", first)
    office.do(case, "retract_leave", office.clerk)
    with pytest.raises(Already, match="拟 已于 2026-11-24 09:30 办理“撤回顺延”，此项审批不再等您表态"):
        office.do(case, "agree_leave", second)


@pytest.mark.parametrize("end", ["retract_leave", "refuse_leave"])
def test_a_sequence_broken_off_leaves_no_turn_and_no_clock(office, end):
    first = office.person("首", "toy_boss")
    office.person("次", "toy_boss")
    row = {"levels": [{**BOSSES, "agree": "sequence"}], "source": "测试"}
    office.levels(approvals=[{"row": name, "approval": name, **row} for name in ("plan", "leave")])
    case = office.case()
    office.do(case, "ask_leave", office.clerk)
    office.do(case, end, office.clerk if end == "retract_leave" else first)
    assert (waiting(case, "leave"), Approval.objects.get(case=case).queue) == ([], [])
    assert clocks(case, "leave_review") == [{"retract_leave": "void", "refuse_leave": "met"}[end]]


def test_a_batch_of_decisions_grants_each_and_harms_no_other(office, chief, second):
    cases = [office.asked(CHIEFS), office.asked(), office.asked()]
    office.do(cases[1], "take_back", office.clerk)
    by = User.objects.get(pk=chief.pk)
    out = fire_many([case.pk for case in cases], "agree", by=by, at=office.at)
    assert [type(one).__name__ for one in out] == ["Event", "Already", "Event"]
    assert [state(case) for case in cases] == ["passed", "working", "passed"]
    assert [outcomes(case)[0][1] for case in cases] == ["granted", "stopped", "granted"]


def test_a_batch_put_up_together_is_seated_case_by_case(office, chief):
    office.levels({**CHIEFS, "agree": "sequence"}, BOSSES)
    boss = office.person("首", "toy_boss")
    cases = [office.case() for _ in range(5)]
    fire_many([case.pk for case in cases], "ask", by=office.clerk, at=office.at)
    fire_many([case.pk for case in cases], "agree", by=chief, at=office.at)
    assert [waiting(case) for case in cases] == [["首"]] * 5
    fire_many([case.pk for case in cases], "agree", by=boss, at=office.at)
    assert [state(case) for case in cases] == ["passed"] * 5


def test_what_goes_wrong_after_the_last_agreement_takes_it_along(office, chief):
    case = office.asked(CHIEFS)
    with pytest.raises(RuntimeError, match="broken"):
        office.do(case, "agree", chief, broken=True)
    assert (state(case), waiting(case), outcomes(case)) == ("asked", ["甲"], [(1, "running")])
    assert Event.objects.filter(case=case).count() == 2
    office.do(case, "agree", chief)
    assert state(case) == "passed"


def test_a_repeated_key_decides_once(office, chief):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    by = User.objects.get(pk=chief.pk)
    first = fire(case.pk, "agree", by=by, at=office.at, key="k")
    assert fire(case.pk, "agree", by=by, at=office.at, key="k").pk == first.pk
    assert (state(case), waiting(case), first.data["asked"]) == ("asked", ["首"], [boss.pk])
