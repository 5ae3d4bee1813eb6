"""Some deliverers, each a process to be killed and replaced: `python -m tests.notifications.deliverers COUNT LEASE_SECONDS`.

The parent sets Django up once, touches no database and forks; a child greets the mail server with its process id, so
that the server knows whom it is talking to.
"""

import os
import sys
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.mail.utils import DNS_NAME  # noqa: E402  # after the setup
from django.utils import timezone  # noqa: E402

from notifications.delivering import deliver  # noqa: E402
from tests.notifications import telling  # noqa: E402, F401  # registers what the toy tells


def work(lease: timedelta) -> None:
    DNS_NAME._fqdn = f"process-{os.getpid()}"  # type: ignore[attr-defined]
    while True:
        if not deliver(at=timezone.now(), lease=lease):
            time.sleep(0.05)


def start(lease: timedelta) -> None:
    if os.fork() == 0:
        work(lease)


def main(count: int, lease: timedelta) -> None:
    """Keep `count` of them alive. A child that ends by itself ends everything: only a kill is expected."""
    for _ in range(count):
        start(lease)
    while True:
        _, status = os.wait()
        if not os.WIFSIGNALED(status):
            sys.exit(f"a deliverer ended with {status}")
        start(lease)


if __name__ == "__main__":
    main(int(sys.argv[1]), timedelta(seconds=float(sys.argv[2])))
