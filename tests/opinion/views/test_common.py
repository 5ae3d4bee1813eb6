"""Login, health, caching and the policy about content, on every page alike."""

from __future__ import annotations

import logging
from datetime import datetime

import pytest
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from tests.factories.world import World
from tests.opinion.views.conftest import As
from workflows.models import User


def test_login_says_one_thing_for_every_failure(county: World, client: Client):
    User.objects.filter(pk=county.clerk.pk).update(password=make_password("mima-2026-abc"))
    for username, password in (("clerk", "wrong"), ("nobody", "wrong")):
        page = client.post(reverse("login"), {"username": username, "password": password}).content.decode()
        assert "用户名或密码不正确" in page
    response = client.post(reverse("login"), {"username": "clerk", "password": "mima-2026-abc"})
    assert response.headers["Location"] == reverse("todo")


def test_login_comes_back_to_the_page_asked_for_and_to_no_foreign_one(county: World, client: Client):
    User.objects.filter(pk=county.clerk.pk).update(password=make_password("mima-2026-abc"))
    asked = client.get(reverse("case_list"))
    assert asked.headers["Location"] == f"{reverse('login')}?next={reverse('case_list')}"
    said = {"username": "clerk", "password": "mima-2026-abc"}
    home = client.post(reverse("login"), {**said, "next": reverse("case_list")})
    assert home.headers["Location"] == reverse("case_list")
    client.logout()
    foreign = client.post(reverse("login"), {**said, "next": "https://example.org/"})
    assert foreign.headers["Location"] == reverse("todo")


def test_logout_needs_a_post(county: World, as_: As):
    client = as_(county.clerk)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).status_code == 302
    assert client.get(reverse("todo")).headers["Location"].startswith(reverse("login"))


def test_form_from_an_expired_page_is_explained(county: World):
    client = Client(enforce_csrf_checks=True)
    client.force_login(county.clerk)
    response = client.post(reverse("logout"))
    assert response.status_code == 403
    assert "页面已过期" in response.content.decode()


def test_pages_are_kept_by_no_cache_and_run_no_foreign_code(county: World, as_: As):
    for name in ("todo", "case_list", "register", "imports"):
        response = as_(county.clerk).get(reverse(name))
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_healthz_says_ok_to_anybody(client: Client, db: None):
    response = client.get(reverse("healthz"))
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_healthz_tells_strangers_nothing_about_a_failure(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def refuse() -> None:
        raise DatabaseError("password of the database")

    with caplog.at_level(logging.ERROR), monkeypatch.context() as patch:
        patch.setattr("opinion.views.healthz.connection.cursor", refuse)
        response = client.get(reverse("healthz"))
    assert (response.status_code, response.content) == (503, b"unavailable\n")
    assert "password of the database" in caplog.text


def test_missing_page_looks_like_the_rest(county: World, as_: As, client: Client):
    for visitor in (as_(county.clerk), client):
        response = visitor.get("/no-such-page/")
        assert response.status_code == 404
        page = response.content.decode()
        assert "没有找到" in page
        assert "viewflow" not in page


@pytest.mark.parametrize(
    "where",
    [
        "/cases/%00/",
        "/cases/%00/do/assign/",
        "/lifecycles/%00/",
        "/?state=%00",
        "/register/?sequel_to=%00",
        "/?%00=1",
    ],
)
def test_an_address_with_a_null_character_is_refused_in_the_products_look(
    county: World, as_: As, earlier: datetime, where: str
):
    county.register(earlier)
    client = as_(county.dispatcher)
    for answer in (client.get(where), client.post(where)):
        assert answer.status_code == 400
        assert "<h1>请求有误</h1>" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("orders", "before"), ("board", "unit"), ("figures", "unit"), ("forecast", "unit"), ("forecast", "page"),
        ("unapproved", "unit"), ("unapproved", "before"), ("notices", "before"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "٣", "²", "-1", "1.x"])
def test_a_number_no_page_of_ours_gave_leads_nowhere(
    county: World, as_: As, name: str, question: str, number: str
):
    assert as_(county.supervisor).get(reverse(name), {question: number}).status_code == 404


def test_lifecycle_page_shows_the_case_where_it_stands(county: World, as_: As, earlier) -> None:
    case = county.walk("handling", earlier)
    url = reverse("lifecycle", args=["message"])
    page = as_(county.handler).get(url, {"case": case.number}).content.decode()
    assert "当前：办理中" in page
    assert as_(county.other_handler).get(url, {"case": case.number}).status_code == 404
    assert as_(county.handler).get(url, {"version": "99"}).status_code == 404
    assert as_(county.handler).get(reverse("lifecycle", args=["nothing"])).status_code == 404
