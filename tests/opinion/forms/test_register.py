"""The register form."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opinion.contacts.book import Person
from opinion.forms import RegisterForm
from opinion.models import Message
from opinion.registering import register
from workflows.models import Membership, Unit, User


def typed(county, **more):
    return {
        "desk": county.desk.pk,
        "source": "letter",
        "subject": "路灯不亮",
        "body": "学府路路灯不亮。",
        **more,
    }


def desks_in(form):
    return [label for value, label in form.fields["desk"].choices if value]


def filled(county, at, by=None, **more):
    return RegisterForm(typed(county, **more), by=by or county.clerk, at=at)


def test_what_it_hands_on_registers_a_message(county, at):
    said = {
        "external_number": "X1", "received_at": timezone.localtime(at - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"),
        "type": "help", "urgency": "normal", "place": "学府路", "asked_confidential": "on", "name": "何晓枫",
        "phone": "+86 138-0000-5678",
    }  # fmt: skip
    form = filled(county, at, **said)
    assert form.is_valid(), form.errors
    assert form.arguments["person"] == Person("何晓枫", "13800005678")
    case = register(**form.arguments, by=county.clerk, at=at)
    message = Message.objects.get(case=case)
    assert (message.external_key, message.asked_confidential, message.received_at) == (
        "X1",
        True,
        at - timedelta(days=3),
    )


@pytest.mark.parametrize(
    ("kind", "choice", "barred", "restricted"),
    [
        ("help", "", False, False), ("report", "", False, True), ("report", "no", False, False),
        ("help", "yes", False, True), ("help", "", True, True),
    ],
)  # fmt: skip
def test_when_it_is_restricted(county, at, kind, choice, barred, restricted):
    form = filled(county, at, type=kind, restricted=choice, barred=[county.water.pk] if barred else [])
    assert form.is_valid(), form.errors
    assert form.arguments["restricted"] is restricted
    assert form.arguments["barred"] == ([county.water.pk] if barred else [])


def test_errors_name_field_and_fix(county, at):
    empty = RegisterForm({}, by=county.clerk, at=at)
    assert empty.errors == {
        "desk": ["请选择“受理台”"], "source": ["请选择“来源”"], "subject": ["请填写“主题”"], "body": ["请填写“内容”"],
    }  # fmt: skip
    late = filled(
        county, at, received_at=timezone.localtime(at + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    )
    assert late.errors == {"received_at": ["“留言时间”晚于现在，请核对"]}
    open_ = filled(county, at, restricted="no", barred=[county.water.pk])
    assert open_.errors == {"restricted": ["已选被反映单位，“限制知悉”不能选不限制"]}
    above = filled(county, at, barred=[county.county.pk])
    assert above.errors == {"barred": ["“被反映单位”没有这一项，请从列表中选择"]}


def test_a_known_number_is_named_to_those_who_may_see_it(county, at):
    case = register(**_valid(county, at, external_number="X1").arguments, by=county.clerk, at=at)
    assert filled(county, at, external_number="X1").errors == {
        "external_number": [f"来信的 X1 已登记过，见 {case.number}，请核对"]
    }
    register(**_valid(county, at, external_number="X2", restricted="yes").arguments, by=county.clerk, at=at)
    assert filled(county, at, external_number="X2").errors == {
        "external_number": ["来信的 X2 已登记过，请核对"]
    }


def _valid(county, at, **more):
    form = filled(county, at, **more)
    assert form.is_valid(), form.errors
    return form


def test_desks_are_those_where_one_registers(county, at):
    assert RegisterForm(by=county.clerk, at=at).initial["desk"] == county.desk.pk
    second = Unit.objects.create(code="desk2", name="东浦受理台", parent=county.street, is_desk=True)
    Membership.objects.create(user=county.clerk, unit=second, role="desk_clerk")
    both = RegisterForm(by=User.objects.get(pk=county.clerk.pk), at=at)
    assert desks_in(both) == ["网络问政办", "东浦受理台"]
    assert "desk" not in both.initial
    said = typed(county, desk=second.pk, barred=[county.street.pk])
    assert RegisterForm(said, by=User.objects.get(pk=county.clerk.pk), at=at).errors == {
        "barred": ["“被反映单位”是受理台或其上级，请转上级受理"]
    }
    assert [
        label for value, label in RegisterForm(by=county.handler, at=at).fields["desk"].choices if value
    ] == []
