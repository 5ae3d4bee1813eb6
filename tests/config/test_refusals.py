"""What the log says of requests that are refused or lead nowhere."""

import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db: None) -> World:
    return make_world()


@pytest.fixture
def handler(county: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(county.handler)
    return client


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [record for record in caplog.records if record.name == "django.request"]
    assert [record.exc_info for record in found if record.levelno == logging.INFO] == [None] * len(found)
    return [(record.levelname, record.getMessage()) for record in found]


def test_a_refusal_is_one_line_without_traceback(
    county: World, handler: Client, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        assert handler.get(reverse("policies") + "?q=何晓枫").status_code == 403
    assert lines(caplog) == [("INFO", f"403 {reverse('policies')}，用户 {county.handler.pk}：没有权限")]
    assert ("Traceback" in caplog.text, "何晓枫" in caplog.text) == (False, False)


def test_a_missing_page_is_one_line(county: World, handler: Client, caplog: pytest.LogCaptureFixture):
    where = reverse("case", args=["LY2026-999999"])
    with caplog.at_level(logging.INFO):
        assert handler.get(where).status_code == 404
        assert Client().get("/nowhere%0AERROR all/").status_code in {302, 404}
    assert lines(caplog)[0] == (
        "INFO", f"404 {where}，用户 {county.handler.pk}：没有这个页面，或此人不可知悉",
    )  # fmt: skip
    assert [line for line in caplog.text.splitlines() if line.startswith("ERROR all")] == []


def test_a_malformed_address_is_one_line(county: World, handler: Client, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        assert handler.get("/cases/%00/").status_code == 400
    assert lines(caplog) == [("INFO", "400 /cases/%00/，用户 未登录：地址中有空字符")]


def _refuse(request: object) -> HttpResponse:
    raise PermissionDenied("只有系统管理员\n可以")


def _break(request: object) -> HttpResponse:
    raise RuntimeError("坏了")


urlpatterns = [path("refuse/", _refuse), path("break/", _break), path("", include("config.urls"))]


@pytest.mark.urls("tests.config.test_refusals")
def test_the_reason_given_is_told_in_one_line(handler: Client, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        handler.get("/refuse/")
    ((_, message),) = [line for line in lines(caplog) if "refuse" in line[1]]
    assert message.endswith("：只有系统管理员 可以")


@pytest.mark.urls("tests.config.test_refusals")
def test_what_is_broken_keeps_its_traceback(handler: Client, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        handler.get("/break/")
    assert ("ERROR" in caplog.text, "RuntimeError: 坏了" in caplog.text) == (True, True)
