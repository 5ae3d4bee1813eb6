"""Photos and files on the pages: sent with the form, kept through its errors, handed out as what they are and no more."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from opinion.models import Attachment, Upload, Visit
from tests.factories.world import World, photo
from tests.opinion.attachments.making import pdf, sent
from tests.opinion.views.conftest import As
from workflows.models import Case

SAID = {"action": "home", "outcome": "已到现场查看"}


@pytest.fixture
def case(county: World, earlier: datetime) -> Case:
    return county.walk("handling", earlier)


def url_of(case: Case, name: str = "record_visit") -> str:
    return reverse("action", args=[case.number, name])


def form_of(case: Case, *files: tuple[str, bytes], **more: Any) -> dict[str, Any]:
    at = timezone.localtime() - timedelta(minutes=1)
    happened = max(at, timezone.localtime(case.opened_at) + timedelta(minutes=1))
    papers = [SimpleUploadedFile(name, content) for name, content in files]
    said = {"token": "t" * 22, "rev": str(case.rev), "happened_at": happened.strftime("%Y-%m-%dT%H:%M")}
    return {**said, **SAID, "papers": papers, **more}


def checked(page: str) -> list[str]:
    boxes = re.findall(r'<input type="checkbox" name="kept"[^>]*>', page)
    return [found[1] for box in boxes if "checked" in box and (found := re.search(r'value="(\d+)"', box))]


def test_files_go_with_the_record_they_were_sent_with(county: World, case: Case, as_: As):
    response = as_(county.handler).post(url_of(case), form_of(case, ("一.jpg", photo()), ("说明.pdf", pdf())))
    assert response.status_code == 302
    assert list(Attachment.objects.values_list("kind", "name")) == [("jpeg", "一.jpg"), ("pdf", "说明.pdf")]
    page = as_(county.dispatcher).get(reverse("case", args=[case.number])).content.decode()
    assert reverse("attachment_small", args=[case.number, 1]) in page
    assert "说明.pdf" in page


def test_files_survive_an_error_elsewhere(county: World, case: Case, as_: As):
    client = as_(county.handler)
    response = client.post(url_of(case), form_of(case, ("一.jpg", photo()), outcome=""))
    assert response.status_code == 422
    (upload,) = Upload.objects.all()
    page = response.content.decode()
    assert "请填写“情况记录”" in page
    assert checked(page) == [str(upload.pk)]
    done = client.post(url_of(case), form_of(case, kept=[upload.pk]))
    assert done.status_code == 302
    assert Attachment.objects.get().sha256 == upload.sha256


def test_files_can_be_sent_ahead_one_by_one(county: World, case: Case, as_: As):
    client = as_(county.handler)
    first = client.post(url_of(case), form_of(case, ("一.jpg", photo()), upload="1", outcome=""))
    assert first.status_code == 200
    assert "请填写" not in first.content.decode()
    kept = checked(first.content.decode())
    second = client.post(url_of(case), form_of(case, ("二.jpg", photo((30, 30))), upload="1", kept=kept))
    kept = checked(second.content.decode())
    assert len(kept) == 2
    assert "已到现场查看" in second.content.decode()
    assert not Visit.objects.filter(case=case, action="home", outcome="已到现场查看").exists()
    assert client.post(url_of(case), form_of(case, kept=kept)).status_code == 302
    assert Attachment.objects.count() == 2


def test_refused_file_is_named_and_the_good_one_kept(county: World, case: Case, as_: As):
    response = as_(county.handler).post(
        url_of(case),
        form_of(case, ("好.jpg", photo()), ("坏<b>.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "“坏b.jpg”是 SVG 矢量图" in page
    assert checked(page) == [str(Upload.objects.get().pk)]
    assert not Attachment.objects.exists()


def test_file_left_from_another_time_is_offered_and_not_presumed(county: World, case: Case, as_: As):
    sent(county, case, "上次.jpg", photo(), timezone.now())
    page = as_(county.handler).get(url_of(case)).content.decode()
    assert "上次.jpg" in page
    assert checked(page) == []
    assert "上次.jpg" not in as_(county.head).get(url_of(case)).content.decode()


def test_limits_are_said(county: World, case: Case, as_: As, settings: Any):
    settings.HUIYIN_ATTACHMENTS_PER_RECORD = 1
    client = as_(county.handler)
    response = client.post(url_of(case), form_of(case, ("一.jpg", photo()), ("二.jpg", photo((9, 9)))))
    assert "一次至多附 1 个文件，现有 2 个，请去掉一些，另写一次记录" in response.content.decode()
    settings.HUIYIN_ATTACHMENTS_PER_CASE = 0
    kept = [Upload.objects.first().pk]
    assert "一件案件至多附 0 个文件" in client.post(url_of(case), form_of(case, kept=kept)).content.decode()


def test_somebody_who_may_not_record_leaves_no_file(county: World, case: Case, as_: As, tmp_path: Path):
    response = as_(county.dispatcher).post(url_of(case), form_of(case, ("一.jpg", photo())))
    assert response.status_code == 403
    assert not Upload.objects.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_second_click_makes_one_record(county: World, case: Case, as_: As):
    client = as_(county.handler)
    said = form_of(case, ("一.jpg", photo()))
    assert client.post(url_of(case), said).status_code == 302
    again = form_of(case, ("一.jpg", photo()))
    assert client.post(url_of(case), again).status_code == 302
    assert Attachment.objects.count() == 1
    assert Visit.objects.filter(case=case, outcome="已到现场查看").count() == 1


def test_picture_is_shown_and_file_is_saved(county: World, case: Case, as_: As):
    client = as_(county.handler)
    client.post(url_of(case), form_of(case, ("一.jpg", photo()), ("二.pdf", pdf())))
    shown = client.get(reverse("attachment", args=[case.number, 1]))
    saved = client.get(reverse("attachment", args=[case.number, 2]))
    small = client.get(reverse("attachment_small", args=[case.number, 1]))
    for response in (shown, saved, small):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert (
            response.headers["Content-Security-Policy"]
            == "default-src 'none'; frame-ancestors 'none'; sandbox"
        )
        assert response.headers["Cache-Control"] == "private, no-store"
    assert (shown.headers["Content-Type"], saved.headers["Content-Type"]) == ("image/jpeg", "application/pdf")
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    with Image.open(io.BytesIO(b"".join(small))) as image:
        assert image.size == (360, 270)
    assert b"".join(saved) == pdf()
    assert b"".join(shown).startswith(b"\xff\xd8\xff")
    assert client.get(reverse("attachment_small", args=[case.number, 2])).status_code == 404


def test_file_of_a_case_out_of_sight_or_withdrawn_is_not_found(county: World, case: Case, as_: As):
    county.attach(case, at=timezone.now())
    url = reverse("attachment", args=[case.number, 1])
    assert as_(county.other_handler).get(url).status_code == 404
    assert as_(county.handler).get(reverse("attachment", args=[case.number, 9])).status_code == 404
    county.do(case, "withdraw_file", at=timezone.now())
    assert as_(county.handler).get(url).status_code == 404
    assert "附件 1 已于" in as_(county.handler).get(reverse("case", args=[case.number])).content.decode()
