"""The settings site: three administrators, each with their own part, and no case in sight."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from opinion.models import Code
from workflows.models import Definition, Membership, User

pytestmark = pytest.mark.filterwarnings("ignore:No directory at")


def client_of(user):
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def test_only_settings_are_registered():
    names = {model._meta.model_name for model in admin.site._registry}
    assert names == {"code", "unit", "membership", "user", "definition", "policyversion", "calendarversion"}


@pytest.mark.parametrize("name", ["clerk", "officer", "leader", "handler"])
def test_staff_without_an_administrators_role_finds_nothing(county, name):
    client = client_of(getattr(county, name))
    assert client.get(reverse("admin:opinion_code_changelist")).status_code == 403
    assert client.get(reverse("admin:workflows_membership_changelist")).status_code == 403


@pytest.mark.parametrize(
    "model", ["opinion_code", "workflows_unit", "workflows_membership", "workflows_user"]
)
def test_lists_open_for_administrators(county, model):
    for user in (county.sysadmin, county.secadmin, county.auditadmin):
        assert client_of(user).get(reverse(f"admin:{model}_changelist")).status_code == 200


def test_codes_are_added_and_retired_never_deleted(county):
    client = client_of(county.sysadmin)
    said = {"list": "domain", "code": "sports", "label": "体育场馆", "position": "30", "active": "on"}
    assert client.post(reverse("admin:opinion_code_add"), said).status_code == 302
    code = Code.objects.get(list="domain", code="sports")
    client.post(reverse("admin:opinion_code_change", args=[code.pk]), {"label": "体育设施", "position": "30"})
    code.refresh_from_db()
    assert (code.code, code.label, code.active) == ("sports", "体育设施", False)
    assert (
        client.post(reverse("admin:opinion_code_delete", args=[code.pk]), {"post": "yes"}).status_code == 403
    )
    wrong = client.post(reverse("admin:opinion_code_add"), {**said, "code": "体育"})
    assert "只用小写英文字母" in wrong.content.decode()


def test_auditors_read_only(county):
    client = client_of(county.auditadmin)
    assert client.post(reverse("admin:opinion_code_add"), {}).status_code == 403
    assert client.post(reverse("admin:workflows_unit_add"), {}).status_code == 403


def test_roles_are_granted_by_the_security_administrator_and_never_to_oneself(county):
    said = {"user": county.clerk.pk, "unit": county.desk.pk, "role": "caller"}
    add = reverse("admin:workflows_membership_add")
    assert client_of(county.sysadmin).post(add, said).status_code == 403
    secadmin = client_of(county.secadmin)
    assert secadmin.post(add, said).status_code == 302
    assert Membership.objects.filter(user=county.clerk, role="caller").exists()
    own = secadmin.post(add, {**said, "user": county.secadmin.pk, "role": "confidential_officer"})
    assert "不能给自己授予角色" in own.content.decode()
    mine = Membership.objects.get(user=county.secadmin)
    assert (
        secadmin.post(
            reverse("admin:workflows_membership_delete", args=[mine.pk]), {"post": "yes"}
        ).status_code
        == 403
    )
    other = Membership.objects.get(user=county.clerk, role="caller")
    secadmin.post(reverse("admin:workflows_membership_delete", args=[other.pk]), {"post": "yes"})
    assert not Membership.objects.filter(pk=other.pk).exists()


def test_accounts_are_made_without_rights(county):
    said = {
        "username": "new", "display_name": "新小人", "usable_password": "true",
        "password1": "a-long-made-up-1", "password2": "a-long-made-up-1",
    }  # fmt: skip
    response = client_of(county.sysadmin).post(reverse("admin:workflows_user_add"), said)
    assert response.status_code == 302
    made = User.objects.get(username="new")
    assert (made.display_name, made.is_staff, made.is_superuser, made.standing.roles) == (
        "新小人",
        False,
        False,
        {},
    )


def test_the_system_account_is_out_of_reach(county):
    client = client_of(county.sysadmin)
    system = User.objects.system()
    assert client.get(reverse("admin:workflows_user_change", args=[system.pk])).status_code == 302


def test_documents_are_read_only(county):
    client = client_of(county.sysadmin)
    page = reverse("admin:workflows_definition_change", args=[Definition.objects.get(code="message").pk])
    assert "群众留言的一生" in client.get(page).content.decode()
    assert client.post(page, {"label": "x"}).status_code == 403
    assert client.get(reverse("admin:workflows_definition_add")).status_code == 403
