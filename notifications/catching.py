"""Mails that were kept as files instead of being sent: what a developer and the demo look at."""

from __future__ import annotations

import email
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

# Django's file backend ends each mail with this line, several in a file.
RULE = "\n" + "-" * 79 + "\n"
SHOWN = 50


@dataclass(frozen=True)
class Caught:
    """A mail as its reader would see it."""

    to: str
    subject: str
    sent_at: datetime
    body: str


def caught_mails() -> list[Caught] | None:
    """The newest mails first, at most SHOWN; None where mails are really sent."""
    if not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return None
    folder = Path(settings.EMAIL_FILE_PATH)
    found: list[Caught] = []
    for path in sorted(folder.glob("*.log"), reverse=True):
        parts = path.read_text(encoding="utf-8").split(RULE)
        found += [_read(part) for part in reversed(parts) if part.strip()]
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]


def _read(text: str) -> Caught:
    message = email.message_from_bytes(text.encode(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return Caught(
        str(message["To"]), str(message["Subject"]), _aware(message["Date"].datetime), message.get_content()
    )


def _aware(sent: datetime) -> datetime:
    """Django writes the offset -0000, which says UTC and is read as none."""
    return sent if sent.tzinfo else sent.replace(tzinfo=UTC)
