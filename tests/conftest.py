"""What every test shares: one fixed moment, the services of the run, and a way to flush an append-only log."""

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from hypothesis import settings as hypothesis_settings

from workflows.published import forget

# Continuous integration replays the same examples; a developer's runs look for new ones.
# Deadlines per example only measure how busy two cores are.
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis_settings.register_profile("dev", deadline=None)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A skip whose reason begins with this word is allowed even where nothing else may be skipped.
OPTIONAL = "可选"
REQUIRE_ALL = os.environ.get("HUIYIN_TEST_REQUIRE_ALL") == "1"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
SERVICE_URLS = {
    "redis": os.environ.get("HUIYIN_TEST_REDIS_URL", "redis://127.0.0.1:6379/15"),
    "rabbitmq": os.environ.get("HUIYIN_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, with the reason; where everything is required, let it fail instead.

    What no database can change, because it is marked so or asks for none, is tried once: on SQLite, whose run comes first.
    """
    if _is_postgres():
        once = [item for item in items if item.get_closest_marker("once") or not _asks_for_a_database(item)]
        config.hook.pytest_deselected(items=once)
        items[:] = [item for item in items if item not in once]
    lacking = {
        "postgres": "" if _is_postgres() else "DATABASE_URL names no PostgreSQL database",
        "browser": "" if chromium_path() else "Chromium is not installed",
        **{name: _unreachable(url) for name, url in SERVICE_URLS.items()},
    }
    for item in items:
        for mark, reason in lacking.items():
            if reason and item.get_closest_marker(mark) and not REQUIRE_ALL:
                item.add_marker(pytest.mark.skip(reason=f"{mark}: {reason}"))


def _asks_for_a_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db") or item.get_closest_marker("postgres"):
        return True
    fixtures = getattr(item, "fixturenames", ())
    return not {"db", "transactional_db", "django_db_setup"}.isdisjoint(fixtures)


def _is_postgres() -> bool:
    return settings.DATABASES["default"]["ENGINE"].endswith("postgresql")


def _unreachable(url: str) -> str:
    parts = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(1)
        reached = bool(parts.port) and probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0
    return "" if reached else f"nothing listens at {parts.hostname}:{parts.port}"


def chromium_path() -> str | None:
    return os.environ.get("HUIYIN_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture
def at() -> datetime:
    """A Tuesday morning inside office hours, Beijing time: the `at=` of a test that needs just some moment."""
    return datetime(2026, 11, 24, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="session")
def redis_url() -> str:
    return SERVICE_URLS["redis"]


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    return SERVICE_URLS["rabbitmq"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """SQLite tests run on a file: Django's in-memory default knows neither WAL nor a second process."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        folder: Path = tmp_path_factory.mktemp("database")
        database.setdefault("TEST", {})["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def flush_passes_the_guards() -> Iterator[None]:
    """Transactional tests end with a flush, which the triggers of the event log rightly refuse.

    Django's flush alone gets through: the guards are down inside its transaction and up again before it
    commits, so the product and every test still meet them.
    """
    flush = BaseDatabaseOperations.execute_sql_flush

    def guarded(operations: BaseDatabaseOperations, sql_list: Sequence[str]) -> Any:
        connection = connections[operations.connection.alias]
        with transaction.atomic(using=connection.alias), lowered_guards(connection):
            return flush(operations, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", guarded)
        yield


@pytest.fixture(autouse=True)
def forget_published_documents() -> Iterator[None]:
    """Versions never change in an installation, so they are cached by id; a rolled-back test frees its ids."""
    yield
    forget()


@contextmanager
def lowered_guards(connection: Any) -> Iterator[None]:
    """Without the append-only triggers (`…_no_delete`, `…_no_update`, `…_no_truncate`), inside a transaction."""
    with connection.cursor() as cursor, ExitStack() as stack:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT quote_ident(tgname), tgrelid::regclass::text FROM pg_trigger"
                " WHERE NOT tgisinternal AND tgname ~ '_no_(delete|update|truncate)$'"
            )
            for trigger, table in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
                stack.callback(cursor.execute, f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                " AND (name LIKE '%_no_delete' OR name LIKE '%_no_update')"
            )
            for trigger, definition in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{trigger}"')
                stack.callback(cursor.execute, definition)
        yield
