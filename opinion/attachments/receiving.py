"""A file from the browser to a row of its own: looked at, scanned, cleaned, stored under a name that says nothing."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import unicodedata
from datetime import datetime
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction

from opinion.attachments.documents import MEBIBYTE, settle
from opinion.attachments.kinds import FileRefused, Kind, recognise
from opinion.attachments.pictures import redraw
from opinion.attachments.scanning import scan
from opinion.contacts.book import opened
from opinion.contacts.masking import blank_numbers
from opinion.contacts.sealing import SealBroken
from opinion.models import Contact, Upload
from workflows.models import Case, User

logger = logging.getLogger(__name__)

FOLDER = "attachments"
NAME_MAX = 100
UNNAMED = "文件"
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,4}$")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f:*?\"<>|\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")


def receive(file: UploadedFile[Any], *, case: Case, by: User, at: datetime) -> Upload:
    """Keep a file for a record of this case that is still being written. Raises FileRefused.

    The same content sent again by the same person is the same upload: a form comes back after an error with all it had.
    """
    if file.size and file.size > settings.HUIYIN_ATTACHMENT_MB * MEBIBYTE:
        raise FileRefused(f"超过 {settings.HUIYIN_ATTACHMENT_MB} MB，请压缩或分开后上传")
    kinds = recognise(file)
    scan(file)
    if kinds[0].picture:
        picture = redraw(file, kinds[0])
        return _keep(BytesIO(picture.content), BytesIO(picture.small), picture.kind, file, case, by, at)
    document = settle(file, kinds)
    return _keep(document.content, None, document.kind, file, case, by, at)


def _keep(
    content: IO[bytes],
    small: IO[bytes] | None,
    kind: Kind,
    file: UploadedFile[Any],
    case: Case,
    by: User,
    at: datetime,
) -> Upload:
    content.seek(0)
    whole = hashlib.sha256()
    while part := content.read(MEBIBYTE):
        whole.update(part)
    mine = Upload.objects.filter(case=case, owner=by, sha256=whole.hexdigest())
    if (there := mine.first()) is not None:
        return there
    stored = [_store(content), _store(small) if small is not None else ""]
    try:
        with transaction.atomic():
            return Upload.objects.create(
                case=case, owner=by, name=clean_name(file.name or "", case), kind=kind.code, sha256=whole.hexdigest(),
                size=content.seek(0, 2), stored=stored[0], small=stored[1], created_at=at,
            )  # fmt: skip
    except IntegrityError:
        # The other of two clicks was quicker.
        _drop(stored)
        return mine.get()
    except BaseException:
        _drop(stored)
        raise


def _drop(stored: list[str]) -> None:
    for name in filter(None, stored):
        default_storage.delete(name)


def _store(content: IO[bytes]) -> str:
    content.seek(0)
    token = secrets.token_hex(20)
    return default_storage.save(f"{FOLDER}/{token[:2]}/{token}", File(content))


def clean_name(name: str, case: Case) -> str:
    """What the person called the file, fit to be shown: no path, nothing invisible, no number and not the writer's name.

    Where the writer's name cannot be opened, nothing is known to be fit: a name that says nothing, and what kind of file.
    """
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    base = _UNSAFE.sub("", base).strip(". ")
    contact = Contact.objects.filter(case=case).first()
    try:
        writer = opened(contact).name if contact else ""
    except SealBroken:
        logger.exception("contact of case %s cannot be opened", case.pk)
        known = _ENDING.search(base)
        return f"{UNNAMED}{known[0]}" if known else UNNAMED
    stem, dot, ending = blank_numbers(base, name=writer).rpartition(".")
    if not stem:
        stem, dot, ending = ending, "", ""
    ending = ending[:10]
    return f"{stem[: NAME_MAX - 11]}{dot}{ending}" or UNNAMED
