"""Mail through Django's backend: plain text with number, clock and link, and nothing about a person."""

from __future__ import annotations

import hashlib
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.urls import reverse

from notifications.channels import Channel, Letter, Send, Undelivered
from workflows.models import User

# More would make a mail nobody reads; the inbox has them all.
LINES_MAX = 100


class Mail(Channel):
    """Reaches whoever has an address, where a mail server is set."""

    label = "邮件"

    def reaches(self, user: User) -> bool:
        return bool(settings.HUIYIN_MAIL and user.email)

    @contextmanager
    def session(self) -> Iterator[Send]:
        post = _Post()
        try:
            yield post.send
        finally:
            post.close()


class _Post:
    """One connection, opened by the first letter and again after a failure."""

    def __init__(self) -> None:
        self._connection: Any = None

    def send(self, letter: Letter) -> None:
        try:
            if self._connection is None:
                self._connection = mail.get_connection()
                self._connection.open()
        except (OSError, smtplib.SMTPException) as error:
            self._connection = None
            raise Undelivered(_code("connect", error), channel_down=True) from error
        message = compose(letter)
        message.connection = self._connection
        try:
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            # {address: (code, text)}: the address stays here, the code goes on.
            code = max(code for code, _ in error.recipients.values())
            raise Undelivered(f"recipient {code}", permanent=code >= 500) from None
        except smtplib.SMTPDataError as error:
            raise Undelivered(_code("data", error), permanent=error.smtp_code >= 500) from error
        except (OSError, smtplib.SMTPException) as error:
            self._forget()
            raise Undelivered(_code("send", error), channel_down=True) from error

    def close(self) -> None:
        """Say goodbye. The letters are delivered already, so a server that has gone is no failure."""
        if self._connection is not None:
            self._forget()

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        connection.fail_silently = True
        connection.close()


def compose(letter: Letter) -> EmailMessage:
    """The mail. Subject and body hold the words of the notices, which name a case by number."""
    first = letter.lines[0]
    subject = first.words if len(letter.lines) == 1 else f"{len(letter.lines)} 条通知"
    mark = "·紧急" if any(line.urgent for line in letter.lines) else ""
    body: list[str] = []
    for line in letter.lines[:LINES_MAX]:
        body += [
            ("【紧急】" if line.urgent else "") + line.words,
            urljoin(settings.HUIYIN_BASE_URL, line.path),
            "",
        ]
    if len(letter.lines) > LINES_MAX:
        inbox = urljoin(settings.HUIYIN_BASE_URL, reverse("notices"))
        body += [f"另有 {len(letter.lines) - LINES_MAX} 条，请在站内信查看：", inbox, ""]
    body += [
        "——",
        "本邮件由系统自动发出，请勿回复。接收方式可在此设置：",
        urljoin(settings.HUIYIN_BASE_URL, reverse("notice_settings")),
    ]
    return EmailMessage(
        subject=f"{subject}{mark} · 回音",
        body="\n".join(body),
        to=[letter.to.email],
        headers={
            "Message-ID": message_id(letter.key),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )


def message_id(key: str) -> str:
    """The same for the same letter, so that a mail sent twice is recognised as one."""
    host = urlsplit(settings.HUIYIN_BASE_URL).hostname or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{host}>"


def _code(stage: str, error: Exception) -> str:
    number = getattr(error, "smtp_code", None)
    return f"{stage} {number or type(error).__name__}"
