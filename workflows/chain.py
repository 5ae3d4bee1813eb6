"""The chain of digests that makes a quiet change of the log visible.

digest(n) = H(digest(n-1) ‖ canonical JSON of row n). The hash is SHA-256, or SM3 (GB/T 32905) by setting where
OpenSSL has it; each digest names its own, so a log may change over. The newest digest also stands on the case,
so that cutting off the end is noticed.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from workflows.models import Event


# What a digest may name.
ALGORITHMS = frozenset({"sha256", "sm3"})


def algorithm() -> str:
    """The hash for new rows. Raises ImproperlyConfigured where OpenSSL lacks it."""
    name: str = settings.HUIYIN_LOG_HASH
    if name not in hashlib.algorithms_available:
        raise ImproperlyConfigured(f"本机 OpenSSL 不支持 {name}，请将 HUIYIN_LOG_HASH 改为 sha256")
    return name


def unreadable(hash_name: str) -> str:
    """Why a digest of this hash cannot be checked here; empty where it can."""
    if hash_name not in ALGORITHMS:
        return f"摘要算法“{hash_name}”不可识别"
    if hash_name not in hashlib.algorithms_available:
        return f"本机 OpenSSL 不支持 {hash_name}，无法核对；请在支持它的机器上核对"
    return ""


def moment_text(value: datetime) -> str:
    """A moment as it enters a digest: UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def digest_of(event: Event, before: str, hash_name: str) -> str:
    """`<hash>:<hex>` over the event's row and the digest before it."""
    row = [
        event.case_id, event.seq, event.name, event.transition, event.actor_id, event.unit_id, event.source,
        event.target, event.data, moment_text(event.happened_at), moment_text(event.recorded_at), event.key,
    ]  # fmt: skip
    return chained(row, before, hash_name)


def chained(row: list[Any], before: str, hash_name: str) -> str:
    """`<hash>:<hex>` over any row of JSON values and the digest before it: for other logs kept the same way."""
    return f"{hash_name}:{hashlib.new(hash_name, f'{before} {_canonical(row)}'.encode()).hexdigest()}"


# `json.dumps` would make an encoder a call.
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def text_digest(text: str) -> str:
    """Digest of free text kept outside the log; enough to prove it, too little to rebuild it."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
