"""What the suite leans on has to hold itself: the flush, the guards, the fixed moment."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from tests.conftest import lowered_guards
from tests.workflows.toy.world import make_world
from workflows.models import CalendarVersion, Event, User

GUARDED_TABLE = {
    "sqlite": [
        "CREATE TABLE probe (id integer)",
        "CREATE TRIGGER probe_no_delete BEFORE DELETE ON probe BEGIN SELECT RAISE(ABORT, 'refused'); END",
    ],
    "postgresql": [
        "CREATE TABLE probe (id integer)",
        "CREATE FUNCTION probe_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
        "CREATE TRIGGER probe_no_delete BEFORE DELETE ON probe FOR EACH ROW EXECUTE FUNCTION probe_refuse()",
        "CREATE TRIGGER probe_no_truncate BEFORE TRUNCATE ON probe EXECUTE FUNCTION probe_refuse()",
    ],
}
EMPTYING = {"sqlite": "DELETE FROM probe", "postgresql": "TRUNCATE probe"}


@pytest.fixture
def guarded_table(transactional_db):
    with connection.cursor() as cursor:
        for statement in GUARDED_TABLE[connection.vendor]:
            cursor.execute(statement)
        cursor.execute("INSERT INTO probe VALUES (1)")
        yield cursor
        cursor.execute("DROP TABLE probe")
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION probe_refuse()")


def _rows(cursor) -> int:
    cursor.execute("SELECT count(*) FROM probe")
    return cursor.fetchone()[0]


def _assert_refused(cursor, statement: str, match: str = "refused") -> None:
    with pytest.raises(DatabaseError, match=match), transaction.atomic():
        cursor.execute(statement)


def test_flush_passes_the_guards_and_leaves_them_up(guarded_table):
    _assert_refused(guarded_table, EMPTYING[connection.vendor])
    connection.ops.execute_sql_flush([EMPTYING[connection.vendor]])
    assert _rows(guarded_table) == 0
    guarded_table.execute("INSERT INTO probe VALUES (2)")
    _assert_refused(guarded_table, EMPTYING[connection.vendor])
    _assert_refused(guarded_table, "DELETE FROM probe")
    assert _rows(guarded_table) == 1


def test_guards_come_back_when_a_flush_fails(guarded_table):
    with pytest.raises(DatabaseError):
        connection.ops.execute_sql_flush(["DELETE FROM no_such_table"])
    _assert_refused(guarded_table, "DELETE FROM probe")


def test_guards_are_lowered_inside_the_block_only(guarded_table):
    with transaction.atomic(), lowered_guards(connection):
        guarded_table.execute("DELETE FROM probe")
    assert _rows(guarded_table) == 0


def test_flush_empties_the_log_and_seeds_again(transactional_db, at):
    """What follows a transactional test finds what `migrate` leaves, not what the test left."""
    make_world(at).case(at)
    assert Event.objects.count() == 1
    _assert_refused(connection.cursor(), "DELETE FROM workflows_event", match="办理日志只能追加")
    call_command("flush", interactive=False, verbosity=0)
    assert Event.objects.count() == 0
    assert list(User.objects.values_list("username", flat=True)) == ["system"]
    assert CalendarVersion.objects.filter(code="china").exists()


def test_databases_run_in_the_mode_an_installation_runs_in(transactional_db):
    """SQLite on a file with WAL, not in memory; PostgreSQL at the isolation the row locks are written for."""
    question, answer = {
        "sqlite": ("PRAGMA journal_mode", "wal"),
        "postgresql": ("SHOW transaction_isolation", "read committed"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(question)
        assert cursor.fetchone()[0] == answer


def test_fixed_moment_is_aware_and_in_beijing_time(at):
    assert at.isoformat() == "2026-11-24T09:30:00+08:00"
