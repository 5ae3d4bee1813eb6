"""Throw-away databases: made for the run, gone after it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

DEFAULT_SERVER = "postgres://127.0.0.1:5432/postgres"


@dataclass(frozen=True)
class Database:
    """server: name and version; environment: what makes the product use it."""

    server: str
    environment: dict[str, str]


@contextmanager
def sqlite() -> Iterator[Database]:
    """A file in a temporary folder, on a disk that syncs as the machine's does."""
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as folder:
        # An empty DATABASE_URL also keeps one in `.env` away.
        yield Database(f"SQLite {sqlite3.sqlite_version}", {"DATABASE_URL": "", "HUIYIN_VAR": folder})


@contextmanager
def postgres() -> Iterator[Database]:
    """A database of its own on the server of DATABASE_URL, else on the local one. Raises psycopg.OperationalError."""
    given = os.environ.get("DATABASE_URL", "")
    server = given if given.startswith("postgres") else DEFAULT_SERVER
    name = f"huiyin_bench_{os.getpid()}"
    with (
        psycopg.connect(_at(server, "postgres"), autocommit=True) as admin,
        tempfile.TemporaryDirectory() as folder,
    ):
        version = admin.info.server_version
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            environment = {"DATABASE_URL": _at(server, name), "HUIYIN_VAR": str(Path(folder))}
            yield Database(f"PostgreSQL {version // 10000}.{version % 10000}", environment)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


DATABASES = {"postgres": postgres, "sqlite": sqlite}
