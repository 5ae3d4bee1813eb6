"""A wall clock set forward by mistake brings nothing due early; one that was slow is believed in the end."""

from datetime import timedelta

import pytest

from config.steady import HOLD_SECONDS, Steady


class Clocks:
    """A wall clock to turn and a time since boot that goes on."""

    def __init__(self, at):
        self.wall, self.elapsed = at, 100.0
        self.steps: list[timedelta] = []
        self.now = Steady(
            lambda: self.wall, lambda ahead, kept: self.steps.append(ahead), lambda: self.elapsed
        )

    def go_on(self, seconds):
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds


@pytest.fixture
def clocks(at):
    made = Clocks(at)
    made.now()
    return made


def test_step_forward_is_not_believed_while_it_may_be_put_right(clocks, at):
    clocks.wall += timedelta(hours=1)
    clocks.go_on(60)
    assert clocks.now() == at + timedelta(seconds=60)
    clocks.go_on(60)
    assert clocks.now() == at + timedelta(seconds=120)
    clocks.wall -= timedelta(hours=1)
    clocks.go_on(1)
    assert clocks.now() == clocks.wall == at + timedelta(seconds=121)
    assert clocks.steps == [timedelta(hours=1)]


def test_step_that_lasts_is_believed(clocks, at):
    clocks.wall += timedelta(hours=1)
    clocks.now()
    clocks.go_on(HOLD_SECONDS - 1)
    assert clocks.now() == at + timedelta(seconds=HOLD_SECONDS - 1)
    clocks.go_on(1)
    assert clocks.now() == clocks.wall
    clocks.go_on(5)
    assert clocks.now() == clocks.wall
    assert clocks.steps == [timedelta(hours=1)]


def test_second_step_is_said_again(clocks):
    for _ in range(2):
        clocks.wall += timedelta(minutes=6)
        clocks.now()
        clocks.go_on(HOLD_SECONDS)
        clocks.now()
    assert clocks.steps == [timedelta(minutes=6)] * 2


@pytest.mark.parametrize("step", [timedelta(minutes=5), timedelta(hours=-1), timedelta(hours=-24)])
def test_small_steps_and_steps_back_are_followed_at_once(clocks, step):
    clocks.wall += step
    assert clocks.now() == clocks.wall
    assert clocks.steps == []


def test_night_in_which_the_machine_slept_is_no_step(clocks):
    clocks.go_on(8 * 3600)
    assert clocks.now() == clocks.wall
    assert clocks.steps == []
