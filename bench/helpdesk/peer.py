"""Starting the peer and having it escalate its due tickets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

HERE = Path(__file__).parent
PINNED = ("django-helpdesk==2.6.1", "Django==5.2.*", "psycopg[binary]==3.*")
LABEL = "django-helpdesk escalate_tickets"


class Peer:
    """One process; each call has it escalate the next queue's tickets and returns how many they were."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self) -> int:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError("the helpdesk process has ended; its error is above")
        return line

    def wait_until_ready(self) -> None:
        """Raises RuntimeError when it could not fill its tables."""
        self._answer()


@contextmanager
def helpdesk(*, opened: int, due: int, rounds: int) -> Iterator[Peer]:
    """The peer on the same kind of database, with `opened` open tickets, `due` of them due in each of `rounds` runs."""
    python = _environment()
    with _database() as database, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(  # our own program
            [python, str(HERE / "runner.py"), str(opened), str(due), str(rounds)],
            cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True,
            env={**os.environ, "HELPDESK_DATABASE": json.dumps(database), "DJANGO_SETTINGS_MODULE": "settings"},
        )  # fmt: skip
        try:
            peer = Peer(process)
            peer.wait_until_ready()
            yield peer
        except RuntimeError:
            complaints.seek(0)
            sys.stderr.write(complaints.read())
            raise
        finally:
            process.kill()
            process.wait()


def _environment() -> str:
    """A virtual environment beside the product's, made once. Needs the package index."""
    folder = Path(sys.prefix).parent / "var" / "bench" / "helpdesk"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PINNED], check=True)
        (folder / "ready").touch()
    return str(python)


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Settings of a database of the same kind and on the same server, empty, gone afterwards."""
    ours: dict[str, Any] = dict(settings.DATABASES["default"])
    if connection.vendor == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(folder) / "helpdesk.sqlite3")}
        return
    name = f"{ours['NAME']}_helpdesk"
    said = {
        word: str(ours[word.upper()]) for word in ("host", "port", "user", "password") if ours[word.upper()]
    }
    server = psycopg.conninfo.make_conninfo(dbname="postgres", **said)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                **{word.upper(): value for word, value in said.items()},
            }
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
