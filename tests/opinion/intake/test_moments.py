from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.intake.moments import (
    CHINA,
    IMPLAUSIBLE_YEAR,
    IMPOSSIBLE,
    NOT_A_DATE,
    Moment,
    NotAMoment,
    read_moment,
    read_usual,
)
from tests.opinion.intake.files import wide


def local(year, month, day, hour=0, minute=0, second=0):
    return datetime(year, month, day, hour, minute, second, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2019/2/8 1:25:05", local(2019, 2, 8, 1, 25, 5)),
        ("2019-02-28 11:25:05", local(2019, 2, 28, 11, 25, 5)),
        ("2019-02-28T11:25:05", local(2019, 2, 28, 11, 25, 5)),
        ("2019.2.28 11:25", local(2019, 2, 28, 11, 25)),
        ("2019年2月28日 9:05", local(2019, 2, 28, 9, 5)),
        ("2019年2月28日9时5分30秒", local(2019, 2, 28, 9, 5, 30)),
        ("2019年2月28日 星期四 下午3点", local(2019, 2, 28, 15)),
        ("2019/2/28 下午 3:05:00", local(2019, 2, 28, 15, 5)),
        ("2019/2/28 12:05 AM", local(2019, 2, 28, 0, 5)),
        (wide("2019/2/28 11:25"), local(2019, 2, 28, 11, 25)),
        ("2019-02-28 11:25:05.123", local(2019, 2, 28, 11, 25, 5)),
        ("2019-02-28T03:25:05Z", local(2019, 2, 28, 11, 25, 5)),
        ("2019-02-28T11:25:05+08:00", local(2019, 2, 28, 11, 25, 5)),
        ("2019-02-27 22:25:05 -0500", local(2019, 2, 28, 11, 25, 5)),
        ("2019/2/28 24:00:00", local(2019, 3, 1)),
        ("20190228112505", local(2019, 2, 28, 11, 25, 5)),
        ("201902281125", local(2019, 2, 28, 11, 25)),
        ("1551324305", local(2019, 2, 28, 11, 25, 5)),
        ("1551324305123", local(2019, 2, 28, 11, 25, 5)),
        ("43524.475752314815", local(2019, 2, 28, 11, 25, 5)),
    ],
)
def test_moment_is_understood(written, at):
    moment = read_moment(written)
    assert moment == Moment(at, date_only=False)
    assert moment.at.tzinfo is CHINA


@pytest.mark.parametrize(
    "written", ["2019-02-28", "2019/2/28", "2019年2月28日", "2019年2月28号", "20190228", "43524"]
)
def test_day_without_a_time_says_so(written):
    assert read_moment(written) == Moment(local(2019, 2, 28), date_only=True)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2019/2/30 11:25:05", IMPOSSIBLE),
        ("2019-13-01", IMPOSSIBLE),
        ("2019-02-28 25:00", IMPOSSIBLE),
        ("2019-02-28 24:00:01", IMPOSSIBLE),
        ("2019-02-28 11:60", IMPOSSIBLE),
        ("20190230", IMPOSSIBLE),
        ("1019/2/3 11:25:05", IMPLAUSIBLE_YEAR),
        ("9999-12-31", IMPLAUSIBLE_YEAR),
        ("9999-12-31 24:00:00", IMPOSSIBLE),
        ("昨天", NOT_A_DATE),
        ("2019-02-28 +08:00", NOT_A_DATE),
        ("19-2-28", NOT_A_DATE),
        ("12", NOT_A_DATE),
        ("²⁰¹⁹", NOT_A_DATE),
        ("٢٠١٩", NOT_A_DATE),
    ],
)
def test_moment_that_cannot_be_is_refused_with_its_reason(written, reason):
    with pytest.raises(NotAMoment, match=f"^{reason}$"):
        read_moment(written)


def test_naive_times_belong_to_the_given_zone():
    urumqi = ZoneInfo("Asia/Urumqi")
    assert read_moment("2019/2/28 11:25:05", urumqi).at == datetime(2019, 2, 28, 5, 25, 5, tzinfo=UTC)


def test_date_cells_are_local_and_aware_ones_converted():
    naive = datetime(2019, 2, 28, 11, 25, 5)  # noqa: DTZ001 -- as a workbook gives it
    assert read_moment(naive) == Moment(local(2019, 2, 28, 11, 25, 5), date_only=False)
    assert read_moment(naive.replace(hour=0, minute=0, second=0)).date_only
    assert read_moment(datetime(2019, 2, 28, 3, 25, 5, tzinfo=UTC)).at == local(2019, 2, 28, 11, 25, 5)


@given(st.datetimes(min_value=datetime(1949, 1, 1), max_value=datetime(2100, 12, 31)))  # noqa: DTZ001
def test_usual_and_general_reading_agree(naive):
    naive = naive.replace(microsecond=0)
    text = f"{naive.year}/{naive.month}/{naive.day} {naive:%H:%M:%S}"
    assert read_usual(text, CHINA) == read_moment(text).at == naive.replace(tzinfo=CHINA)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_not(text):
    try:
        assert read_moment(text).at.tzinfo is not None
    except NotAMoment as error:
        assert str(error) in {NOT_A_DATE, IMPOSSIBLE, IMPLAUSIBLE_YEAR}  # noqa: PT017 -- both outcomes are right
