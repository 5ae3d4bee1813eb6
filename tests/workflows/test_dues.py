"""When a clock runs out: limit, pauses, extensions."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_examples import beijing, calendars, china, limits, moments, pauses, utc
from workflows.dues import consumed, due_of, left_in_total

SOME = st.lists(st.sampled_from(["3wd", "1wd", "30d", "90min", "5h"]), max_size=3)


def test_an_extension_counts_from_the_deadline_as_it_stands():
    start = beijing("2026-11-24T09:30")
    assert due_of(china(), start, "5wd").at == beijing("2026-12-01T17:30")
    assert due_of(china(), start, "5wd", extended=["3wd"]).at == beijing("2026-12-04T17:30")
    assert due_of(china(), start, "5wd", extended=["3wd", "3wd"]).at == beijing("2026-12-09T17:30")


def test_a_pause_within_the_extension_moves_it():
    start = beijing("2026-11-24T09:30")
    stood = [(beijing("2026-12-02T10:00"), beijing("2026-12-03T10:00"))]
    assert due_of(china(), start, "5wd", paused=stood, extended=["3wd"]).at == beijing("2026-12-07T17:30")


def test_an_extension_into_an_unpublished_year_is_provisional():
    due = due_of(china(), beijing("2026-12-24T09:30"), "3wd", extended=["5wd"])
    assert due.provisional
    assert not due_of(china(), beijing("2026-12-24T09:30"), "3wd").provisional


@given(calendars, moments, limits, SOME, st.data())
def test_each_extension_moves_the_deadline_later(calendar, start, limit, extended, data):
    paused = data.draw(pauses(start))
    dues = [
        due_of(calendar, start, str(limit), paused=paused, extended=extended[:count]).at
        for count in range(len(extended) + 1)
    ]
    assert [utc(due) for due in dues] == sorted({utc(due) for due in dues})


@given(calendars, moments, limits, SOME, st.data())
def test_no_deadline_falls_into_a_pause(calendar, start, limit, extended, data):
    paused = data.draw(pauses(start))
    due = utc(due_of(calendar, start, str(limit), paused=paused, extended=extended).at)
    assert not any(begin < due < end for begin, end in paused)


def test_time_used_is_working_time_for_working_units():
    friday, monday = beijing("2026-11-27T16:30"), beijing("2026-11-30T09:30")
    assert consumed(china(), "5wd", friday, monday) == 2 * 3600
    assert consumed(china(), "48h", friday, monday) == 65 * 3600


def test_what_is_left_of_a_total():
    assert str(left_in_total(china(), "2wd", 7 * 3600)) == "420min"
    assert str(left_in_total(china(), "2wd", 7 * 3600 + 1)) == "419min"
    assert left_in_total(china(), "2wd", 14 * 3600) is None
    assert str(left_in_total(china(), "2d", 86400)) == "24h"
    assert left_in_total(china(), "2d", int(dt.timedelta(days=2).total_seconds())) is None
