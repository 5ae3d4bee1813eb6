"""Forty SIGKILLs over three relays and three deliverers on five thousand notices: none is lost, calls ≤ 5,000 + kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest
from aiosmtpd.controller import Controller
from django.db import transaction

from notifications.models import Notice
from tests.architecture.project_files import ROOT
from tests.faults.killing import database_url, kill_all_the_way, pool, until
from tests.notifications.conftest import free_port
from tests.notifications.telling import give
from tests.workflows.toy.world import make_world
from workflows.models import Event, Membership, User

PEOPLE, EVENTS = 50, 100
NOTICES = PEOPLE * EVENTS
RELAY_KILLS, DELIVERER_KILLS = 20, 20
# Longer than a busy machine lets a process wait: a lease that ran out meanwhile would send a letter twice.
LEASE_SECONDS = 5.0
# What waits for a person goes in one letter, so there are fewer letters than notices, and on a slow machine fewer
# still. Every batch of events has a letter for each of the 50, however they wait: two kills a batch, one after 20.
BATCHES = 10
LETTERS_A_KILL = 20


class DeadlyPostOffice:
    """Takes every mail in, and kills every so many mails the process that is just handing one over.

    Every other time it does so after the mail is safe here and before it says so: the worst moment there is.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.killed = 0

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        said = envelope.content.split(b"Message-ID: ", 1)[1].split(b"\r\n", 1)[0].decode()
        # Nobody is killed twice over one letter.
        enough = len(self.ids) >= (self.killed + 1) * LETTERS_A_KILL and said not in self.ids
        due = enough and self.killed < DELIVERER_KILLS
        pid = int(session.host_name.removeprefix("process-"))
        if due and self.killed % 2:
            self._kill(pid)
            return "451 too late"
        self.ids.append(said)
        if due:
            self._kill(pid)
        return "250 OK"

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.killed += 1


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_relays_and_deliverers_lose_nothing(at, tmp_path):
    world = make_world(at)
    Membership.objects.filter(role="toy_worker", unit=world.office).delete()
    users = User.objects.bulk_create(
        User(username=f"person{n}", email=f"person{n}@offices.example") for n in range(PEOPLE)
    )
    Membership.objects.bulk_create(
        Membership(user=user, unit=world.office, role="toy_worker") for user in users
    )
    office, port = DeadlyPostOffice(), free_port()
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "HUIYIN_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "HUIYIN_VAR": str(tmp_path),
    }
    command = [sys.executable, "-m", "tests.notifications.deliverers", "3", str(LEASE_SECONDS)]
    with (tmp_path / "errors").open("w") as errors:
        parent = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=errors, start_new_session=True)
        try:
            with pool("relay", 3, tmp_path) as relays:
                for batch in range(1, BATCHES + 1):
                    with transaction.atomic():  # so that the relays find them all at once
                        for _ in range(EVENTS // BATCHES):
                            give(world, at, hard=True)
                        new = list(Event.objects.filter(relayed_at=None).values_list("pk", flat=True))
                    relayed = Event.objects.filter(pk__in=new).exclude(relayed_at=None)
                    kill_all_the_way(relays, relayed.count, len(new), kills=RELAY_KILLS // BATCHES)
                    until(lambda: office.killed, DELIVERER_KILLS * batch // BATCHES)
            until(Notice.objects.filter(channel="mail", state="sent").count, NOTICES)
            assert parent.poll() is None, (tmp_path / "errors").read_text()
        finally:
            os.killpg(parent.pid, signal.SIGKILL)
            parent.wait()
            controller.stop()
    assert relays.killed == RELAY_KILLS
    assert office.killed == DELIVERER_KILLS
    for channel in ("inbox", "mail"):
        told = Notice.objects.filter(channel=channel, event__name="toy.given", user__in=users)
        assert told.count() == told.values("event", "user").distinct().count() == NOTICES
    assert told.exclude(state="sent").count() == 0
    calls = Counter(office.ids)
    assert sum(calls.values()) <= NOTICES + DELIVERER_KILLS
    assert sum(calls.values()) - len(calls) <= DELIVERER_KILLS
    assert max(calls.values()) == 2
