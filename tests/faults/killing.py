"""Keeping workers under fire: start a pool of them, kill one after another while the work goes on, end them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from django.db import connection

from tests.architecture.project_files import ROOT

# Only what hangs takes so long; a busy machine is slow.
MOST_SECONDS = 600.0


def database_url() -> str:
    """The test's own database, for another process."""
    said = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{said['NAME']}"
    login = f"{said['USER'] or ''}{':' + said['PASSWORD'] if said['PASSWORD'] else ''}"
    return f"postgres://{login}@{said['HOST']}:{said['PORT'] or 5432}/{said['NAME']}"


class Pool:
    """A parent that forks workers and replaces those that are killed."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process, self.errors = process, errors
        self.alive: list[int] = []
        self.killed = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.alive.append(int(line))

    def kill_one(self, chance: Random) -> None:
        """SIGKILL to one of those alive, if there is one."""
        assert self.process.poll() is None, self.errors.read_text()
        if self.alive:
            pid = self.alive.pop(chance.randrange(len(self.alive)))
            os.kill(pid, signal.SIGKILL)
            self.killed += 1


@contextmanager
def pool(kind: str, count: int, folder: Path, *args: str) -> Iterator[Pool]:
    """`count` workers of `tests.faults.workers`, all ended afterwards."""
    errors = folder / f"errors-{kind}"
    environment = {**os.environ, "DATABASE_URL": database_url(), "HUIYIN_VAR": str(folder)}
    with errors.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.workers", kind, str(count), *args],
            env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield Pool(process, errors)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout
            process.stdout.close()


def until(done: Callable[[], int], total: int) -> None:
    """Wait until so much is done."""
    deadline = time.monotonic() + MOST_SECONDS
    while (now := done()) < total:
        assert time.monotonic() < deadline, f"{now} of {total} done after {MOST_SECONDS:.0f} s"
        time.sleep(0.05)


def kill_all_the_way(workers: Pool, done: Callable[[], int], total: int, *, kills: int) -> None:
    """Kill somebody at each of `kills` evenly spread points of the progress; returns when all is done.

    done: how much is, asked again and again.
    """
    chance, deadline, before = Random(20261124), time.monotonic() + MOST_SECONDS, workers.killed
    while True:
        now, killed = done(), workers.killed - before
        if killed < kills and now >= killed * total // (kills + 2):
            workers.kill_one(chance)
            continue
        if now >= total and killed >= kills:
            return
        assert time.monotonic() < deadline, (
            f"{now} of {total} done after {MOST_SECONDS:.0f} s, {killed} killed"
        )
        assert now < total or killed >= kills, f"all was done after only {killed} kills"
        time.sleep(0.005)
