"""The draw for call-backs: by chance, at the policy's share, and on record."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from opinion import drawing
from opinion.drawing import LOTS, Draw
from tests.factories.world import PATHS, World
from workflows.models import Case, Event
from workflows.published import policy


class Lots(random.Random):
    """Draws what it was given, and then nothing."""

    def __init__(self, *lots: int) -> None:
        super().__init__()
        self.lots = list(lots)

    def randrange(self, *_: int) -> int:  # type: ignore[override]  # the one call the draw makes
        return self.lots.pop(0)


@pytest.mark.parametrize(
    ("share", "lot", "drawn"),
    [
        (30, 2999, True),
        (30, 3000, False),
        (0, 0, False),
        (100, LOTS - 1, True),
        (1, 99, True),
        (1, 100, False),
    ],
)
def test_lot_below_the_share_is_drawn(share: int, lot: int, drawn: bool):
    assert Draw(share, "", lot).drawn == drawn


def test_share_is_by_type_and_certain_after_a_redo(county: World, at: datetime):
    rules = policy(county.register(at).policy_id)
    asked = [{"type": "consult"}, {"type": "help"}, {"type": "consult", "redo": "once"}]
    assert [rules.quantity("call_back_share", facts) for facts in asked] == [
        (30, "share_asked"), (100, "share"), (100, "share_redone"),
    ]  # fmt: skip


def test_a_seeded_draw_comes_near_the_share(county: World, at: datetime, monkeypatch: pytest.MonkeyPatch):
    """Seeded, so that it says the same every day: of 10,000 draws at 30 % some 3,000."""
    monkeypatch.setattr(drawing, "CHANCE", random.Random(20261124))
    case = county.register(at, type="consult")
    drawn = sum(drawing.draw(case).drawn for _ in range(10_000))
    assert 2_850 <= drawn <= 3_150


def test_drawn_in_production_by_the_operating_systems_chance():
    assert isinstance(drawing.CHANCE, random.SystemRandom)


@pytest.mark.parametrize(("lot", "state"), [(2999, "replied"), (3000, "called_back")])
def test_what_is_not_drawn_goes_on_to_the_rating(
    county: World, at: datetime, monkeypatch: pytest.MonkeyPatch, lot: int, state: str
):
    monkeypatch.setattr(drawing, "CHANCE", Lots(lot))
    case = county.along(PATHS["replied"], at, type="consult")
    case = Case.objects.get(pk=case.pk)
    said = Event.objects.get(case=case, transition="reply").data
    assert case.state == state
    assert {name: said[name] for name in ("drawn", "share", "lot", "row")} == {
        "drawn": state == "replied", "share": 30, "lot": lot, "row": "share_asked",
    }  # fmt: skip
    assert case.clocks.filter(kind="call_back").exists() == (state == "replied")
    assert case.clocks.get(kind="rating").state == "running"


def test_a_merged_message_has_a_draw_of_its_own(county: World, at: datetime, monkeypatch: pytest.MonkeyPatch):
    master = county.walk("replied", at)
    case = county.register(at, type="consult")
    county.do(case, "merge", at=at, master=master.pk)
    monkeypatch.setattr(drawing, "CHANCE", Lots(9999))
    county.do(case, "reply_merged", at=at)
    assert Case.objects.get(pk=case.pk).state == "called_back"
