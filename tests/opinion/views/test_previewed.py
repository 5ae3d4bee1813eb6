"""What is published is what the preview showed: of levels, policies and calendars alike."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

import opinion
from tests.opinion.previewed import seal_of
from tests.workflows.test_calendar_reading import NOTICE
from workflows import publishing
from workflows.models import ApprovalRules, CalendarVersion, PolicyVersion

pytestmark = pytest.mark.django_db

HERE = Path(opinion.__file__).parent
LEVELS = (HERE / "levels" / "message.yaml").read_text(encoding="utf-8")
POLICY = (HERE / "policies" / "default.yaml").read_text(encoding="utf-8")
UNSEEN = "内容在预览后改过（或未经预览），已重新预览，请核对后再发布"
STALE = "预览后又发布了新版本，已重新预览，请核对后再发布"

PAGES = [
    ("levels", "publish", ApprovalRules, "message", LEVELS.replace("label: 受理台审核", "label: 受理台初审")),
    ("policies", "publish", PolicyVersion, "default", POLICY.replace("accept, limit: 1wd", "accept, limit: 3wd")),
    ("policies", "apply", PolicyVersion, "default", POLICY.replace("accept, limit: 1wd", "accept, limit: 3wd")),
    ("calendars", "publish", CalendarVersion, "china", NOTICE.strip()),
]  # fmt: skip
pages = pytest.mark.parametrize(("page", "order", "model", "code", "text"), PAGES)


@pytest.fixture
def client(as_, county):
    return as_(county.sysadmin)


def refused(response, text, said=UNSEEN):
    """The page says why, shows the preview and keeps the text; returns it."""
    shown = response.content.decode()
    assert response.status_code == 422
    assert said in shown
    assert "预览：尚未发布" in shown
    assert response.context["form"]["text"].value() == text
    return shown


@pages
@pytest.mark.parametrize("seen", [None, "", "x", "1 sha256:0:forged"])
def test_nothing_is_published_without_a_preview(client, page, order, model, code, text, seen):
    data = {"code": code, "text": text, order: "1"} | ({} if seen is None else {"seen": seen})
    shown = refused(client.post(reverse(page), data), text)
    assert model.objects.latest_of(code).version == 1
    done = client.post(reverse(page), {**data, "seen": seal_of(shown)})
    assert done.status_code == 302
    assert model.objects.latest_of(code).version == 2


@pages
def test_what_was_changed_after_the_preview_is_previewed_again(client, page, order, model, code, text):
    seen = seal_of(client.post(reverse(page), {"code": code, "text": text}).content.decode())
    changed = f"# 改过\n{text}" if page != "calendars" else text.replace("〔2026〕99号", "〔2026〕98号")
    refused(client.post(reverse(page), {"code": code, "text": changed, order: "1", "seen": seen}), changed)
    assert model.objects.latest_of(code).version == 1


@pages
def test_line_ends_of_a_browser_are_no_change(client, page, order, model, code, text):
    seen = seal_of(client.post(reverse(page), {"code": code, "text": text}).content.decode())
    sent = {"code": code, "text": text.replace("\n", "\r\n"), order: "1", "seen": seen}
    assert client.post(reverse(page), sent).status_code == 302
    assert model.objects.latest_of(code).version == 2


@pages
def test_a_version_published_meanwhile_is_compared_with_first(client, county, page, order, model, code, text):
    data = {"code": code, "text": text}
    seen = seal_of(client.post(reverse(page), data).content.decode())
    newest = model.objects.latest_of(code)
    between = newest.parsed.model_copy(update={"label": "别人的版本"}).model_dump_json(by_alias=True)
    publishing.publish(between, code, by=county.supervisor, at=timezone.now())
    shown = refused(client.post(reverse(page), {**data, order: "1", "seen": seen}), text, STALE)
    assert UNSEEN not in shown
    assert model.objects.latest_of(code).label == "别人的版本"


@pages
def test_a_second_click_is_told_of_the_first(client, page, order, model, code, text):
    data = {"code": code, "text": text}
    sent = {**data, order: "1", "seen": seal_of(client.post(reverse(page), data).content.decode())}
    assert client.post(reverse(page), sent).status_code == 302
    shown = refused(client.post(reverse(page), sent), text, "您在这次预览后已发布第 2 版，已与它重新比较")
    assert STALE not in shown
    assert model.objects.latest_of(code).version == 2


def test_the_preview_of_another_page_or_person_does_not_count(client, county, as_):
    shown = client.post(reverse("policies"), {"text": POLICY}).content.decode()
    sent = {"text": POLICY, "publish": "1", "seen": seal_of(shown)}
    other = county.dispatcher
    post = county.sysadmin.memberships.get()
    other.memberships.create(unit=post.unit, role=post.role)
    refused(as_(other).post(reverse("policies"), sent), POLICY)
    assert as_(county.sysadmin).post(reverse("policies"), sent).status_code == 302
