"""Deputies: who signs while somebody is away, and that no ring of them stops an approval."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tests.workflows.approvals.scene import BOSSES, CHIEFS, names, state, waiting
from workflows.models import Absence, ApprovalTask, Participation, Unit, User


@pytest.fixture
def chief(office):
    return office.person("甲", "toy_chief")


@pytest.fixture
def deputy(office):
    return office.person("副", "toy_deputy")


def stood_for(case):
    seats = ApprovalTask.objects.waiting().filter(case=case).order_by("id")
    return [(str(s.owner), str(s.stands_for or "")) for s in seats.select_related("owner", "stands_for")]


def test_the_deputy_is_asked_while_the_person_is_away(office, chief, deputy):
    office.away(chief, deputy, ends_at=office.at + timedelta(days=1))
    case = office.asked(CHIEFS)
    assert (stood_for(case), "approval.unmanned" in names(case)) == ([("副", "甲")], False)
    office.do(case, "agree", deputy)
    assert state(case) == "passed"


def test_before_and_after_the_absence_the_person_is_asked(office, chief, deputy):
    office.away(chief, deputy, starts_at=office.at + timedelta(minutes=1))
    assert stood_for(office.asked(CHIEFS)) == [("甲", "")]
    Absence.objects.update(starts_at=office.at - timedelta(days=2), ends_at=office.at)
    assert stood_for(office.asked()) == [("甲", "")]


def test_what_was_asked_before_stays(office, chief, deputy):
    case = office.asked(CHIEFS)
    office.away(chief, deputy)
    assert stood_for(case) == [("甲", "")]
    office.do(case, "agree", chief)
    assert state(case) == "passed"


def test_the_deputy_of_an_absent_deputy_is_asked(office, chief, deputy):
    other = office.person("再", "toy_worker", "toy_boss")
    office.away(chief, deputy)
    office.away(deputy, other)
    assert stood_for(office.asked(CHIEFS)) == [("再", "甲")]


def test_a_deputy_who_sits_there_already_has_one_seat(office, chief):
    second = office.person("乙", "toy_chief")
    office.away(chief, second)
    case = office.asked({**CHIEFS, "agree": "all"})
    assert [owner for owner, _ in stood_for(case)] == ["乙"]
    office.do(case, "agree", second)
    assert state(case) == "passed"


def test_a_deputy_who_drafted_is_not_asked(office, chief, deputy):
    office.away(chief, office.clerk)
    assert stood_for(office.asked(CHIEFS)) == [("副", "")]


def test_the_deputy_of_a_drafter_is_not_asked_in_the_drafters_place(office, deputy):
    both = office.person("双", "toy_clerk", "toy_chief")
    helper = office.person("助", "toy_boss")
    office.away(both, helper)
    assert stood_for(office.asked(CHIEFS, by=both)) == [("副", "")]


def test_a_deputy_who_left_or_cannot_open_the_case_is_not_asked(office, chief):
    elsewhere = Unit.objects.create(code="other", name="乙办", parent=office.root)
    outsider = office.person("外", "toy_chief", unit=elsewhere)
    office.away(chief, outsider)
    assert stood_for(office.asked(CHIEFS)) == [("督", "")]
    gone = office.person("离", "toy_deputy", is_active=False)
    Absence.objects.update(deputy=gone)
    assert stood_for(office.asked()) == [("督", "")]


def test_a_deputy_who_may_not_know_a_restricted_case_is_not_asked(office, deputy):
    """Only the watcher is trusted with it."""
    trusted = office.person("密", "toy_watcher")
    office.away(trusted, deputy)
    case = office.asked({**CHIEFS, "by": "toy_watcher"}, by=office.trusted(), restricted=True)
    assert stood_for(case) == [("督", "")]
    assert not Participation.objects.filter(case=case, role="barred").exists()


def test_whoever_is_away_when_their_turn_comes_is_represented(office, chief, deputy):
    second = office.person("乙", "toy_chief")
    case = office.asked({**CHIEFS, "agree": "sequence"})
    office.away(second, deputy, starts_at=office.at + timedelta(minutes=5))
    office.do(case, "agree", chief, minutes=10)
    assert stood_for(case) == [("副", "乙")]


def test_a_ring_of_deputies_is_refused_when_it_is_written_down(office, chief, deputy):
    office.away(chief, deputy)
    ring = Absence(user=deputy, deputy=chief, starts_at=office.at)
    with pytest.raises(ValidationError, match="代审人此间也不在，且又回到本人代审，请另选"):
        ring.full_clean()
    third = office.person("丙", "toy_boss")
    office.away(deputy, third)
    with pytest.raises(ValidationError, match="又回到本人代审"):
        Absence(user=third, deputy=chief, starts_at=office.at).full_clean()


def test_a_ring_by_any_of_several_deputies_is_refused(office, chief, deputy):
    """The deputy is away twice in that time; only the later stretch leads back."""
    third = office.person("丙", "toy_boss")
    day = timedelta(days=1)
    for starts, ends, other in ((0, 1, third), (1, 2, chief)):
        office.away(deputy, other, starts_at=office.at + starts * day, ends_at=office.at + ends * day)
    with pytest.raises(ValidationError, match="又回到本人代审"):
        Absence(user=chief, deputy=deputy, starts_at=office.at).full_clean()
    Absence(user=chief, deputy=deputy, starts_at=office.at, ends_at=office.at + day).full_clean()


def test_two_absences_of_one_person_never_overlap(office, chief, deputy):
    office.away(chief, deputy, ends_at=office.at + timedelta(days=1))
    for starts in (-1, 0, 23):
        second = Absence(user=chief, deputy=office.clerk, starts_at=office.at + timedelta(hours=starts))
        with pytest.raises(ValidationError) as refused:
            second.full_clean()
        assert list(refused.value.message_dict) == ["starts_at"]
    Absence(user=chief, deputy=office.clerk, starts_at=office.at + timedelta(days=1)).full_clean()
    earlier = {"starts_at": office.at - timedelta(days=1), "ends_at": office.at}
    Absence(user=chief, deputy=office.clerk, **earlier).full_clean()


def test_deputies_of_other_days_are_no_ring(office, chief, deputy):
    office.away(chief, deputy, ends_at=office.at + timedelta(days=1))
    Absence(user=deputy, deputy=chief, starts_at=office.at + timedelta(days=1)).full_clean()


def test_a_ring_there_all_the_same_stops_nothing(office, chief, deputy):
    second = office.person("乙", "toy_chief")
    office.away(chief, second)
    office.away(second, chief)
    assert stood_for(office.asked(CHIEFS)) == [("副", "")]


def test_nobody_is_their_own_deputy_in_the_database(office, chief):
    with pytest.raises(IntegrityError), transaction.atomic():
        Absence.objects.create(user=chief, deputy=chief, starts_at=office.at)
    with pytest.raises(IntegrityError), transaction.atomic():
        Absence.objects.create(user=chief, deputy=office.clerk, starts_at=office.at, ends_at=office.at)


def test_a_later_level_asks_who_is_away_then(office, chief, deputy):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    office.away(boss, deputy, starts_at=office.at + timedelta(minutes=5))
    office.do(case, "agree", chief, minutes=10)
    assert stood_for(case) == [("副", "首")]
    office.do(case, "agree", User.objects.get(username="副"), minutes=11)
    assert (state(case), waiting(case)) == ("passed", [])
