"""Sealing short texts: AES-256-GCM under named keys that can be rotated, and a keyed index for exact look-ups.

Keys come from the environment (`HUIYIN_CONTACT_KEYS`: `id:base64,id:base64`, the first is active;
`HUIYIN_INDEX_KEY`), never from SECRET_KEY. A sealed text is `v1.<key id>.<base64 of nonce and ciphertext>`; the case
and the field are authenticated with it, so a sealed name cannot be moved to another case or column.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VERSION = "v1"
NONCE_BYTES = 12
KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,20}")


class SealBroken(ValueError):
    """A sealed text that cannot be opened: damaged, moved from another case or field, or its key is gone."""


@dataclass(frozen=True)
class Keyring:
    """active: id of the key new texts are sealed under; ciphers: every key that can still open."""

    active: str
    ciphers: dict[str, AESGCM]


def keyring() -> Keyring:
    """The keys of the settings. Raises ImproperlyConfigured."""
    return _keyring(settings.HUIYIN_CONTACT_KEYS)


@lru_cache(maxsize=8)
def _keyring(text: str) -> Keyring:
    ciphers: dict[str, AESGCM] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = entry.partition(":")
        if not _KEY_ID.fullmatch(key_id) or key_id in ciphers:
            raise ImproperlyConfigured("HUIYIN_CONTACT_KEYS 应写成“编号:密钥,编号:密钥”，编号不能重复")
        ciphers[key_id] = AESGCM(_key(encoded, f"HUIYIN_CONTACT_KEYS 中 {key_id} 的密钥"))
    if not ciphers:
        raise ImproperlyConfigured("没有设置 HUIYIN_CONTACT_KEYS，无法保存联系人")
    return Keyring(next(iter(ciphers)), ciphers)


def _key(encoded: str, what: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ImproperlyConfigured(f"{what}不是 base64 编码") from error
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{what}应为 {KEY_BYTES} 字节，现为 {len(key)} 字节")
    return key


@lru_cache(maxsize=8)
def _index_key(encoded: str) -> bytes:
    return _key(encoded, "HUIYIN_INDEX_KEY ")


def seal(text: str, *, case_id: int, field: str) -> str:
    """The sealed form; empty text stays empty."""
    if not text:
        return ""
    ring = keyring()
    nonce = os.urandom(NONCE_BYTES)
    box = nonce + ring.ciphers[ring.active].encrypt(nonce, text.encode(), _bound(case_id, field))
    return f"{VERSION}.{ring.active}.{base64.b64encode(box).decode()}"


def unseal(sealed: str, *, case_id: int, field: str) -> str:
    """The text. Raises SealBroken."""
    if not sealed:
        return ""
    version, _, rest = sealed.partition(".")
    key_id, _, encoded = rest.partition(".")
    cipher = keyring().ciphers.get(key_id)
    if version != VERSION or cipher is None:
        raise SealBroken(f"没有密钥 {key_id or '（未知）'}，无法解封；请把它加回 HUIYIN_CONTACT_KEYS")
    try:
        box = base64.b64decode(encoded, validate=True)
        return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _bound(case_id, field)).decode()
    except (binascii.Error, InvalidTag, ValueError) as error:
        raise SealBroken("联系人密文已损坏，或不属于本案本栏") from error


def key_of(sealed: str) -> str:
    """Id of the key a text is sealed under; empty for empty text."""
    return sealed.split(".", 2)[1] if sealed else ""


def index_of(phone: str) -> str:
    """Blind index of a number: equal numbers have equal indexes, and nothing else can be read from one."""
    if not phone:
        return ""
    return hmac.new(_index_key(settings.HUIYIN_INDEX_KEY), phone.encode(), hashlib.sha256).hexdigest()


def _bound(case_id: int, field: str) -> bytes:
    return f"contact:{case_id}:{field}".encode()
