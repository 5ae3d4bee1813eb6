"""Forms sent after the login has ended, or from a page older than it: not done, and nothing lost."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opinion.logins import RENEWED, RENEWED_EVERY_SECONDS
from tests.factories.world import World
from tests.opinion.views.test_actions import form_of
from workflows.models import Case, User

TEXT = "管道已换好，三日内复查。<b>"


def strict(user: User) -> Client:
    """A browser, with the check that forms are of our own pages."""
    client = Client(enforce_csrf_checks=True, headers={"origin": "http://testserver"})
    client.force_login(user)
    return client


def hidden_of(page: str) -> dict[str, str]:
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    }


def comment_on(client: Client, case: Case) -> dict[str, str]:
    """What a filled-in form sends."""
    page = client.get(reverse("action", args=[case.number, "comment"])).content.decode()
    return {**hidden_of(page), "comment": TEXT}


def test_what_was_sent_after_the_login_ended_comes_back_and_goes_through(county: World, earlier: datetime):
    case, client = county.walk("handling", earlier), strict(county.handler)
    sent = comment_on(client, case)
    url = reverse("action", args=[case.number, "comment"])
    client.session.flush()
    ended = client.post(url, sent)
    page = ended.content.decode()
    assert ended.status_code == 403
    assert "登录已到期" in page
    assert "管道已换好，三日内复查。&lt;b&gt;" in page
    assert case.events.filter(transition="comment").count() == 0
    # Logged in on another tab, the page is still that of before, with the token of before.
    client.force_login(county.handler)
    client.get(reverse("todo"))
    older = client.post(url, {**hidden_of(page), "csrfmiddlewaretoken": "a" * 64})
    assert older.status_code == 403
    assert "本次登录之前打开的" in older.content.decode()
    again = client.post(url, hidden_of(older.content.decode()))
    assert again.headers["Location"] == reverse("case", args=[case.number])
    assert case.notes.filter(kind="comment", text=TEXT).exists()


def test_what_another_site_sends_is_not_offered_again(county: World, earlier: datetime):
    case, client = county.walk("handling", earlier), strict(county.handler)
    sent = {**comment_on(client, case), "csrfmiddlewaretoken": "a" * 64}
    url = reverse("action", args=[case.number, "comment"])
    for origin in ("https://elsewhere.example", "null"):
        page = client.post(url, sent, headers={"origin": origin})
        assert page.status_code == 403
        assert "页面已过期" in page.content.decode()
        assert "三日内复查" not in page.content.decode()


def test_a_form_with_files_shows_its_text_and_asks_for_the_files_anew(
    county: World, earlier: datetime, client: Client
):
    case = county.walk("handling", earlier)
    sent = {"outcome": TEXT, "files": SimpleUploadedFile("照片.jpg", b"x")}
    page = client.post(reverse("action", args=[case.number, "record_visit"]), sent).content.decode()
    assert "所选的文件（照片.jpg）须重新选择" in page
    assert "三日内复查" in page
    assert "再次提交</button>" not in page


def test_a_page_asked_for_or_a_button_pressed_without_login_leads_to_the_login(client: Client, db: None):
    for answer in (client.get(reverse("todo")), client.post(reverse("logout"))):
        assert answer.status_code == 302


@pytest.mark.parametrize(
    ("idle", "renewed"), [(RENEWED_EVERY_SECONDS - 60, False), (RENEWED_EVERY_SECONDS + 60, True)]
)
def test_a_login_lasts_from_the_last_work(county: World, idle: int, renewed: bool):
    client = Client()
    client.force_login(county.handler)
    session = client.session
    session[RENEWED] -= idle
    session.save()
    ends = timezone.now() + timedelta(hours=1)
    Session.objects.update(expire_date=ends)
    client.get(reverse("todo"))
    assert (Session.objects.get().expire_date > ends) == renewed


def test_expired_sessions_are_no_login(county: World, earlier: datetime):
    case, client = county.walk("handling", earlier), strict(county.handler)
    hidden = form_of(client, case, "comment")
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    answer = client.post(reverse("action", args=[case.number, "comment"]), {**hidden, "comment": TEXT})
    assert answer.status_code == 403
