"""Files of a record: kept with it, handed to whoever may see the case, taken down, swept when nobody's."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from opinion.attachments.receiving import receive
from opinion.attachments.sweeping import sweep_files
from opinion.models import Attachment, Upload
from tests.factories.events import Events
from tests.factories.world import World, make_world, photo
from tests.opinion.attachments.making import pdf, sent
from tests.opinion.racing import record_uploads, sweep_uploads
from tests.workflows.racing import race
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Case
from workflows.verifying import verify

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def case(county: World, at: datetime) -> Case:
    return county.walk("handling", at)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def sweep_all(at: datetime) -> int:
    """A day of sweeps."""
    return sum(sweep_files(at + number * HOUR) for number in range(24))


def test_uploads_become_attachments_of_the_record(county: World, case: Case, at: datetime):
    uploads = [sent(county, case, f"{n}.jpg", photo((40 + n, 40)), at) for n in range(2)]
    event = county.do(case, "record_visit", at=at + HOUR, uploads=[upload.pk for upload in uploads])
    kept = list(Attachment.objects.filter(case=case, seq=event.seq))
    assert [file.number for file in kept] == [1, 2]
    assert event.data["files"] == {"1": kept[0].digest, "2": kept[1].digest}
    assert [file.stored for file in kept] == [upload.stored for upload in uploads]
    assert not Upload.objects.exists()
    assert verify(as_of=at + DAY).problems == []


def test_number_goes_on_over_records(county: World, case: Case, at: datetime):
    county.attach(case, at=at + HOUR)
    upload = sent(county, case, "二.pdf", pdf(), at)
    county.do(case, "record_visit", at=at + 2 * HOUR, uploads=[upload.pk])
    assert list(Attachment.objects.values_list("number", "kind")) == [(1, "jpeg"), (2, "pdf")]


def test_upload_of_somebody_else_or_of_another_case_is_not_taken(county: World, case: Case, at: datetime):
    other = county.walk("handling", at)
    foreign = sent(county, other, "一.jpg", photo(), at)
    with pytest.raises(Cannot):
        county.do(case, "record_visit", at=at + HOUR, uploads=[foreign.pk])
    with pytest.raises(Cannot):
        county.do(other, "record_visit", at=at + HOUR, by=county.head, uploads=[foreign.pk])
    assert Upload.objects.filter(pk=foreign.pk).exists()


def test_upload_is_used_once(county: World, case: Case, at: datetime):
    upload = sent(county, case, "一.jpg", photo(), at)
    county.do(case, "record_visit", at=at + HOUR, uploads=[upload.pk])
    with pytest.raises(Cannot) as refused:
        county.do(case, "record_visit", at=at + 2 * HOUR, uploads=[upload.pk])
    assert str(refused.value) == "有附件已经用过，或放置超过一天已清理，请重新上传"


def test_withdrawn_file_loses_its_content_and_keeps_its_digest(
    county: World, case: Case, at: datetime, tmp_path: Path, django_capture_on_commit_callbacks: Any
):
    file = county.attach(case, at=at + HOUR)
    with pytest.raises(MayNot):
        county.do(case, "withdraw_file", at=at + DAY, by=county.handler)
    with django_capture_on_commit_callbacks(execute=True):
        event = county.do(case, "withdraw_file", at=at + DAY, file=1, remark="误拍到他人")
    file.refresh_from_db()
    assert (file.stored, file.small, file.withdrawn_at) == ("", "", at + DAY)
    assert event.data["withdrawn"] == file.digest
    assert case.notes.filter(seq=event.seq, text="误拍到他人").exists()
    assert names_in(tmp_path) == set()
    with pytest.raises(Already):
        county.do(case, "withdraw_file", at=at + 2 * DAY, file=1)


def test_sweep_takes_what_belongs_to_no_row_and_only_when_a_day_old(
    county: World, case: Case, tmp_path: Path
):
    now = timezone.now()
    at = now - HOUR
    moved = county.walk("handling", at)
    county.attach(moved, at=at)
    left = receive(_file(), case=moved, by=county.handler, at=at)
    lost = default_storage.save("attachments/ab/" + "a" * 40, _file())
    kept = {Path(name).name for name in Attachment.objects.values_list("stored", "small")[0]}
    assert sweep_all(now) == 0
    two_days_ago = (now - 2 * DAY).timestamp()
    for path in tmp_path.rglob("*"):
        os.utime(path, (two_days_ago, two_days_ago))
    assert sweep_all(now) == 1
    assert not default_storage.exists(lost)
    Upload.objects.filter(pk=left.pk).update(created_at=now - 2 * DAY)
    assert sweep_all(now) == 1
    assert names_in(tmp_path) == kept


def _file() -> SimpleUploadedFile:
    return SimpleUploadedFile("文件.pdf", pdf())


def test_event_the_public_talks_about_keeps_photos_too(county: World, at: datetime):
    case = Events(county).walk("investigating", at)
    file = county.attach(case, at=at + HOUR)
    assert (file.case_id, file.number) == (case.pk, 1)
    county.do(case, "withdraw_file", at=at + 2 * HOUR)
    assert not Attachment.objects.kept().exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_record_against_record_and_sweep_of_the_same_upload(at: datetime):
    """Each upload ends in one record or is forgotten; whoever comes too late is told so, and no number is given twice."""
    county = make_world()
    cases = [county.walk("handling", at) for _ in range(12)]
    pairs = [(case.pk, sent(county, case, "一.pdf", pdf(), at).pk) for case in cases]
    later = at + 2 * DAY
    args = (pairs, county.handler.pk, later)
    first, second, _ = race([(record_uploads, args), (record_uploads, args), (sweep_uploads, (later,))])
    made = set(Attachment.objects.values_list("case", "number"))
    assert not Upload.objects.exists()
    for (case_id, _), *said in zip(pairs, first, second, strict=True):
        assert said.count("") == ((case_id, 1) in made)
        assert set(said) <= {"", "有附件已经用过，或放置超过一天已清理，请重新上传"}
