"""Files nobody needs: uploads that became part of no record, and what a broken write left behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import transaction

from opinion.attachments.receiving import FOLDER
from opinion.models import Attachment, Upload

KEPT = timedelta(days=1)
FOLDERS, HOURS = 256, 24


def sweep_files(at: datetime) -> int:
    """Returns how many files went. Every folder is looked through once a day, some each hour."""
    return _forget_uploads(at) + sum(
        _sweep_folder(f"{number:02x}", at) for number in range(FOLDERS) if number % HOURS == at.hour
    )


def _forget_uploads(at: datetime) -> int:
    """The row goes first: whoever is just making it part of a record holds it, or finds it gone."""
    gone = 0
    for pk in list(Upload.objects.filter(created_at__lt=at - KEPT).values_list("pk", flat=True)):
        with transaction.atomic():
            upload = Upload.objects.select_for_update().filter(pk=pk).first()
            if upload is None:
                continue
            names = [name for name in (upload.stored, upload.small) if name]
            upload.delete()
        for name in names:
            default_storage.delete(name)
        gone += len(names)
    return gone


def _sweep_folder(folder: str, at: datetime) -> int:
    path = f"{FOLDER}/{folder}"
    try:
        names = [f"{path}/{name}" for name in default_storage.listdir(path)[1]]
    except FileNotFoundError:
        return 0
    aged = [name for name in names if default_storage.get_modified_time(name) < at - KEPT]
    if not aged:
        return 0
    known: set[str] = set()
    # In the order in which a file goes from one to the other, so that none is missed on its way.
    for model in (Upload, Attachment):
        found = model._default_manager.filter(stored__startswith=f"{path}/").values_list("stored", "small")
        known.update(name for pair in found for name in pair)
        # A thumbnail lies in a folder of its own choice.
        known.update(
            model._default_manager.filter(small__startswith=f"{path}/").values_list("small", flat=True)
        )
    lost = [name for name in aged if name not in known]
    for name in lost:
        default_storage.delete(name)
    return len(lost)
