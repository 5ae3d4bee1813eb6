"""Due moments against a slow loop over days, and the laws they must keep."""

import datetime as dt
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.workflows.calendar_examples import (
    calendars,
    days,
    hour_limits,
    last_close,
    limits,
    minute_limits,
    moments,
    pauses,
    slow_next_working_day,
    slow_segments,
    slow_spend,
    slow_worked,
    spec_spans,
    utc,
    without,
    working_day_limits,
)
from workflows.calendars import Due
from workflows.limits import Limit, LimitUnit

ONE_DAY = dt.timedelta(days=1)
MICROSECOND = dt.timedelta(microseconds=1)
A_YEAR = dt.timedelta(days=366)

# Against the slow loop


@given(calendars, moments, st.integers(1, 40))
def test_working_days_end_at_close_of_the_nth_working_day(calendar, start, count):
    day = start.astimezone(calendar.zone).date()
    for _ in range(count):
        day = slow_next_working_day(calendar, day + ONE_DAY)
    found = calendar.due(start, Limit(Decimal(count), LimitUnit.WORKING_DAY))
    assert found.at == last_close(calendar, day)
    assert found.at.tzinfo is calendar.zone


@given(calendars, moments, st.integers(1, 60))
def test_natural_days_roll_to_a_working_day(calendar, start, count):
    last = start.astimezone(calendar.zone).date() + count * ONE_DAY
    found = calendar.due(start, Limit(Decimal(count), LimitUnit.DAY))
    assert found.at == last_close(calendar, slow_next_working_day(calendar, last))


@given(calendars, moments, minute_limits, st.data())
def test_minutes_are_spent_in_working_time_outside_pauses(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    spans = [
        (max(begin, start), end)
        for begin, end in spec_spans(calendar.spec, start, start + 2 * A_YEAR)
        if end > start
    ]
    expected = slow_spend(without(spans, paused), dt.timedelta(minutes=int(limit.amount)))
    assert utc(calendar.due(start, limit, paused=paused).at) == expected


@given(calendars, moments, hour_limits, st.data())
def test_hours_run_day_and_night_outside_pauses(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    begin = start.astimezone(dt.UTC)
    expected = slow_spend(without([(begin, begin + A_YEAR)], paused), dt.timedelta(hours=int(limit.amount)))
    assert calendar.due(start, limit, paused=paused) == Due(
        expected.astimezone(calendar.zone), provisional=False
    )


@given(calendars, moments, st.integers(0, 40 * 1440))
def test_worked_is_the_sum_over_days(calendar, start, minutes):
    end = start.astimezone(dt.UTC) + dt.timedelta(minutes=minutes)
    assert calendar.worked(start, end) == slow_worked(calendar.spec, start, end)


@given(calendars, days, days)
def test_working_days_between_counts_the_last_day_not_the_first(calendar, a, b):
    a, b = min(a, b), min(max(a, b), min(a, b) + 400 * ONE_DAY)
    expected = sum(bool(slow_segments(calendar.spec, a + n * ONE_DAY)) for n in range(1, (b - a).days + 1))
    assert calendar.working_days(a, b) == expected
    assert calendar.working_days(b, a) == -expected


# Laws


@given(calendars, moments, moments, moments)
def test_worked_is_additive_and_never_negative_forwards(calendar, a, b, c):
    assert calendar.worked(a, b) + calendar.worked(b, c) == calendar.worked(a, c)
    assert calendar.worked(a, b) == -calendar.worked(b, a)
    assert calendar.worked(min(a, b, key=utc), max(a, b, key=utc)) >= dt.timedelta(0)


@given(calendars, moments, moments, limits)
def test_a_later_start_is_never_due_earlier(calendar, a, b, limit):
    earlier, later = sorted((a, b), key=utc)
    assert utc(calendar.due(earlier, limit).at) <= utc(calendar.due(later, limit).at)


@given(calendars, moments, limits)
def test_due_is_after_the_start_and_the_same_from_any_zone(calendar, start, limit):
    found = calendar.due(start, limit)
    assert utc(found.at) > utc(start)
    assert calendar.due(start.astimezone(dt.UTC), limit) == found
    assert calendar.due(start.astimezone(calendar.zone), limit) == found


@given(calendars, moments, minute_limits)
def test_minutes_are_due_at_the_first_moment_they_are_used_up(calendar, start, limit):
    found = calendar.due(start, limit).at
    whole = dt.timedelta(minutes=int(limit.amount))
    assert calendar.worked(start, found) == whole
    assert calendar.worked(start, utc(found) - MICROSECOND) == whole - MICROSECOND


@given(calendars, days, st.integers(1, 60))
def test_adding_and_subtracting_working_days_are_inverse(calendar, day, count):
    later = calendar.add_working_days(day, count)
    assert calendar.working_days(day, later) == count
    assert calendar.add_working_days(calendar.add_working_days(later, -count), count) == later
    assert calendar.add_working_days(day, 0) == day


@given(calendars, moments, limits, st.data())
def test_pauses_never_make_it_due_earlier_nor_inside_a_pause(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    found = utc(calendar.due(start, limit, paused=paused).at)
    fewer = utc(calendar.due(start, limit, paused=paused[1:]).at)
    none = utc(calendar.due(start, limit).at)
    assert found >= fewer >= none
    assert [span for span in paused if span[0] < found <= span[1] and span[1] > utc(start)] == []


@given(calendars, moments, working_day_limits, st.data())
def test_a_pause_shifts_working_days_by_the_working_days_in_it(calendar, start, limit, data):
    paused = data.draw(pauses(start).filter(lambda spans: len(spans) == 1))
    begin, end = paused[0]
    plain = calendar.due(start, limit)
    first, last = begin.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    assume(begin >= utc(start) and first < plain.at.date() - ONE_DAY)
    expected = calendar.add_working_days((plain.at - MICROSECOND).date(), calendar.working_days(first, last))
    assert calendar.due(start, limit, paused=paused).at == last_close(calendar, expected)


@given(calendars, moments, limits)
def test_provisional_exactly_when_an_unpublished_day_decides(calendar, start, limit):
    found = calendar.due(start, limit)
    first, last = start.astimezone(calendar.zone).date(), found.at.date()
    if limit.unit is LimitUnit.DAY:
        first += int(limit.amount) * ONE_DAY
    if limit.whole_days or limit.unit is LimitUnit.DAY:
        last = (found.at - MICROSECOND).date()
    outside = not (calendar.is_published(first) and calendar.is_published(last))
    assert found.provisional == (outside and limit.unit is not LimitUnit.HOUR)
