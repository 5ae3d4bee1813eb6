"""A case about something that began before it was registered."""

from datetime import timedelta

import pytest

from workflows.engine import fire
from workflows.models import Case
from workflows.sweeper import sweep

HOUR = timedelta(hours=1)


def test_clocks_of_the_opening_count_from_the_beginning(world, at):
    case = world.case(at, counts_from=at - HOUR)
    assert {clock.started_at for clock in case.clocks.all()} == {at - HOUR}
    assert (case.opened_at, case.began_at) == (at, at - HOUR)
    assert case.events.get(seq=1).happened_at == at


def test_what_was_over_by_registration_is_missed_at_its_end(world, at):
    case = world.case(at, counts_from=at - timedelta(days=9))
    give = case.clocks.get(kind="give")
    assert give.due_at < at
    sweep(at=at)
    missed = case.events.get(name="clock.missed", data__clock="give")
    assert missed.happened_at == give.due_at


def test_steps_later_on_count_from_their_own_beginning(world, at):
    case = world.case(at, counts_from=at - HOUR)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    assert case.clocks.get(kind="take").started_at == at


def test_nothing_begins_after_its_registration(world, at):
    with pytest.raises(ValueError, match="不能晚于"):
        world.case(at, counts_from=at + HOUR)
    assert not Case.objects.exists()


def test_naive_beginning_is_refused(world, at):
    with pytest.raises(ValueError, match="时区"):
        world.case(at, counts_from=at.replace(tzinfo=None))
