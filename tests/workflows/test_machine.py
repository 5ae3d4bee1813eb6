"""Lifecycle documents as compiled viewflow machines."""

from datetime import timedelta

import pytest
from viewflow.fsm.base import InvalidTargetState, State, TransitionNotAllowed

from workflows.engine import fire
from workflows.machine import Machine, machine, may, refusal
from workflows.models import Case, Definition
from workflows.moves import Move
from workflows.published import lifecycle
from workflows.registry import GUARDS


def move_of(case, name, by, at, **data):
    spec = lifecycle(case.definition_id)
    return Move(case, name, spec.transitions[name], spec, by, at, data, case.state)


@pytest.fixture
def working(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at + timedelta(minutes=1))
    return Case.objects.get(pk=case.pk)


def test_a_definition_compiles_to_one_class_with_a_method_a_transition(world):
    definition = Definition.objects.latest_of("toy")
    compiled = machine(definition.pk)
    assert machine(definition.pk) is compiled
    assert issubclass(compiled, Machine)
    assert (compiled.__name__, compiled.spec) == ("ToyMachine", definition.parsed)
    assert [name for name in compiled.spec.transitions if not hasattr(compiled, name)] == []
    assert isinstance(vars(compiled)["state"], State)


def test_every_transition_of_the_document_is_one_of_the_machine(world):
    compiled = machine(Definition.objects.latest_of("toy").pk)
    assert {method.slug for method in compiled.state.get_transitions()} == set(compiled.spec.transitions)


def test_the_state_lives_on_the_case(world, at):
    case = world.case(at)
    toy = machine(case.definition_id)(move_of(case, "give", world.clerk, at))
    toy.give()
    assert case.state == "given"


def test_a_move_from_elsewhere_is_not_allowed_by_the_machine_either(world, at):
    case = world.case(at)
    with pytest.raises(TransitionNotAllowed):
        machine(case.definition_id)(move_of(case, "file", world.clerk, at)).file()
    assert case.state == "opened"


def test_stay_leaves_the_state(working, world, at):
    machine(working.definition_id)(move_of(working, "remark", world.worker, at)).remark()
    assert working.state == "working"


@pytest.mark.parametrize("parked", ["working", "checking"])
def test_resume_returns_to_the_state_that_was_left(working, world, at, parked):
    if parked == "checking":
        fire(working.pk, "check", by=world.worker, at=at + timedelta(minutes=2))
    fire(working.pk, "wait", by=world.worker, at=at + timedelta(minutes=3))
    working.refresh_from_db()
    assert (working.state, working.parked) == ("waiting", parked)
    fire(working.pk, "go_on", by=world.worker, at=at + timedelta(minutes=4))
    working.refresh_from_db()
    assert (working.state, working.parked) == (parked, "")


def test_resume_to_a_state_that_never_parks_is_an_error(working, world, at):
    working.state, working.parked = "waiting", "opened"
    with pytest.raises(InvalidTargetState, match="opened"):
        machine(working.definition_id)(move_of(working, "go_on", world.worker, at)).go_on()


def test_permission_asks_the_role_on_this_case(working, world):
    transitions = lifecycle(working.definition_id).transitions
    assert may(working, world.worker, transitions["finish"])
    assert not may(working, world.other_worker, transitions["finish"])
    assert not may(working, world.clerk, transitions["finish"])
    assert may(working, world.clerk, transitions["remark"])


def test_viewflow_offers_what_the_door_would_permit(working, world, at):
    compiled = machine(working.definition_id)
    toy = compiled(move_of(working, "remark", world.worker, at))
    offered = {t.slug for t in compiled.state.get_available_transitions(toy, working.state, world.worker)}
    spec = lifecycle(working.definition_id)
    assert offered == {name for name, t in spec.leaving("working") if may(working, world.worker, t)}
    assert offered == {"remark", "check", "wait", "finish"}


def test_the_first_guard_that_says_no_is_the_answer(working, world, at):
    assert refusal(move_of(working, "remark", world.worker, at)) is None
    found = refusal(move_of(working, "take", world.worker, at))
    assert found == GUARDS["toy_unclaimed"](move_of(working, "take", world.worker, at))
    assert (found.reason, found.already) == ("已有人领办", True)
