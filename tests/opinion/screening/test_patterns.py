"""What looks like somebody's number, plate, address or name, and what does not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.screening.folding import Reading
from opinion.screening.patterns import bank_card, found_by_pattern, identity_number


def codes(text, own_number="LY2026-000001"):
    return sorted({each.code for each in found_by_pattern(Reading(text), own_number=own_number)})


def wide(text):
    """Full width, as some input methods leave it."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请拨打13800005678联系", ["mobile"]),
        ("请拨打138 0000 5678", ["mobile"]),
        ("请拨打" + wide("138-0000-5678"), ["mobile"]),
        ("电话一三八零零零零五六七八", ["mobile"]),
        ("电话幺三八〇〇〇〇五六七八", ["mobile"]),
        ("+86 13800005678", ["mobile"]),
        ("日期2026-11-24 13800005678", ["mobile"]),
        ("1\u200b3800005678", ["mobile"]),
        ("身份证11010519491231002X", ["identity_number"]),
        ("身份证 110105 19491231 002x", ["identity_number"]),
        ("卡号6222 0212 3456 7890 128", ["bank_card"]),
        ("卡号4111 1111 1111 1111", ["bank_card"]),
        ("车牌云A12345", ["plate"]),
        ("车牌云a·12345", ["plate"]),
        ("新能源车京AD12345", ["plate"]),
        ("邮箱he@example.org", ["email"]),
        (wide("he@example.org"), ["email"]),
        ("与LY2026-000002一并处理", ["other_case"]),
        ("尊敬的王女士", ["named_person"]),
        ("欧阳先生来电", ["named_person"]),
        ("联系人：张三", ["named_person"]),
    ],
)
def test_what_looks_like_a_persons_is_found(text, found):
    assert codes(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "您反映的LY2026-000001号事项已办结。",
        "请拨打0350-1234567或12345咨询。",
        "2026年11月24日10时30分完成，长1380000米，共20261124元。",
        "11010519491231002Y",
        "110105194912310021",
        "尊敬的女士、先生：",
        "联系人：王某某",
        "统一社会信用代码91110105MA00ABCD12",
        "桂花路3号、5号、7号，12345、67890。",
    ],
)
def test_what_does_not_is_left_alone(text):
    assert codes(text) == []


def test_check_digits_decide():
    assert identity_number("11010519491231002X")
    assert not identity_number("110105194912310020")
    assert not identity_number("11010519491331002X")
    assert bank_card("4111111111111111")
    assert not bank_card("4111111111111112")
    assert not bank_card("4444444444444444")


def test_a_finding_says_where_and_shows_it_masked():
    (found,) = found_by_pattern(Reading("您好。请拨打13800005678。"), own_number="")
    assert str(found) == "第 2 句有手机号码（138****5678），请删去，或改为单位办公电话"


@given(st.text(max_size=300))
def test_any_text_can_be_looked_through(text):
    for each in found_by_pattern(Reading(text), own_number="x"):
        assert each.sentence >= 1
        assert each.shown


@pytest.mark.once
@pytest.mark.parametrize(
    "piece", ["1", "1-", "a", "a@", "a.", "京a", "张", "姓名：张", "ly2026-", "x1", "。", "零 "]
)
def test_no_text_makes_it_slow(piece):
    """Ten thousand characters of what nearly fits; a pattern that backtracks would take minutes."""
    begun = time.monotonic()
    list(found_by_pattern(Reading(piece * (10000 // len(piece))), own_number=""))
    assert time.monotonic() - begun < 2
