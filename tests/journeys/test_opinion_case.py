"""An event from first report to review, as the rules of practice have it.

国办发〔2016〕61号, 80号: 权威信息 ≤ 5 h, 新闻发布会 ≤ 24 h after a serious incident, other responses ≤ 48 h.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from notifications.delivering import deliver
from notifications.models import Notice
from opinion.models import CaseReport, PublicResponse, ReviewTask
from tests.factories.events import Events
from tests.factories.world import World
from workflows.errors import Cannot, MayNot
from workflows.models import Case, Clock, Event
from workflows.relay import relay
from workflows.sweeper import sweep

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Story:
    """One event and the hour it is. Before each deed the sweep and the notices have come as far as the deed's hour."""

    def __init__(self, county: World, found: datetime) -> None:
        self.county, self.events, self.found = county, Events(county), found
        self.case = Case()

    def by(self, at: datetime) -> None:
        sweep(at=at)
        relay(at=at)
        deliver(at=at, budget_seconds=5)

    def do(self, hours: float, name: str, **data: object) -> Event:
        at = self.found + hours * HOUR
        self.by(at)
        return self.events.do(self.case, name, at=at, **data)  # type: ignore[arg-type]

    @property
    def state(self) -> str:
        return Case.objects.get(pk=self.case.pk).state

    def clock(self, kind: str) -> Clock:
        return self.case.clocks.filter(kind=kind).latest("cycle")

    def told(self, event: str) -> set[str]:
        found = Notice.objects.filter(event__case=self.case, event__name=event)
        return set(found.values_list("user__username", flat=True))


@pytest.fixture
def story(county: World, at: datetime) -> Story:
    return Story(county, at)


def _signed(story: Story, county: World) -> None:
    """Desk, leader, top leader, two hours each; the leader sends it back once."""
    story.do(8.5, "sign_response", by=county.reviewer)
    story.do(8.7, "send_back_response", by=county.leader)
    story.do(8.8, "draft_response")
    story.do(8.9, "sign_response", by=county.reviewer)
    with pytest.raises(MayNot):
        story.do(9, "sign_response", by=county.top_leader)
    story.do(9, "sign_response", by=county.leader)
    assert (story.state, story.clock("review").due_at) == ("response_drafted", story.found + 11 * HOUR)
    story.do(9.2, "sign_response", by=county.top_leader)
    assert story.state == "response_approved"


def test_a_serious_event_from_first_report_to_review(story: Story, county: World):
    # Seen at half past nine, entered half an hour later: the two hours of the first report run from when it was seen.
    story.case = story.events.find(story.found + 0.5 * HOUR, found=story.found)
    assert story.clock("first_report").due_at == story.found + 2 * HOUR
    # The flash report proposes a grade; a leader gives it, and for a serious event the top leader knows from the start.
    story.do(1, "report", proposed_grade="major")
    assert story.clock("first_report").state == "met"
    story.do(1.5, "grade", grade="major")
    story.by(story.found + 1.6 * HOUR)
    assert {"leader", "top_leader"} - story.told("opinion.graded") == {
        "leader"
    }  # who graded need not be told
    # Authoritative information within five hours, a press conference within twenty-four, both from when it was seen.
    assert (story.clock("authority").due_at, story.clock("conference").due_at) == (
        story.found + 5 * HOUR,
        story.found + 24 * HOUR,
    )
    story.do(2, "assign")
    # Another agency helps on a stated legal basis, and the verification report waits for it.
    story.do(2.5, "ask_co_handling")
    story.do(3, "accept_co_task")
    story.do(4, "release_information")
    assert story.clock("authority").state == "met"
    # The unit says what turned out to be true within two working days; somebody who did not write it approves it.
    with pytest.raises(Cannot, match="水务局（协办中）"):
        story.do(5, "verify")
    story.do(5.5, "finish_co_task")
    story.do(6, "verify")
    story.do(8, "draft_response")
    _signed(story, county)
    story.do(9.5, "publish_response")
    # Nothing rests while the conference is owed: half the time before it, handler and leaders are reminded.
    with pytest.raises(Cannot, match="新闻发布会尚未完成"):
        story.do(13, "conclude_follow_up")
    story.by(story.found + 13 * HOUR)
    assert "top_leader" in story.told("clock.warned")
    story.do(20, "hold_conference")
    # Put right on the ground, then reviewed: what is learnt becomes tasks to units.
    story.do(26, "record_visit")
    story.do(30, "conclude_follow_up")
    story.do(48, "draw_lessons")
    story.do(49, "set_task")
    story.do(49, "set_task", unit=county.water.pk, assignment="排查道路井盖")
    with pytest.raises(Cannot, match="尚未完成"):
        story.do(50, "close_case")
    story.do(72, "finish_task", task=1)
    story.do(73, "hand_over_task", task=2)
    story.do(74, "close_case")
    story.do(75, "archive")
    assert story.state == "archived"
    said = PublicResponse.objects.filter(case=story.case, stage="published").values_list("kind", flat=True)
    assert list(said) == ["information", "statement", "conference"]
    assert list(CaseReport.objects.filter(case=story.case).values_list("kind", flat=True)) == [
        "flash",
        "verification",
    ]
    assert set(ReviewTask.objects.filter(case=story.case).values_list("state", flat=True)) == {
        "done",
        "handed_over",
    }
    assert not story.case.events.filter(name="clock.missed").exists()


def test_an_event_entered_too_late_has_missed_its_hours_and_says_so(story: Story, county: World):
    # Entered six hours after it was seen, and serious: both deadlines have passed, each missed at its end.
    story.case = story.events.find(story.found + 6 * HOUR, found=story.found)
    story.do(6, "report", proposed_grade="grave")
    story.do(6.2, "grade", grade="grave")
    story.by(story.found + 6.3 * HOUR)
    missed = story.case.events.filter(name="clock.missed").order_by("happened_at")
    assert [(e.data["clock"], e.happened_at, e.unit) for e in missed] == [
        ("first_report", story.found + 2 * HOUR, county.desk),
        ("authority", story.found + 5 * HOUR, county.desk),
    ]
    # At once the leader in charge, the office and the top leader are told, and the desk is called to account.
    assert {"leader", "top_leader", "reviewer"} <= story.told("clock.missed")
    assert story.case.orders.get().colour == "red"


def test_an_ordinary_event_may_be_met_with_silence_if_a_leader_agrees(story: Story, county: World):
    story.case = story.events.find(story.found, found=story.found)
    story.do(0.5, "report")
    story.do(1, "grade", grade="plain", by=county.dispatcher)
    assert story.clock("response").due_at == story.found + 48 * HOUR
    story.do(1.5, "assign")
    story.do(20, "verify", finding="unfounded")
    story.do(21, "ask_silence")
    story.do(22, "grant_silence")
    assert (story.state, story.clock("response").state) == ("following_up", "met")


def test_an_event_that_grows_gets_the_hours_of_its_new_grade(story: Story):
    story.case = story.events.find(story.found, found=story.found)
    story.do(0.5, "report")
    story.do(1, "grade", grade="large")
    story.do(2, "assign")
    story.do(3, "regrade", grade="grave")
    assert (story.clock("response").state, story.clock("authority").due_at) == (
        "void",
        story.found + 5 * HOUR,
    )


def test_a_restricted_event_never_reaches_the_unit_it_is_about(story: Story, county: World):
    story.case = story.events.find(
        story.found, found=story.found, by=county.officer, barred=[county.housing.pk]
    )
    story.do(0.5, "report", by=county.officer)
    story.do(1, "grade", grade="major", by=county.officer)
    with pytest.raises(Cannot, match="被反映单位"):
        story.do(1.5, "assign", by=county.officer)
    story.do(1.5, "assign", by=county.officer, lead=county.water.pk)
    story.by(story.found + 2 * HOUR)
    seen = Case.objects.visible_to
    assert [
        seen(p).filter(pk=story.case.pk).exists() for p in (county.head, county.handler, county.other_head)
    ] == [
        False,
        False,
        True,
    ]
    everybody = set(Notice.objects.filter(event__case=story.case).values_list("user__username", flat=True))
    assert everybody & {"head", "handler", "deputy_head", "office_handler"} == set()
