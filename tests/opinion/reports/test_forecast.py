"""What is foreseen is what then happens, and looking ahead writes nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.models import Notice
from opinion.reports.forecast import Line, clocks_of, lines_of
from tests.factories.world import World
from workflows.forecasting import clocks_until
from workflows.models import Case, Clock, Event, Membership
from workflows.relay import relay
from workflows.sweeper import next_due, sweep

Tellings = list[tuple[datetime, str, frozenset[str]]]


def told(lines: list[Line]) -> Tellings:
    """Moment, case and everybody told then: two clocks of a case may come to a rung at one moment."""
    people: dict[tuple[datetime, str], set[str]] = defaultdict(set)
    for line in lines:
        if not line.silent:
            people[line.at, line.case.number] |= {p.name for group in line.groups for p in group.people}
    return ordered(people)


def ordered(people: dict[tuple[datetime, str], set[str]]) -> Tellings:
    return sorted((moment, number, frozenset(users)) for (moment, number), users in people.items())


def happen(after: datetime, until: datetime) -> Tellings:
    """Let the time pass, as a ticker would, and say who was told when of the clocks there are now."""
    known = set(Clock.objects.going().values_list("case_id", "kind", "cycle"))
    people: dict[tuple[datetime, str], set[str]] = defaultdict(set)
    at = after
    while (due := next_due(after=at)) is not None and due <= until:
        at = due
        last = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        sweep(at=at)
        relay(at=at)
        for notice in Notice.objects.filter(event__gt=last, channel="inbox").select_related("user", "event"):
            event = notice.event
            clock = event.case_id, event.data.get("clock"), event.data.get("cycle")
            if event.name.startswith("clock.") and clock in known:
                people[at, notice.case_number].add(str(notice.user))
    return ordered(people)


def test_what_is_foreseen_happens(county: World, at: datetime) -> None:
    cases = [county.register(at), county.walk("handling", at), county.walk("drafted", at)]
    until = at + timedelta(days=20)
    Event.objects.update(relayed_at=at)
    began = at + timedelta(hours=1)
    lines = lines_of(list(clocks_until(until)), at=began, until=until)
    assert {line.case.number for line in lines} == {case.number for case in cases}
    foreseen = told(lines)
    assert len(foreseen) > 10
    assert foreseen == happen(began, until)


def test_looking_ahead_writes_nothing_and_says_whom(county: World, at: datetime) -> None:
    case = county.walk("handling", at)
    before = list(Clock.objects.order_by("pk").values()), list(Case.objects.order_by("pk").values())
    events = Event.objects.count()
    out = StringIO()
    call_command(
        "sweep", "--dry-run", at=at.isoformat(), until=(at + timedelta(days=20)).isoformat(), stdout=out
    )
    assert (list(Clock.objects.order_by("pk").values()), list(Case.objects.order_by("pk").values())) == before
    assert Event.objects.count() == events
    line = next(row for row in out.getvalue().splitlines() if "经办人：" in row)
    assert case.number in line
    assert str(county.handler) in line


def test_dry_run_at_a_moment_says_what_the_sweep_would_do_then(county: World, at: datetime) -> None:
    case = county.register(at)
    due_at = case.clocks.get(kind="assign").due_at
    out = StringIO()
    call_command("sweep", "--dry-run", at=due_at.isoformat(), stdout=out)
    # Whatever lies below the highest rung reached is passed over, as after downtime.
    assert [row for row in out.getvalue().splitlines() if case.number in row and "派" in row]
    assert sweep(at=due_at).missed == 1


def test_every_role_of_a_rung_is_named_with_everybody_it_tells(county: World, at: datetime) -> None:
    """A rung that tells five offices names five, each with its people, and says where one is held by nobody."""
    case = county.walk("handling", at)
    clock = case.clocks.get(kind="resolve")
    until = clock.due_at + timedelta(hours=1)
    Membership.objects.filter(role="dispatcher").delete()
    lines = lines_of(list(clocks_until(until).filter(pk=clock.pk)), at=at, until=until)
    rungs = {line.what: line for line in lines if not line.silent}
    told = {group.label: [person.name for person in group.people] for group in rungs["逾期催办"].groups}
    assert told == {
        "经办人": [str(county.handler)], "责任单位负责人": [str(county.head)], "责任单位分管负责人": [str(county.deputy_head)],
        "派单员": [], "督办员": [str(county.supervisor)],
    }  # fmt: skip
    assert {label: [g.label for g in line.groups] for label, line in rungs.items()} == {
        "过半提醒": ["经办人"], "临期预警": ["经办人", "责任单位分管负责人"], "逾期催办": list(told),
    }  # fmt: skip
    page = browser(county.supervisor).get(f"/cases/{case.number}/forecast/").content.decode()
    out = StringIO()
    call_command("sweep", "--dry-run", at=at.isoformat(), until=until.isoformat(), stdout=out)
    row = next(row for row in out.getvalue().splitlines() if "办结  逾期催办" in row)
    for label, people in told.items():
        assert f"{label}：{people[0] if people else '无人'}" in row
        assert f"{label}：" in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"until": "2026-11-25"}, "只能与 --dry-run 一起用"),
        ({"dry_run": True, "at": "2026-11-25", "until": "2026-11-24"}, "--until 早于 --at"),
    ],
)
def test_senseless_span_is_refused(db: None, options: dict[str, object], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("sweep", **options)


def test_office_nobody_holds_is_stood_in_for_and_said_so(county: World, at: datetime) -> None:
    case = county.walk("handling", at)
    until = at + timedelta(days=20)

    def people(role: str) -> set[tuple[str, bool]]:
        lines = lines_of(list(clocks_until(until).filter(case=case)), at=at, until=until)
        named = [group for line in lines for group in line.groups if group.label == "责任单位负责人"]
        return {(person.name, person.stands_in) for group in named for person in group.people}

    assert people("unit_head") == {(str(county.head), False)}
    Membership.objects.filter(user=county.head, role="unit_head").delete()
    assert people("unit_head") == {(str(county.deputy_head), True)}


def test_nobody_to_tell_is_an_alarm(county: World, at: datetime) -> None:
    case = county.walk("handling", at)
    Membership.objects.exclude(user__in=[county.supervisor, county.clerk]).delete()
    Membership.objects.filter(user=county.supervisor).delete()
    until = at + timedelta(days=20)
    lines = lines_of(list(clocks_until(until).filter(case=case)), at=at, until=until)
    assert lines
    assert all(line.nobody for line in lines if not line.silent)


def test_statements_do_not_grow_with_the_clocks(county: World, at: datetime) -> None:
    until = at + timedelta(days=20)

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert lines_of(list(clocks_until(until)), at=at, until=until)
        return len(seen)

    county.walk("handling", at)
    statements()
    few = statements()
    for number in range(5):
        county.walk("handling", at + timedelta(seconds=number + 1))
    assert statements() == few


def test_pages_show_what_a_person_may_see(county: World, at: datetime) -> None:
    shown = county.walk("handling", at)
    hidden = county.walk("handling", at, restricted=True)
    far = at + timedelta(days=3650)
    assert {clock.case_id for clock in clocks_of(county.supervisor, until=far)} == {shown.pk}
    assert clocks_of(county.supervisor, until=far, unit=county.water.pk).count() == 0
    assert {clock.case_id for clock in clocks_of(county.officer, until=far)} == {shown.pk, hidden.pk}


def browser(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_page_of_days_to_come_turns_and_refuses_what_there_is_not(county: World, at: datetime) -> None:
    client = browser(county.supervisor)
    empty = client.get("/forecast/").content.decode()
    assert "这段时间没有要告知的" in empty
    for number in range(21):
        county.register(at + timedelta(seconds=number))
    # Deadlines of long ago are told of at the next sweep, so they stand on the first pages whatever the date.
    Clock.objects.update(next_at=at)
    first = client.get("/forecast/", {"days": "7"}).content.decode()
    assert "page=2" in first
    assert client.get("/forecast/", {"page": "2"}).status_code == 200
    for query in ({"page": "0"}, {"page": "x"}, {"page": "999"}, {"days": "30"}, {"unit": "0"}):
        assert client.get("/forecast/", query).status_code == 404


def test_page_of_a_case_is_linked_and_empty_where_nothing_runs(county: World, at: datetime) -> None:
    case = county.walk("handling", at)
    client = browser(county.supervisor)
    assert f"/cases/{case.number}/forecast/" in client.get(f"/cases/{case.number}/").content.decode()
    assert str(county.head) in client.get(f"/cases/{case.number}/forecast/").content.decode()
    Clock.objects.update(next_at=None)
    assert "没有预计的告知" in client.get(f"/cases/{case.number}/forecast/").content.decode()
