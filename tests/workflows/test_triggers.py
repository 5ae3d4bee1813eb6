"""The database itself refuses to change or delete the log and what was published, on SQLite and PostgreSQL."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from workflows.models import CalendarVersion, Definition, Event, PolicyVersion
from workflows.triggers import GUARDS

MESSAGES = {guard.table: guard.message for guard in GUARDS}
TABLES = sorted(MESSAGES)


@pytest.fixture
def rows(world: Any, at: Any) -> None:
    """A row in each guarded table."""
    world.case(at)
    for model in (Event, Definition, PolicyVersion, CalendarVersion):
        assert model.objects.exists()


def refused(sql: str, table: str) -> None:
    with (
        pytest.raises(DatabaseError, match=MESSAGES[table]),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize("table", TABLES)
def test_delete_is_refused(rows, table):
    refused(f"DELETE FROM {table}", table)


@pytest.mark.parametrize(
    ("table", "column"), [(guard.table, column) for guard in GUARDS for column in guard.columns]
)
def test_update_of_a_guarded_column_is_refused(rows, table, column):
    # Still of the column's own type, so that only the trigger can object; ids and keys are taken far off.
    value = {
        "data": "'[1]'", "spec": "'[1]'", "key": "'changed'", "case_id": "case_id + 1000",
        "happened_at": "recorded_at", "recorded_at": "NULL", "published_at": "NULL", "published_by_id": "NULL",
    }.get(column, f"{column} + 1000" if column in {"id", "seq", "version", "actor_id", "unit_id"} else "'changed'")  # fmt: skip
    if column == "happened_at":
        value = "'2001-01-01 00:00:00'"
    refused(f"UPDATE {table} SET {column} = {value}", table)


def test_every_column_of_the_log_is_guarded_but_the_relay_mark():
    columns = {field.column for field in Event._meta.concrete_fields}
    guard = next(guard for guard in GUARDS if guard.table == Event._meta.db_table)
    assert columns - set(guard.columns) == {"relayed_at"}


@pytest.mark.parametrize("model", [Definition, PolicyVersion, CalendarVersion])
def test_every_column_of_a_published_document_is_guarded(model):
    guard = next(guard for guard in GUARDS if guard.table == model._meta.db_table)
    assert {field.column for field in model._meta.concrete_fields} == set(guard.columns)


def test_the_relay_mark_may_be_set(rows):
    assert Event.objects.update(relayed_at=timezone.now()) == 1


def test_an_update_that_changes_nothing_passes(rows):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_event SET name = name")
        assert cursor.rowcount == 1


def test_the_orm_is_refused_too(rows):
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.update(name="toy.other")
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.all().delete()
    assert Event.objects.get().name == "toy.opened"


@pytest.mark.postgres
@pytest.mark.parametrize("table", TABLES)
def test_truncate_is_refused(rows, table):
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # a foreign key still to be checked would refuse first
    refused(f"TRUNCATE {table} CASCADE", table)
