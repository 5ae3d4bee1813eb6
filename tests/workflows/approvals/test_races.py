"""Two at once in one approval: one wins, the other reads who did what, and when. Real processes on a real server."""

from __future__ import annotations

import signal
from collections import Counter
from typing import Any

import pytest

from tests.workflows.approvals.scene import (
    CHIEFS,
    decisions,
    make_signing,
    names,
    outcomes,
    state,
    waiting,
)
from tests.workflows.racing import Runner, claim_all, race, sign_and_die
from tests.workflows.walking import everything
from workflows.engine import fire, fire_many
from workflows.models import Approval, ApprovalTask, Case, Event, User
from workflows.seeding import seed

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

COUNT = 25
Runs = list[tuple[User, str, dict[str, Any]]]
NOW = "已于 2026-11-24 09:30"


@pytest.fixture
def office(at):
    """Committed. Earlier transactional tests may have flushed what `migrate` had seeded."""
    seed()
    return make_signing(at)


@pytest.fixture
def chiefs(office):
    return [office.person(name, "toy_chief") for name in ("甲", "乙", "丙")]


def put_up(office, level) -> list[int]:
    """Cases whose plan waits for the three."""
    office.levels(level)
    ids = [office.case().pk for _ in range(COUNT)]
    fire_many(ids, "ask", by=office.clerk, at=office.at)
    return ids


def winners(runs, at, ids):
    """(winner, loser's sentence, case) for each case; runs: (person, transition, data)."""
    found = race([(claim_all, (ids, name, by.pk, at, data)) for by, name, data in runs])
    for number, answers in enumerate(zip(*found, strict=True)):
        assert sorted(kind for kind, _ in answers) == ["Already", "Event"], answers
        won = [kind for kind, _ in answers].index("Event")
        yield runs[won], answers[1 - won][1], Case.objects.get(pk=ids[number])


def assert_settled(ids) -> None:
    """Nobody is asked by what has ended, and each approval was granted at most once."""
    ended = Approval.objects.filter(case__in=ids).exclude(finished=None)
    assert not ApprovalTask.objects.waiting().filter(process__in=ended).exists()
    granted = Approval.objects.filter(case__in=ids, outcome="granted").values_list("case", flat=True)
    passed = Event.objects.filter(case__in=ids, name="signed.passed").values_list("case", flat=True)
    assert sorted(granted) == sorted(passed)


def test_two_who_agree_where_one_is_enough(office, chiefs, at):
    ids = put_up(office, CHIEFS)
    for (by, _, _), said, case in winners([(c, "agree", {}) for c in chiefs[:2]], at, ids):
        assert said.startswith(f"{by} {NOW} 办理“通过”，{case.number} 现为“已通过”")
        assert decisions(case)[2] == ("丙", "none", "CANCELED")
    assert_settled(ids)


def test_the_last_two_of_all_both_count_and_one_of_them_grants(office, chiefs, at):
    ids = put_up(office, {**CHIEFS, "agree": "all"})
    fire_many(ids, "agree", by=chiefs[2], at=at)
    found = race([(claim_all, (ids, "agree", c.pk, at)) for c in chiefs[:2]])
    assert {kind for answers in found for kind, _ in answers} == {"Event"}
    for pk in ids:
        case = Case.objects.get(pk=pk)
        assert Counter(names(case))["signed.passed"] == 1
        assert [decision for _, decision, _ in decisions(case)] == ["agreed"] * 3
    assert_settled(ids)


@pytest.mark.parametrize(("move", "label"), [("take_back", "撤回"), ("halt", "中止")])
def test_agreeing_against_taking_back_or_leaving_the_state(office, chiefs, at, move, label):
    ids = put_up(office, CHIEFS)
    runs: Runs = [(chiefs[0], "agree", {}), (office.clerk, move, {})]
    ended = {"take_back": "stopped", "halt": "cancelled"}[move]
    for (by, won, _), said, case in winners(runs, at, ids):
        done, outcome = ("通过", "granted") if won == "agree" else (label, ended)
        assert said.startswith(f"{by} {NOW} 办理“{done}”")
        assert (outcomes(case), waiting(case)) == ([(1, outcome)], [])
    assert_settled(ids)


def test_agreeing_against_giving_back(office, chiefs, at):
    ids = put_up(office, CHIEFS)
    runs: Runs = [(chiefs[0], "agree", {}), (chiefs[1], "give_back", {})]
    for (by, won, _), said, case in winners(runs, at, ids):
        assert said.startswith(f"{by} {NOW} 办理“{'通过' if won == 'agree' else '退回'}”")
        assert state(case) == ("passed" if won == "agree" else "working")
    assert_settled(ids)


def test_agreeing_against_handing_over_in_another_window(office, chiefs, at):
    boss = office.person("首", "toy_boss")
    ids = put_up(office, {**CHIEFS, "agree": "all"})
    runs: Runs = [(chiefs[0], "agree", {}), (chiefs[0], "hand", {"person": boss.pk})]
    for (_, won, _), said, case in winners(runs, at, ids):
        if won == "agree":
            assert said == f"您{NOW} 表态“同意”，不必再次办理"
            assert waiting(case) == ["乙", "丙"]
        else:
            assert said == "您已将此项审批委派他人，请由受托人表态"
            assert waiting(case) == ["乙", "丙", "首"]
    assert_settled(ids)


@pytest.mark.parametrize("written", [False, True])
def test_a_process_killed_between_the_last_agreement_and_its_move_leaves_neither(office, chiefs, at, written):
    office.levels(CHIEFS)
    case = office.asked()
    before = everything(case)
    doomed = Runner(sign_and_die, case.pk, "agree", chiefs[0].pk, at, written)
    assert doomed.hear() == "ready"
    doomed.start()
    assert doomed.ended() == -signal.SIGKILL
    assert everything(case) == before
    assert waiting(case) == ["甲", "乙", "丙"]
    fire(case.pk, "agree", by=chiefs[0], at=at)
    assert (state(case), outcomes(case)) == ("passed", [(1, "granted")])
