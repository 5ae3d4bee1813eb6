"""What many rows at once store is what the ORM reads back."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from workflows import rows
from workflows.engine import Draft, open_many
from workflows.models import Case, Clock, Event, NumberSeries
from workflows.shapes import array_text

MANY = 60  # on PostgreSQL from here on rows are copied


@pytest.fixture
def cases(world, at):
    drafts = [
        Draft(
            f"第{n}件\t\\N 'x'",
            world.desk.pk,
            at,
            facts={"toy_grade": "hard"},
            logged={"n": n, "list": ["甲", None]},
        )
        for n in range(MANY)
    ]
    return open_many("toy", drafts, by=world.clerk)


def plain(instance):
    return {field.attname: getattr(instance, field.attname) for field in instance._meta.concrete_fields}


def test_many_opened_cases_read_back_as_they_were(cases):
    assert [plain(case) for case in Case.objects.order_by("id")] == [plain(case) for case in cases]


def test_their_events_and_clocks_do_too(cases, at):
    events = list(Event.objects.order_by("id"))
    assert [event.data for event in events] == [{"n": n, "list": ["甲", None]} for n in range(MANY)]
    assert {event.happened_at for event in events} == {at}
    assert set(Clock.objects.values_list("state", "limit", "missed_at")) == {
        ("running", "0.5wd", None),
        ("running", "15wd", None),
    }


def test_value_of_another_type_passes_the_fields_own_preparation(db):
    series = [NumberSeries(prefix="ZZ", year=str(2000 + n), last="7") for n in range(MANY)]
    rows.insert(series)
    assert list(NumberSeries.objects.filter(prefix="ZZ").order_by("id").values_list("year", "last")) == [
        (2000 + n, 7) for n in range(MANY)
    ]


def test_naive_moment_is_refused_among_many(cases):
    for clock in (clocks := list(Clock.objects.all())):
        clock.pk, clock.cycle, clock.started_at = None, clock.cycle + 1, datetime(2026, 1, 1)  # noqa: DTZ001  # the point
    with pytest.raises(RuntimeWarning, match="naive"):
        rows.insert(clocks)


AWKWARD = ['"', "\\", "{}", "a,b", "NULL", "", " ", "换\n行\t'", "\\N", "\U0001f600"]


def test_any_text_and_document_survives_an_update_of_many(cases):
    some = cases[: len(AWKWARD)]
    for case, text in zip(some, AWKWARD, strict=True):
        case.title, case.facts = text, {"text": text, "list": [1, None, {"a": text}]}
        case.lead_id, case.closed_at, case.due_at = None, case.opened_at, None
        case.restricted = text == "NULL"
    rows.update(some, ["title", "facts", "lead_id", "closed_at", "due_at", "restricted"])
    stored = Case.objects.filter(pk__in=[case.pk for case in some]).order_by("id")
    assert [plain(case) for case in stored] == [plain(case) for case in some]


def test_a_choice_is_stored_as_its_value_among_many(cases):
    clocks = list(Clock.objects.order_by("id"))
    for clock in clocks:
        clock.state, clock.finished_at, clock.next_at = Clock.State.VOID, clock.started_at, None
    rows.update(clocks, ["state", "finished_at", "next_at"])
    assert set(Clock.objects.values_list("state", flat=True)) == {"void"}


def test_bytes_in_an_array_are_written_in_hex():
    column = ("value", None, None, lambda value: value)
    some: Any = [SimpleNamespace(value=value) for value in (b"ab\x00", None, memoryview(b"c"))]
    assert array_text(column, some) == r'{"\\x616200",NULL,"\\x63"}'
