"""Deliverers are killed while they work: nothing is lost, and nothing is sent more often than somebody was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from django.utils import timezone

from notifications.models import Notice
from tests.architecture.project_files import ROOT
from tests.notifications.conftest import free_port
from tests.notifications.telling import give
from workflows.models import Event, Membership, User

PEOPLE, EACH = 250, 4
NOTICES = PEOPLE * EACH
KILLS = 10
WORKERS = 3
LEASE_SECONDS = 3.0
MOST_SECONDS = 120.0


class DeadlyPostOffice:
    """Takes every mail in, and kills every so many mails the process that is just handing one over.

    Every other time it does so after the mail is safe here and before it says so: the worst moment there is.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.killed: list[int] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        head = envelope.content.split(b"Message-ID: ", 1)[1]
        due = len(self.killed) < KILLS and len(self.ids) >= (len(self.killed) + 1) * NOTICES // (KILLS + 2)
        pid = int(session.host_name.removeprefix("process-"))
        if due and len(self.killed) % 2:
            self._kill(pid)
            return "451 too late"
        self.ids.append(head.split(b"\r\n", 1)[0].decode())
        if due:
            self._kill(pid)
        return "250 OK"

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.killed.append(pid)


def _environment(port: int, var: Path) -> dict[str, str]:
    database = connection.settings_dict
    login = f"{database['USER'] or ''}{':' + database['PASSWORD'] if database['PASSWORD'] else ''}"
    url = f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "HUIYIN_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "HUIYIN_VAR": str(var),
    }


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_deliverers_lose_nothing_and_repeat_at_most_once_a_kill(world, at, tmp_path):
    users = User.objects.bulk_create(
        User(username=f"person{n}", email=f"person{n}@offices.example") for n in range(PEOPLE)
    )
    Membership.objects.bulk_create(
        Membership(user=user, unit=world.desk, role="toy_watcher") for user in users
    )
    cases = [give(world, at) for _ in range(EACH)]
    now = timezone.now()
    Notice.objects.bulk_create(
        Notice(
            event=event, user=user, channel="mail", urgency=3, case_number=event.case.number,
            words=f"{event.case.number} 待领办", created_at=now, next_try_at=now,
        )
        for event in Event.objects.filter(case__in=cases, name="toy.given").select_related("case")
        for user in users
    )  # fmt: skip
    office = DeadlyPostOffice()
    port = free_port()
    controller = Controller(office, hostname="127.0.0.1", port=port)
    environment = _environment(port, tmp_path)
    controller.start()
    command = [sys.executable, "-m", "tests.notifications.deliverers", str(WORKERS), str(LEASE_SECONDS)]
    with (tmp_path / "errors").open("w+b") as errors:
        parent = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=errors, start_new_session=True)
        try:
            deadline = time.monotonic() + MOST_SECONDS
            while Notice.objects.exclude(state="sent").exists() and time.monotonic() < deadline:
                assert parent.poll() is None, (tmp_path / "errors").read_text()
                time.sleep(0.1)
        finally:
            os.killpg(parent.pid, signal.SIGKILL)
            parent.wait()
            controller.stop()
    calls = Counter(office.ids)
    assert Notice.objects.filter(state="sent").count() == NOTICES
    assert len(calls) == NOTICES
    assert len(office.killed) == KILLS
    assert NOTICES < sum(calls.values()) <= NOTICES + KILLS
    assert max(calls.values()) == 2
