"""When a notice may go. Local times of November and October 2026; the seventh of October closes the long holiday."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from notifications.models import Notice, Preference
from notifications.registry import Urgency
from notifications.timing import goes_at
from tests.architecture.project_files import ROOT
from workflows.calendars import WorkingCalendar, compile_calendar, load_calendar
from workflows.models import User

SHANGHAI = ZoneInfo("Asia/Shanghai")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def china() -> WorkingCalendar:
    """As shipped; compiled once, for it takes longer than all of these tests."""
    return compile_calendar(load_calendar(ROOT / "workflows" / "data" / "calendars" / "china.yaml"))


@pytest.fixture
def goes(china):
    def ask(now: str, *, urgency: Urgency = Urgency.PROMPT, created: str = "", **wishes: object) -> str:
        wish = Preference(user=User(username="x"), **wishes)
        notice = Notice(urgency=urgency, created_at=_moment(created or now))
        return f"{goes_at(notice, wish, china, at=_moment(now)).astimezone(SHANGHAI):%m-%d %H:%M}"

    return ask


NO_QUIET = {"quiet_from": time(0), "quiet_until": time(0)}


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("11-24 09:30", "11-24 09:30"),
        ("11-24 20:59", "11-24 20:59"),
        ("11-24 21:00", "11-25 08:00"),
        ("11-24 23:59", "11-25 08:00"),
        ("11-25 00:00", "11-25 08:00"),
        ("11-25 07:59", "11-25 08:00"),
        ("11-25 08:00", "11-25 08:00"),
        # Friday night goes to Monday morning, and so does Sunday noon.
        ("11-27 22:00", "11-30 08:00"),
        ("11-29 12:00", "11-30 08:00"),
        # The long holiday of October; the tenth is a Saturday that is worked.
        ("10-01 10:00", "10-08 08:00"),
        ("10-10 10:00", "10-10 10:00"),
    ],
)
def test_prompt_notice_waits_for_quiet_hours_and_days_off(goes, now, then):
    assert goes(now) == then


def test_quiet_hours_inside_a_day(goes):
    noon = {"quiet_from": time(12), "quiet_until": time(14)}
    assert goes("11-24 12:00", **noon) == "11-24 14:00"
    assert goes("11-24 11:59", **noon) == "11-24 11:59"
    assert goes("11-24 23:00", **noon) == "11-24 23:00"
    assert goes("11-28 23:00", **noon) == "11-30 00:00"


def test_equal_ends_mean_no_quiet_hours(goes):
    assert goes("11-24 23:00", **NO_QUIET) == "11-24 23:00"


def test_days_off_count_only_where_asked_for(goes):
    assert goes("11-28 12:00", rests_on_days_off=False) == "11-28 12:00"


def test_urgent_notice_waits_for_nothing(goes):
    assert goes("11-28 23:00", urgency=Urgency.URGENT) == "11-28 23:00"


def test_routine_notice_is_gathered(goes):
    routine = Urgency.ROUTINE
    assert goes("11-24 09:30", urgency=routine) == "11-24 10:00"
    assert goes("11-24 10:00", urgency=routine, created="11-24 09:30") == "11-24 10:00"
    assert goes("11-24 20:30", urgency=routine) == "11-25 08:00"
    assert goes("11-24 09:30", urgency=routine, digest="daily") == "11-25 08:00"
    assert goes("11-24 07:30", urgency=routine, digest="daily") == "11-24 08:00"
    assert goes("11-24 07:30", urgency=routine, digest="daily", **NO_QUIET) == "11-24 08:30"
    assert goes("11-24 09:30", urgency=routine, digest="immediate") == "11-24 09:30"
    assert goes("11-24 09:30", urgency=Urgency.PROMPT, digest="daily") == "11-24 09:30"


def test_beyond_the_calendar_a_notice_goes_rather_than_waits_for_ever(china):
    late = datetime(china.last.year + 1, 3, 2, 12, tzinfo=SHANGHAI)
    notice = Notice(urgency=Urgency.PROMPT, created_at=late)
    assert goes_at(notice, Preference(user=User(username="x")), china, at=late) == late
