"""Some workers of one kind, each a process to be killed and replaced: `python -m tests.faults.workers KIND COUNT [AT]`.

The parent sets Django up once, touches no database and forks; it says the process id of each child on a line of its
own, so that the test knows whom it can kill. A child that ends by itself ends everything: only a kill is expected.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.utils import timezone  # noqa: E402  # after the setup

from tests.notifications import telling  # noqa: E402, F401  # registers what the toy tells
from workflows.relay import relay  # noqa: E402
from workflows.sweeper import sweep  # noqa: E402


def _sweep(at: datetime) -> object:
    return sweep(at=at, batch=25)


def _relay(at: datetime) -> object:
    return relay(at=at, batch=2)


KINDS: dict[str, Callable[[datetime], object]] = {"sweep": _sweep, "relay": _relay}


def start(work: Callable[[datetime], object], at: datetime | None) -> None:
    """Fork a child that works for ever."""
    pid = os.fork()
    if pid:
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        return
    while True:
        if not work(at or timezone.now()):
            time.sleep(0.02)


def main(kind: str, count: int, at: datetime | None) -> None:
    """Keep `count` children alive."""
    for _ in range(count):
        start(KINDS[kind], at)
    while True:
        _, status = os.wait()
        if not os.WIFSIGNALED(status):
            sys.exit(f"a worker ended with {status}")
        start(KINDS[kind], at)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]) if len(sys.argv) > 3 else None)
