"""What a re-rating would do is what it then does."""

from datetime import timedelta

import pytest

from tests.workflows.test_redating import finish, worked
from workflows.engine import fire
from workflows.errors import Already, MayNot
from workflows.models import Case, Clock
from workflows.rerating import foresee_facts, seal

HARD = {"toy_grade": "hard"}


def test_it_says_which_clock_moves_and_writes_nothing(world, at):
    case = worked(world, at)
    before = list(Clock.objects.order_by("id").values())
    later = at + timedelta(hours=1)
    (clock,) = foresee_facts(case, "regrade", HARD, by=world.clerk, at=later, rev=case.rev)
    assert (clock.kind, clock.limit_before, clock.limit_after) == ("finish", "5个工作日", "15个工作日")
    assert clock.before == finish(case).due_at
    assert list(Clock.objects.order_by("id").values()) == before
    assert case.facts == {}
    fire(case.pk, "regrade", by=world.clerk, at=later, data={"grade": "hard"})
    assert finish(case).due_at == clock.after


def test_facts_that_no_rule_asks_for_move_nothing(world, at):
    case = worked(world, at)
    assert foresee_facts(case, "regrade", {"toy_grade": "easy"}, by=world.clerk, at=at, rev=case.rev) == []


def test_the_door_is_asked(world, at):
    case = worked(world, at)
    with pytest.raises(MayNot):
        foresee_facts(case, "regrade", HARD, by=world.watcher, at=at, rev=case.rev)
    with pytest.raises(Already):
        foresee_facts(case, "regrade", HARD, by=world.clerk, at=at, rev=case.rev - 1)
    with pytest.raises(ValueError, match="改变状态"):
        foresee_facts(case, "check", HARD, by=world.worker, at=at, rev=case.rev)


def test_the_seal_is_of_facts_and_limits(world, at):
    case = worked(world, at)
    clocks = foresee_facts(case, "regrade", HARD, by=world.clerk, at=at, rev=case.rev)
    assert seal(HARD, clocks) == seal(dict(HARD), list(clocks))
    assert seal(HARD, clocks) != seal({"toy_grade": "easy"}, clocks)
    assert seal(HARD, clocks) != seal(HARD, [])
    assert Case.objects.get(pk=case.pk).rev == case.rev
