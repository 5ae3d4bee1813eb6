"""Three different acts: a unit declines, the desk decides; the sender recalls before the receiver acts."""

from datetime import timedelta

import pytest

from workflows.errors import Already, Cannot
from workflows.models import Case, Participation, User
from workflows.permits import available

DAY = timedelta(days=1)


def now(case):
    return Case.objects.get(pk=case.pk)


def lead_parts(case):
    return list(
        Participation.objects.filter(case=case, role="lead", ended_at=None).values_list(
            "unit__code", flat=True
        )
    )


def test_declines_end_in_designation(county, at):
    """One decline a unit, three a case; then only designation is left, and that is final."""
    case = county.walk("registered", at)
    units = [county.housing, county.water, county.street]
    county.do(case, "assign", at=at)
    for number in range(len(units)):
        county.do(case, "decline", at=at)
        if number < 2:
            county.do(case, "reassign", at=at, lead=units[number + 1].pk)
    assert "reassign" not in {move.name for move in available(now(case), county.dispatcher, at=at)}
    with pytest.raises(Cannot, match="已退单 3 次"):
        county.do(case, "reassign", at=at, lead=county.housing_office.pk)
    county.do(case, "designate", at=at, lead=county.water.pk)
    assert now(case).state == "designated"
    assert lead_parts(case) == ["water"]
    with pytest.raises((Cannot, Already)):
        county.do(case, "decline", at=at, by=county.other_head)


def test_a_unit_declines_once(county, at):
    case = county.walk("declined", at)
    county.do(case, "uphold_decline", at=at)
    assert (now(case).state, now(case).lead, lead_parts(case)) == ("registered", None, [])
    county.do(case, "assign", at=at)
    with pytest.raises(Cannot, match="本单位已退过一次"):
        county.do(case, "decline", at=at)


def test_a_declined_unit_loses_sight(county, at):
    case = county.walk("declined", at)
    assert Case.objects.visible_to(county.handler).filter(pk=case.pk).exists()
    county.do(case, "reassign", at=at)
    assert not Case.objects.visible_to(User.objects.get(pk=county.handler.pk)).filter(pk=case.pk).exists()
    assert Case.objects.visible_to(county.other_handler).filter(pk=case.pk).exists()


def test_a_rejected_decline_stays_with_its_unit(county, at):
    case = county.walk("declined", at)
    county.do(case, "reject_decline", at=at)
    assert (now(case).state, now(case).unit, lead_parts(case)) == ("designated", county.housing, ["housing"])


def test_the_case_clock_runs_through_declines(county, at):
    case = county.walk("assigned", at)
    due = case.clocks.get(kind="resolve").due_at
    county.do(case, "decline", at=at + DAY)
    county.do(case, "reassign", at=at + DAY)
    assert now(case).clocks.get(kind="resolve").due_at == due


def test_recall_only_before_the_unit_acts(county, at):
    case = county.walk("assigned", at)
    county.do(case, "claim", at=at)
    with pytest.raises(Cannot, match="已有人领办"):
        county.do(case, "recall", at=at)
    county.do(case, "release", at=at)
    county.do(case, "recall", at=at)
    assert (now(case).state, now(case).unit, lead_parts(case)) == ("registered", county.desk, [])


def test_a_decline_after_the_deadline_is_too_late_even_if_nobody_swept(county, at):
    case = county.walk("assigned", at)
    due = case.clocks.get(kind="accept").due_at
    with pytest.raises(Cannot, match="签收期限已过"):
        county.do(case, "decline", at=due + timedelta(minutes=1))
    county.do(case, "decline", at=due)
    assert Case.objects.get(pk=case.pk).state == "declined"


def test_a_designated_unit_that_is_complained_about_hands_over(county, at):
    case = county.walk("designated", at)
    county.do(case, "bar_unit", at=at, unit=county.housing.pk)
    county.do(case, "transfer", at=at, lead=county.water.pk)
    moved = Case.objects.get(pk=case.pk)
    assert (moved.state, moved.unit) == ("designated", county.water)
