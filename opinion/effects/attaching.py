"""Files that become part of a record, and files that are taken down."""

from __future__ import annotations

from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max

from opinion.effects.cohandling import own_task
from opinion.models import Attachment, Upload
from opinion.models.co_task import AT_WORK
from workflows.errors import Already, Cannot
from workflows.moves import Move
from workflows.registry import effect


@effect
def keep_files(move: Move) -> None:
    """data: uploads (ids of the mover's own). Of a record of the unit that leads."""
    _keep(move, unit=move.case.lead_id or move.held_by)


@effect
def keep_contributed_files(move: Move) -> None:
    """data: uploads as in `keep_files`, task (number). Of what a helping unit contributes; before the task is finished."""
    _keep(move, unit=own_task(move, *AT_WORK).unit_id)


def _keep(move: Move, *, unit: int) -> None:
    """Their content stays where it is."""
    wanted = set(move.data.get("uploads", ()))
    if not wanted:
        return
    mine = Upload.objects.filter(pk__in=wanted, case=move.case, owner=move.by)
    uploads = list(mine.select_for_update().order_by("id"))
    if len(uploads) != len(wanted):
        raise Cannot("有附件已经用过，或放置超过一天已清理，请重新上传")
    last = Attachment.objects.filter(case=move.case).aggregate(last=Max("number"))["last"] or 0
    files = [
        Attachment(
            case=move.case, number=number, name=upload.name, kind=upload.kind, size=upload.size, sha256=upload.sha256,
            stored=upload.stored, small=upload.small, author=move.by, unit_id=unit,
            written_at=move.at,
        )
        for number, upload in enumerate(uploads, last + 1)
    ]  # fmt: skip
    for file in files:
        move.add(file)
    mine.delete()
    move.log(files={str(file.number): file.digest for file in files})


@effect
def withdraw_file(move: Move) -> None:
    """data: file (number in the case), remark (text). The content goes once this is certain; the digest stays."""
    file = Attachment.objects.filter(case=move.case, number=move.data["file"]).first()
    if file is None:
        raise Cannot(f"{move.case.number} 没有附件 {move.data['file']}")
    if file.withdrawn_at is not None:
        raise Already(f"附件 {file.number} 已撤下")
    for name in filter(None, (file.stored, file.small)):
        # Where this is cut short, the sweep finds a file without a row.
        transaction.on_commit(partial(default_storage.delete, name))
    file.withdrawn_at, file.stored, file.small = move.at, "", ""
    file.save(update_fields=["withdrawn_at", "stored", "small"])
    move.log(file=file.number, withdrawn=file.digest)
    move.note("remark", move.data["remark"])
