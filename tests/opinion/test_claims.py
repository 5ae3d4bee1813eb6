"""Claims of a message: listed item by item, numbers that stay, wordings that are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opinion.claims import standing
from opinion.forms import form_for
from opinion.models import Claim
from tests.factories.world import World
from workflows.errors import MayNot
from workflows.models import Case

MINUTE = timedelta(minutes=1)


def listed(case: Case) -> dict[int, str]:
    return {claim.number: claim.text for claim in standing(case)}


def typed(county: World, case: Case, text: str) -> dict[str, list[str]]:
    form = form_for("list_claims", {"claims": text}, case=case, user=county.clerk, at=case.opened_at)
    return {name: [str(each) for each in found] for name, found in form.errors.items()}


def test_claims_are_numbered_as_listed(county: World, at: datetime):
    case = county.walk("registered", at)
    event = county.do(case, "list_claims", at=at + MINUTE, claims=["清理积水", "修复水管"])
    assert listed(case) == {1: "清理积水", 2: "修复水管"}
    assert event.data["claims"] == {str(claim.number): claim.digest for claim in standing(case)}
    assert {claim.seq for claim in standing(case)} == {event.seq}


def test_number_stays_with_a_reworded_claim_and_is_not_given_again(county: World, at: datetime):
    case = county.walk("registered", at)
    county.do(case, "list_claims", at=at + MINUTE, claims=["清理积水", "修复水管", "赔偿损失"])
    county.do(case, "list_claims", at=at + 2 * MINUTE, claims=["今日内清理积水", "修复水管"])
    assert listed(case) == {1: "今日内清理积水", 2: "修复水管"}
    event = county.do(case, "list_claims", at=at + 3 * MINUTE, claims=["今日内清理积水", "修复水管", "道歉"])
    assert listed(case) == {1: "今日内清理积水", 2: "修复水管", 4: "道歉"}
    assert list(event.data["claims"]) == ["4"]
    assert Claim.objects.filter(case=case).count() == 5


def test_text_of_a_claim_is_not_in_the_log(county: World, at: datetime):
    case = county.walk("handling", at)
    event = county.do(case, "list_claims", at=at + 9 * MINUTE, by=county.handler)
    assert "积水" not in str(event.data)


def test_unit_that_does_not_handle_the_case_lists_nothing(county: World, at: datetime):
    case = county.walk("handling", at)
    with pytest.raises(MayNot):
        county.do(case, "list_claims", at=at + 9 * MINUTE, by=county.other_handler)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("\n".join(f"第{n}项" for n in range(21)), "“诉求”至多 20 项，现有 21 项，请合并相近的"),
        ("清理\n" + "长" * 301, "“诉求”第 2 行有 301 字，每项不超过 300 字，请分行或删减"),
        ("清理\n联系13800005678", "“诉求”第 2 行里有电话、证件号码或邮箱，请删去"),
        ("清理\n\n 清理 ", "“诉求”第 2 行与前面重复，请删去"),
        (" \n ", "请填写“诉求”"),
    ],
)
def test_list_that_cannot_be_kept_names_its_line(county: World, at: datetime, text: str, error: str):
    assert typed(county, county.walk("registered", at), text) == {"claims": [error]}


def test_unchanged_list_is_not_an_event(county: World, at: datetime):
    case = county.walk("registered", at)
    county.do(case, "list_claims", at=at + MINUTE, claims=["清理积水"])
    assert typed(county, case, "清理积水\n") == {"claims": ["“诉求”没有变化，不必提交"]}
