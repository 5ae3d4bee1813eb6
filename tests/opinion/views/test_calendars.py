"""The page of calendars: preview first, then publish; for system administrators alone."""

import pytest
from django.urls import reverse

from tests.opinion.previewed import publish
from tests.workflows.test_calendar_reading import NOTICE
from workflows.models import CalendarVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(as_, county):
    return as_(county.sysadmin)


def test_others_are_kept_out(as_, county):
    assert as_(county.dispatcher).get(reverse("calendars")).status_code == 403


def test_it_shows_how_far_calendars_reach(page):
    response = page.get(reverse("calendars"))
    assert response.status_code == 200
    assert "2026-12-31" in response.content.decode()


def test_a_preview_publishes_nothing(page):
    response = page.post(reverse("calendars"), {"code": "china", "text": NOTICE})
    text = response.content.decode()
    assert response.status_code == 200
    assert "2027-02-14 周日 补班（春节）" in text
    assert "发布并重算" in text
    assert CalendarVersion.objects.count() == 1


def test_what_is_not_understood_is_named(page):
    text = NOTICE.replace("5月8日（周六）上班", "5月8日或许上班吧")
    response = page.post(reverse("calendars"), {"code": "china", "text": text, "publish": "1"})
    assert response.status_code == 422
    assert "看不懂：劳动节：5月8日或许上班吧" in response.content.decode()
    assert CalendarVersion.objects.count() == 1


def test_publishing_makes_a_version_by_the_person(page, county):
    response = publish(page, "calendars", {"code": "china", "text": NOTICE}, follow=True)
    assert "第 2 版" in response.content.decode()
    version = CalendarVersion.objects.latest_of("china")
    assert (version.version, version.published_by.username) == (2, "sysadmin")
    assert version.source == NOTICE.strip()
    assert version.fingerprint[:16] in response.content.decode()


def test_what_was_pasted_is_kept_beside_what_is_wrong_with_it(page):
    text = NOTICE.replace("5月8日（周六）上班", "5月8日或许上班吧")
    shown = page.post(reverse("calendars"), {"code": "china", "text": text}).content.decode()
    assert "第 9 行：看不懂" in shown
    assert "5月8日或许上班吧。\n五、" in shown.replace("\r\n", "\n")
