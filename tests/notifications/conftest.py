"""The toy world, and a real mail server that can be told to misbehave."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.notifications import telling  # noqa: F401  # registers
from tests.workflows.toy.world import ToyWorld, make_world


class PostOffice:
    """Keeps what it takes in. answer: what DATA is answered with; refuse: what RCPT is."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Any] = []
        self.answer = "250 OK"
        self.refuse = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
            self.envelopes.append(envelope)
        return self.answer


def free_port() -> int:
    """aiosmtpd greets itself at the port it was given, so it cannot be left to choose one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def world(db: None, at: datetime) -> ToyWorld:
    """Everybody in it has an address."""
    made = make_world(at)
    for user in (made.clerk, made.worker, made.other_worker, made.watcher):
        user.email = f"{user.username}@offices.example"
        user.save(update_fields=["email"])
    return made


@pytest.fixture
def post_office(settings: Any) -> Iterator[PostOffice]:
    """A listening server, and Django's mail pointed at it."""
    office = PostOffice()
    port = free_port()
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.HUIYIN_MAIL = True
    yield office
    controller.stop()
