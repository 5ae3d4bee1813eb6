"""Restricted cases: known to the confidential officer and the lead unit, never to a unit complained about."""

import pytest

from workflows.errors import Cannot, MayNot
from workflows.models import Case, Membership, Participation, User
from workflows.permits import available


def fresh(user):
    """As the next request would see the person: standing is read once an instance."""
    return User.objects.get(pk=user.pk)


def sees(user, case):
    return Case.objects.visible_to(fresh(user)).filter(pk=case.pk).exists()


def seers(county, case):
    people = {name: value for name, value in vars(county).items() if isinstance(value, User)}
    return {name for name, user in people.items() if sees(user, case)}


def test_an_ordinary_case_is_seen_by_the_desk_the_lead_and_those_above(county, at):
    case = county.walk("handling", at)
    assert seers(county, case) == {
        "clerk", "dispatcher", "reviewer", "caller", "officer", "leader", "top_leader", "supervisor", "exporter",
        "publicity", "arbiter", "handler", "head", "deputy_head",
    }  # fmt: skip


def test_a_restricted_case_is_seen_by_the_officer_and_the_lead_only(county, at):
    case = county.walk("registered", at, restricted=True)
    assert seers(county, case) == {"officer"}
    county.do(case, "assign", at=at)
    assert seers(county, case) == {"officer", "handler", "head", "deputy_head"}


def test_assisting_units_do_not_see_a_restricted_case(county, at):
    case = county.walk("registered", at)
    county.do(case, "assign", at=at, assisting=[county.street.pk])
    assert sees(county.street_handler, case)
    county.do(case, "bar_unit", at=at)
    assert not sees(county.street_handler, case)


def test_the_desk_may_not_even_try(county, at):
    case = county.walk("registered", at, restricted=True)
    with pytest.raises(MayNot):
        county.do(case, "assign", at=at, by=county.dispatcher)
    assert available(case, county.dispatcher, at=at) == []


def test_the_officer_leaves_ordinary_cases_to_the_desk(county, at):
    case = county.walk("registered", at)
    with pytest.raises(MayNot):
        county.do(case, "assign", at=at, by=county.officer)


def test_a_barred_unit_never_gets_the_case(county, at):
    case = county.walk("registered", at, barred=[county.housing.pk])
    assert case.restricted
    for lead in (county.housing, county.housing_office):
        with pytest.raises(Cannot, match="是被反映单位或其下级"):
            county.do(case, "assign", at=at, lead=lead.pk)
    with pytest.raises(Cannot, match="是被反映单位或其下级"):
        county.do(case, "assign", at=at, lead=county.water.pk, assisting=[county.housing_office.pk])
    county.do(case, "assign", at=at, lead=county.water.pk)
    assert seers(county, case) == {"officer", "other_handler", "other_head"}


def test_an_officer_who_works_in_the_barred_unit_sees_nothing(county, at):
    Membership.objects.create(user=county.officer, unit=county.housing_office, role="unit_handler")
    assert not sees(county.officer, county.walk("registered", at, barred=[county.housing.pk]))


def test_barring_the_lead_hides_the_case_from_it_at_once(county, at):
    case = county.walk("handling", at)
    county.do(case, "bar_unit", at=at, unit=county.housing.pk)
    assert seers(county, case) == {"officer"}
    county.do(case, "transfer", at=at)
    assert seers(county, case) == {"officer", "other_handler", "other_head"}


def test_barring_twice_keeps_one_entry(county, at):
    case = county.walk("handling", at)
    county.do(case, "bar_unit", at=at)
    county.do(case, "bar_unit", at=at, by=county.officer)
    assert Participation.objects.filter(case=case, role="barred").count() == 1


@pytest.mark.parametrize("unit", ["desk", "county"])
def test_the_desk_cannot_be_barred_from_its_own_case(county, at, unit):
    case = county.walk("handling", at)
    with pytest.raises(Cannot, match="请转上级受理"):
        county.do(case, "bar_unit", at=at, unit=getattr(county, unit).pk)
