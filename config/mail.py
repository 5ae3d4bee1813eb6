"""Where mail goes, from one URL: a server in production, files on a developer's machine."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# smtp: plain; smtp+starttls: upgraded before anything is said; smtps: encrypted from the first byte.
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class MailServer:
    """What Django's SMTP backend wants to know."""

    host: str
    port: int
    user: str
    password: str
    use_ssl: bool
    use_tls: bool


def mail_server(url: str) -> MailServer | None:
    """Read `smtps://user:password@host:port`; None where there is no URL. Raises ImproperlyConfigured."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(parts.scheme)
    except (KeyError, ValueError):
        # The URL holds a password: it is not repeated.
        raise ImproperlyConfigured(
            "HUIYIN_SMTP_URL 有误，应形如 smtps://用户:密码@主机:端口（或 smtp://、smtp+starttls://）"
        ) from None
    return MailServer(
        parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""),
        parts.scheme == "smtps", parts.scheme == "smtp+starttls",
    )  # fmt: skip
