"""What changed between two versions of a text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.differing import Part, differences

TEXTS = st.text(alphabet="积水已清理，。！\n您好a1 ", max_size=120)


def test_a_changed_word_is_shown_within_its_sentence():
    assert differences("您好。积水已清理。", "您好。积水已全部清理。") == [
        Part("same", "您好。积水已"),
        Part("added", "全部"),
        Part("same", "清理。"),
    ]


def test_a_sentence_put_otherwise_is_not_torn_to_shreds():
    assert differences("请物业处理。谢谢。", "已于今日完成抢修。谢谢。") == [
        Part("removed", "请物业处理。"),
        Part("added", "已于今日完成抢修。"),
        Part("same", "谢谢。"),
    ]


def test_a_new_sentence_stands_alone():
    assert differences("一。二。", "一。新的一句。二。") == [
        Part("same", "一。"),
        Part("added", "新的一句。"),
        Part("same", "二。"),
    ]


def test_a_changed_sentence_is_found_beside_long_new_ones():
    new = "维修资金使用情况已在小区公告栏公开，公示期七天，公示期满后长期存档备查。"
    assert differences("门禁已更换。谢谢。", f"{new}门禁已于昨日更换。谢谢。") == [
        Part("added", new),
        Part("same", "门禁已"),
        Part("added", "于昨日"),
        Part("same", "更换。谢谢。"),
    ]


def test_equal_texts_and_empty_ones():
    assert differences("一样。", "一样。") == [Part("same", "一样。")]
    assert differences("", "") == []
    assert differences("", "新") == [Part("added", "新")]


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_the_parts(before, after):
    parts = differences(before, after)
    assert "".join(part.text for part in parts if part.what != "added") == before
    assert "".join(part.text for part in parts if part.what != "removed") == after


@pytest.mark.once
@pytest.mark.parametrize("piece", ["水", "。", "水。", "甲乙", "\n"])
def test_no_pair_of_texts_makes_it_slow(piece):
    text = piece * (10000 // len(piece))
    begun = time.monotonic()
    differences(text, f"另{text[::-1]}{text[:3000]}起")
    assert time.monotonic() - begun < 3
