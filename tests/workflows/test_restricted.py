"""Who may know of a case: `visible_to` as a truth table, and the door that keeps to it.

The tree: 县 (desk) ─ 甲局 (office) ─ 甲局一科 (section) and 县 ─ 乙局 (other). Roles of the toy lifecycle: a clerk and
a worker look at their own unit's cases, a watcher at a whole area, restricted cases included.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workflows.engine import fire, fire_many
from workflows.errors import MayNot
from workflows.models import Case, Event, Membership, Participation, Unit, User
from workflows.permits import available


@dataclass
class Offices:
    """Units by what the tables below call them, and a way to seat somebody."""

    units: dict[str, Unit]

    def person(self, *seats: tuple[str, str]) -> User:
        user = User.objects.create_user(username=f"p{User.objects.count()}", display_name="某人")
        for role, unit in seats:
            Membership.objects.create(user=user, unit=self.units[unit], role=role)
        return user


@pytest.fixture
def offices(world) -> Offices:
    section = Unit.objects.create(code="section", name="甲局一科", parent=world.office)
    return Offices({"desk": world.desk, "office": world.office, "other": world.other, "section": section})


def sees(user, case) -> bool:
    return Case.objects.visible_to(User.objects.get(pk=user.pk)).filter(pk=case.pk).exists()


def given(world, at, **draft) -> Case:
    """A case whose lead is 甲局."""
    case = world.case(at, **draft)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    case.refresh_from_db()
    return case


CLERK, WORKER, WATCHER, SYSTEM = "toy_clerk", "toy_worker", "toy_watcher", "system"

ORDINARY = [
    # who, sees the case of 县 (desk) led by 甲局
    ([(CLERK, "desk")], True),
    ([(WORKER, "office")], True),
    ([(WORKER, "other")], False),
    ([(CLERK, "other")], False),
    ([(WORKER, "section")], False),  # below the lead: `own` looks at its own unit alone
    ([(WATCHER, "desk")], True),
    ([(WATCHER, "office")], True),
    ([(WATCHER, "section")], False),  # an area is what lies below, not above
    ([(WATCHER, "other")], False),
    ([(WORKER, "other"), (WATCHER, "office")], True),  # any one seat is enough
    ([(SYSTEM, "desk")], False),  # a role that sees nothing
    ([("unheard_of", "desk")], False),  # a role nobody registered
    ([], False),
]


@pytest.mark.parametrize(("seats", "expected"), ORDINARY)
def test_ordinary_case_is_seen_by(world, offices, at, seats, expected):
    case = given(world, at)
    assert sees(offices.person(*seats), case) is expected


AT_THE_TOP = [
    # who, looks at everything
    ([(WATCHER, "desk")], True),
    ([(WATCHER, "desk"), (CLERK, "desk")], True),
    ([(WATCHER, "desk"), (WATCHER, "section"), (WATCHER, "office")], True),
    ([(WATCHER, "desk"), (CLERK, "section")], False),  # does, but it does not follow from what has been read
    ([(WATCHER, "office")], False),
    ([(CLERK, "desk")], False),  # at the top, and looks at its own unit alone
    ([(SYSTEM, "desk")], False),
    ([], False),
]


@pytest.mark.parametrize(("seats", "expected"), AT_THE_TOP)
def test_whoever_looks_down_from_the_top_is_asked_for_no_units(world, offices, at, seats, expected):
    given(world, at)
    user = User.objects.get(pk=offices.person(*seats).pk)
    assert user.standing.sees_everything is expected
    if expected:
        with CaptureQueriesContext(connection) as asked:
            assert Case.objects.visible_to(user).count() == 1
        assert asked[-1]["sql"].count("workflows_participation") == 2  # both for restricted ones


RESTRICTED = [
    ([(CLERK, "desk")], False),  # takes part, but the role is not confidential
    ([(WORKER, "office")], True),  # a member of the lead unit
    ([(CLERK, "office")], True),  # whatever the role there
    ([(WORKER, "other")], False),
    ([(WORKER, "section")], False),
    ([(WATCHER, "desk")], True),  # confidential, over the desk
    ([(WATCHER, "office")], True),  # confidential, over the lead
    ([(WATCHER, "other")], False),
    ([], False),
]


@pytest.mark.parametrize(("seats", "expected"), RESTRICTED)
def test_restricted_case_is_seen_by(world, offices, at, seats, expected):
    case = given(world, at)
    Case.objects.update(restricted=True)
    assert sees(offices.person(*seats), case) is expected


BARRED = [
    # the complaint is about …, somebody with these seats, sees it
    ("office", [(WATCHER, "office")], False),  # a member of the unit complained about
    ("office", [(WATCHER, "section")], False),  # below it
    ("office", [(WATCHER, "desk")], True),  # above it: the superior looks into it
    ("office", [(WATCHER, "other")], False),  # has no part in it
    ("office", [(WATCHER, "desk"), (WORKER, "office")], False),  # also works in that unit
    ("office", [(WATCHER, "desk"), (WORKER, "section")], False),  # also works below it
    ("section", [(WATCHER, "section")], False),
    ("section", [(WATCHER, "office")], False),  # the section's bureau looks at no part but the barred one
    ("section", [(WATCHER, "desk")], True),
    ("desk", [(WATCHER, "desk")], False),  # about the desk itself
    ("desk", [(WATCHER, "other")], False),
    ("other", [(WATCHER, "desk")], True),
]


@pytest.mark.parametrize(("about", "seats", "expected"), BARRED)
def test_complaint_is_seen_by(world, offices, at, about, seats, expected):
    case = world.case(at, restricted=True, barred=[offices.units[about].pk])
    assert sees(offices.person(*seats), case) is expected


def test_complaint_led_by_a_unit_above_is_closed_to_those_it_is_about(world, offices, at):
    """甲局 leads, its own section is complained about: 甲局's people know of it, the section's do not."""
    case = world.case(at, restricted=True, barred=[offices.units["section"].pk])
    Participation.objects.create(case=case, unit=world.office, role="lead", started_at=at)
    assert sees(world.worker, case) is True
    assert sees(offices.person((WORKER, "section")), case) is False
    assert sees(offices.person((WORKER, "office"), (WORKER, "section")), case) is False


def test_being_complained_about_is_no_part_in_an_ordinary_case(world, offices, at):
    case = world.case(at, barred=[world.other.pk])
    assert sees(world.other_worker, case) is False
    assert sees(world.clerk, case) is True


def test_ended_participation_sees_nothing_more(world, at):
    case = given(world, at)
    assert sees(world.worker, case) is True
    Participation.objects.filter(case=case, unit=world.office).update(ended_at=at + timedelta(hours=1))
    assert sees(world.worker, case) is False
    assert sees(world.clerk, case) is True


def test_ended_bar_closes_nothing(world, offices, at):
    case = world.case(at, restricted=True, barred=[world.desk.pk])
    assert sees(world.watcher, case) is False
    Participation.objects.filter(case=case, role="barred").update(ended_at=at)
    assert sees(world.watcher, case) is True


def test_assisting_unit_sees_an_ordinary_case_and_no_restricted_one(world, at):
    case = given(world, at)
    Participation.objects.create(case=case, unit=world.other, role="assisting", started_at=at)
    assert sees(world.other_worker, case) is True
    Case.objects.update(restricted=True)
    assert sees(world.other_worker, case) is False


def test_nobody_in_particular_sees_nothing(world, at):
    given(world, at)
    User.objects.filter(pk=world.watcher.pk).update(is_active=False)
    assert list(Case.objects.visible_to(AnonymousUser())) == []
    assert list(Case.objects.visible_to(User.objects.get(pk=world.watcher.pk))) == []
    assert list(Case.objects.visible_to(User.objects.create_user(username="new"))) == []
    assert list(Case.objects.visible_to(User.objects.create_superuser(username="boss"))) == []


def test_system_sees_everything(world, at):
    ordinary, restricted = given(world, at), world.case(at, restricted=True, barred=[world.desk.pk])
    assert set(Case.objects.visible_to(User.objects.system())) == {ordinary, restricted}


def test_case_is_listed_once_however_many_parts_its_viewer_has(world, offices, at):
    case = given(world, at)
    both = offices.person((CLERK, "desk"), (WORKER, "office"), (WATCHER, "desk"))
    assert list(Case.objects.visible_to(both)) == [case]


# The door


def test_door_refuses_a_restricted_case_to_a_role_that_may_not_know_it(world, at):
    """The clerk holds the role that `give` asks for, and still may not touch what may not be known."""
    case = world.case(at, restricted=True)
    before = Case.objects.filter(pk=case.pk).values().get()
    with pytest.raises(MayNot, match="没有对"):
        fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    [refused] = fire_many([case.pk], "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    assert isinstance(refused, MayNot)
    assert available(case, world.clerk, at=at) == []
    assert Case.objects.filter(pk=case.pk).values().get() == before
    assert Event.objects.filter(case=case).count() == 1


def test_door_opens_a_restricted_case_to_the_lead_unit(world, at):
    case = given(world, at)
    Case.objects.update(restricted=True)
    assert fire(case.pk, "take", by=world.worker, at=at).name == "toy.taken"


def test_door_closes_to_a_lead_that_is_complained_about(world, at):
    case = given(world, at)
    Case.objects.update(restricted=True)
    Participation.objects.create(case=case, unit=world.office, role="barred", started_at=at)
    with pytest.raises(MayNot):
        fire(case.pk, "take", by=world.worker, at=at)
    assert Case.objects.get(pk=case.pk).state == "given"
