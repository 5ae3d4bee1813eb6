"""Clocks that begin anew when the lifecycle itself answers another one's end, and a state that answers several."""

from datetime import timedelta

import pytest

from tests.workflows.toy.parts import toy_clerk  # noqa: F401  # registers
from workflows.documents import SpecError
from workflows.engine import Draft, fire, open_case
from workflows.models import Case, Definition, User
from workflows.publishing import publish
from workflows.spec import parse
from workflows.sweeper import sweep

ROUND = timedelta(hours=10)
POLICY = """
code: rounds
label: 轮次时限
calendar: china
kinds: [rounds]
rules:
  - {row: promise, clock: promise, limit: 10h, source: 测试}
  - {row: round, clock: round, limit: 10h, source: 测试}
  - {row: whole, clock: whole, limit: 30h, source: 测试}
"""
LIFECYCLE = """
code: rounds
label: 轮次
prefix: LC
policy: rounds
opening: {role: [toy_clerk, system], to: going, event: rounds.opened}
clocks:
  promise: {label: 承诺, counts: whole, met_by: [keep]}
  round: {label: 一轮, counts: whole, lapses: true, met_by: []}
  whole: {label: 全程, counts: whole, lapses: true, met_by: []}
states:
  going:
    label: 进行中
    holder: desk
    clocks: [whole, promise, round]
    on_due:
      - {clock: whole, fire: end}
      - {clock: round, fire: turn}
  ended: {label: 已结束, phase: closed}
  filed: {label: 已归档, phase: archived}
transitions:
  keep: {label: 兑现, from: [going], to: stay, role: toy_clerk, event: rounds.kept}
  turn: {label: 下一轮, from: [going], to: stay, role: system, event: rounds.turned, restarts: [promise, round]}
  end: {label: 结束, from: [going], to: ended, role: system, event: rounds.ended}
  file: {label: 归档, from: [ended], to: filed, role: toy_clerk, event: rounds.filed}
"""


@pytest.fixture
def going(world, at):
    system = User.objects.system()
    publish(POLICY, "rounds policy", by=system, at=at)
    publish(LIFECYCLE, "rounds", by=system, at=at)
    return open_case("rounds", Draft("每轮一次", world.desk.pk, at), by=world.clerk)


def test_each_round_begins_where_the_last_ended(going, world, at):
    fire(going.pk, "keep", by=world.clerk, at=at + timedelta(hours=3))
    sweep(at=at + ROUND)
    sweep(at=at + 2 * ROUND)
    promises = going.clocks.filter(kind="promise").order_by("cycle")
    assert [(c.state, c.started_at, c.missed_at) for c in promises] == [
        ("met", at, None),
        ("void", at + ROUND, at + 2 * ROUND),
        ("running", at + 2 * ROUND, None),
    ]


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=1), timedelta(days=9)])
def test_downtime_longer_than_the_whole_skips_no_round(going, at, late):
    sweep(at=at + 3 * ROUND + late)
    case = Case.objects.get(pk=going.pk)
    assert (case.state, case.closed_at) == ("ended", at + 3 * ROUND)
    missed = case.events.filter(name="clock.missed").order_by("seq").values_list("happened_at", flat=True)
    assert list(missed) == [at + n * ROUND for n in (1, 2, 3)]
    assert case.events.filter(name="rounds.turned").count() == 2


def test_one_answer_is_stored_as_it_always_was(going):
    spec = Definition.objects.get(code="rounds").parsed
    one = spec.states["going"].model_copy(update={"on_due": spec.states["going"].on_due[:1]})
    assert one.model_dump(mode="json")["on_due"] == {"clock": "whole", "fire": "end"}
    assert spec.states["ended"].model_dump(mode="json")["on_due"] is None
    assert len(spec.model_dump(mode="json")["states"][0][1]["on_due"]) == 2


def test_two_answers_to_one_clock_are_refused(world):
    twice = LIFECYCLE.replace("clock: round, fire: turn", "clock: whole, fire: turn")
    with pytest.raises(SpecError) as refused:
        parse(twice, "x")
    assert "states.going.on_due.1.clock: “whole” 已写过到期后怎么办，请只保留一处" in refused.value.problems
