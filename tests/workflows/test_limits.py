"""Limits read and write the same text, and say what is wrong with any other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.limits import Limit, LimitError, LimitUnit

WHOLE_UNITS = [LimitUnit.WORKING_MINUTE, LimitUnit.DAY]
PART_UNITS = [LimitUnit.WORKING_DAY, LimitUnit.HOUR]

whole = st.builds(Limit, st.integers(1, 999_999).map(Decimal), st.sampled_from(WHOLE_UNITS))
part = st.builds(
    Limit,
    st.decimals(Decimal("0.0001"), Decimal(999_999), places=4, allow_nan=False),
    st.sampled_from(PART_UNITS),
)


@given(whole | part)
def test_limit_survives_its_own_text(limit):
    assert Limit.parse(str(limit)) == limit
    assert hash(Limit.parse(str(limit))) == hash(limit)


@pytest.mark.parametrize(
    ("text", "amount", "unit", "label"),
    [
        ("15wd", "15", LimitUnit.WORKING_DAY, "15个工作日"),
        ("0.5wd", "0.5", LimitUnit.WORKING_DAY, "0.5个工作日"),
        ("30min", "30", LimitUnit.WORKING_MINUTE, "30工作分钟"),
        ("48h", "48", LimitUnit.HOUR, "48小时"),
        ("60d", "60", LimitUnit.DAY, "60个自然日"),
        (" 10.0wd ", "10", LimitUnit.WORKING_DAY, "10个工作日"),
        ("100h", "100", LimitUnit.HOUR, "100小时"),
    ],
)
def test_limit_parses(text, amount, unit, label):
    limit = Limit.parse(text)
    assert limit == Limit(Decimal(amount), unit)
    assert limit.label == label


@pytest.mark.parametrize(
    ("text", "days"), [("15wd", 15), ("2.0wd", 2), ("0.5wd", 0), ("1.5wd", 0), ("60d", 0)]
)
def test_whole_days_counts_whole_working_days_only(text, days):
    assert Limit.parse(text).whole_days == days


@pytest.mark.parametrize("amount", [Decimal("15.0"), Decimal("1.5E+1"), Decimal(15)])
def test_limit_text_has_no_exponent_or_trailing_zeros(amount):
    assert str(Limit(amount, LimitUnit.WORKING_DAY)) == "15wd"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "wd",
        "15 wd",
        "-1wd",
        "0wd",
        "0.0h",
        "1.5min",
        "0.5d",
        "1e3d",
        "9999999d",
        "1.23456h",
        "\uff11\uff15wd",
        "15days",
    ],
)
def test_bad_limit_is_refused_with_its_text_and_the_accepted_forms(text):
    with pytest.raises(LimitError) as caught:
        Limit.parse(text)
    assert f"“{text}”" in str(caught.value)
    assert "15wd（工作日）" in str(caught.value)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-3", "0", "1000000", "0.00001"])
def test_limit_refuses_an_amount_no_rule_can_mean(amount):
    with pytest.raises(LimitError):
        Limit(Decimal(amount), LimitUnit.HOUR)
