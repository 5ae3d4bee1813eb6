"""What is remarked in a text is told its writer once: one more press, nothing lost, and whoever insists goes on."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories.events import Events
from tests.factories.world import PERSON, World
from tests.opinion.views.conftest import As
from workflows.models import Case

NAMED = f"您好，{PERSON.name}同志，积水已退，联系{PERSON.phone}。"
HIDDEN = re.compile(r'<input type="hidden" name="(token|rev|remarked)" value="([^"]+)">')
UNTOLD = "尚未提交"


def opened(client: Client, case: Case, name: str) -> dict[str, str]:
    return dict(HIDDEN.findall(client.get(reverse("action", args=[case.number, name])).content.decode()))


def sent(client: Client, case: Case, name: str, **said: Any) -> tuple[int, str, dict[str, str]]:
    """Status, page and its hidden fields."""
    answer = client.post(reverse("action", args=[case.number, name]), said)
    page = answer.content.decode()
    return answer.status_code, page, dict(HIDDEN.findall(page))


@pytest.mark.parametrize("source", ["lb", "12345"])
def test_a_public_draft_that_names_the_person_is_sent_with_a_second_press(
    county: World, earlier: datetime, as_: As, source: str
):
    case, client = county.walk("handling", earlier, source=source), as_(county.handler)
    said = {"text": NAMED, "result": "solved", "public": "on"}
    status, page, hidden = sent(client, case, "draft_reply", **opened(client, case, "draft_reply"), **said)
    assert (status, UNTOLD in page, "第 1 句有留言人姓名" in page) == (200, True, True)
    assert f"{NAMED}</textarea>" in page
    assert not case.replies.exists()
    assert sent(client, case, "draft_reply", **hidden, **said)[0] == 302
    assert case.replies.get().text == NAMED


def test_what_is_new_is_told_again_and_what_was_told_is_not(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier, source="lb"), as_(county.handler)
    said = {"text": NAMED, "result": "solved", "public": "on"}
    _, _, hidden = sent(client, case, "draft_reply", **opened(client, case, "draft_reply"), **said)
    more = {**said, "text": f"另查。{NAMED}车牌皖A12345。"}
    status, page, hidden = sent(client, case, "draft_reply", **hidden, **more)
    assert (status, "列有 1 处" in page) == (200, True)
    fewer = {**more, "text": f"经查，联系{PERSON.phone}。"}
    assert sent(client, case, "draft_reply", **hidden, **fewer)[0] == 302


def test_a_private_draft_may_greet_its_person(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    said = {"text": f"您好，{PERSON.name}，积水已退。", "result": "solved"}
    assert sent(client, case, "draft_reply", **opened(client, case, "draft_reply"), **said)[0] == 302


def test_a_draft_saved_for_later_asks_nothing(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier, source="lb"), as_(county.handler)
    said = {"text": NAMED, "result": ""}
    assert sent(client, case, "save_draft", **opened(client, case, "save_draft"), **said)[0] == 302
    # Opened again, the page tells it at once, so sending is one press.
    assert "remarked" in opened(client, case, "draft_reply")
    finished = {"text": NAMED, "result": "solved", "public": "on"}
    assert sent(client, case, "draft_reply", **opened(client, case, "draft_reply"), **finished)[0] == 302


@pytest.mark.parametrize("name", ["record_visit", "contact"])
def test_an_offline_record_with_a_name_and_a_phone_is_kept_with_a_second_press(
    county: World, earlier: datetime, as_: As, name: str
):
    state = {"record_visit": "handling", "contact": "accepted"}[name]
    case, client = county.walk(state, earlier), as_(county.handler)
    before = case.events.count()
    happened = f"{timezone.localtime():%Y-%m-%dT%H:%M}"
    said = {"action": "home", "happened_at": happened, "outcome": f"见到{PERSON.name}，{PERSON.phone}。"}
    status, page, hidden = sent(client, case, name, **opened(client, case, name), **said)
    assert (status, UNTOLD in page, "“情况记录”第 1 句有留言人电话" in page) == (200, True, True)
    assert case.events.count() == before
    assert sent(client, case, name, **hidden, **said)[0] == 302
    assert case.events.count() == before + 1


def test_people_called_by_name_in_a_statement_are_told_its_drafter_and_its_signers(
    county: World, earlier: datetime, as_: As
):
    events = Events(county)
    case = events.walk("verified", earlier)
    said = {"text": "经营者为王先生，家长李女士反映属实。"}
    client = as_(county.handler)
    hidden = opened(client, case, "draft_response")
    status, page, hidden = sent(client, case, "draft_response", **hidden, **said)
    assert (status, page.count("个人称谓") == 2, UNTOLD in page) == (200, True, True)
    assert sent(client, case, "draft_response", **hidden, **said)[0] == 302
    seat = county.seat(case, "response")
    assert seat is not None
    client = as_(seat.owner)
    page = client.get(reverse("action", args=[case.number, "sign_response"])).content.decode()
    assert (page.count("个人称谓") == 2, UNTOLD in page) == (True, False)
    hidden = dict(HIDDEN.findall(page))
    assert sent(client, case, "sign_response", **hidden, **said, remark="")[0] == 302


def test_whoever_may_not_make_the_move_is_refused_and_told_nothing(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier, source="lb"), as_(county.reviewer)
    said = {"text": NAMED, "result": "solved", "public": "on", "token": "t" * 22, "rev": case.rev}
    status, page, _ = sent(client, case, "draft_reply", **said)
    assert (status, UNTOLD in page, "第 1 句有" in page) == (403, False, False)
