"""Looking again before anything goes out: is it still true, may this person still see the case, is it time?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifications.channels import Channel
from notifications.directory import Directory
from notifications.models import Notice, Preference
from notifications.registry import CATALOGUE, Told
from notifications.timing import goes_at
from workflows.calendars import WorkingCalendar
from workflows.models import CalendarVersion, Event
from workflows.published import calendar, policy


@dataclass
class Checked:
    """Claimed notices, by what becomes of them. void: reason code → notices; later: moment → notices."""

    good: list[Notice] = field(default_factory=list)
    void: dict[str, list[Notice]] = field(default_factory=lambda: defaultdict(list))
    later: dict[datetime, list[Notice]] = field(default_factory=lambda: defaultdict(list))


def check(notices: Sequence[Notice], channel: Channel, *, at: datetime) -> Checked:
    """Sort claimed notices of one channel, their event, case and user loaded."""
    checked = Checked()
    wishes = Preference.objects.of_all(notice.user for notice in notices)
    true, known = _still_true(notices), _known(notices)
    calendars = _Calendars()
    for notice in notices:
        wish = wishes[notice.user_id]
        if notice.pk not in true:
            checked.void["outdated"].append(notice)
        elif not notice.user.is_active or (notice.event_id, notice.user_id) not in known:
            checked.void["not visible"].append(notice)
        elif not channel.reaches(notice.user):
            checked.void["no address"].append(notice)
        elif not wish.wants(notice.channel, notice.urgency):
            checked.void["unwanted"].append(notice)
        elif (moment := goes_at(notice, wish, calendars.of(notice.event), at=at)) > at:
            checked.later[moment].append(notice)
        else:
            checked.good.append(notice)
    return checked


def still_needed(notices: Sequence[Notice]) -> set[int]:
    """Ids of those that are still true and whose reader may still know the case; event, case and user loaded."""
    known = _known(notices)
    knowing = [n for n in notices if n.user.is_active and (n.event_id, n.user_id) in known]
    return _still_true(knowing)


def _known(notices: Iterable[Notice]) -> set[tuple[int, int]]:
    """Event and user, where the user may see the case."""
    pairs = Directory().knowing((notice.event, notice.user) for notice in notices)
    return {(event.pk, user.pk) for event, user in pairs}


def _still_true(notices: Iterable[Notice]) -> set[int]:
    """Ids of those whose event still says so, and to that person. One statement a name of an event, at most two."""
    by_name: dict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        by_name[notice.event.name].append(notice)
    true: set[int] = set()
    for name, group in by_name.items():
        if name in CATALOGUE and isinstance(told := CATALOGUE[name], Told):
            true |= {notice.pk for notice in _of_one_name(told, group)}
    return true


def _of_one_name(told: Told, notices: Sequence[Notice]) -> list[Notice]:
    events = told.still_true(list({notice.event_id: notice.event for notice in notices}.values()))
    true = [notice for notice in notices if notice.event_id in events]
    if told.still_for is None or not true:
        return true
    asked = told.still_for([(notice.event, notice.user) for notice in true])
    return [notice for notice in true if (notice.event_id, notice.user_id) in asked]


class _Calendars:
    """The newest working calendar that a case's deadlines go by."""

    def __init__(self) -> None:
        self._newest: dict[str, WorkingCalendar] = {}

    def of(self, event: Event) -> WorkingCalendar:
        code = policy(event.case.policy_id).calendar
        if code not in self._newest:
            self._newest[code] = calendar(CalendarVersion.objects.latest_of(code).pk)
        return self._newest[code]
