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
from workflows.verifying import verify

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
    assert b"".join(saved).startswith(b"%PDF-")
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


def contribution(case: Case, *files: tuple[str, bytes], **more: Any) -> dict[str, Any]:
    said = {"contribution": "供水管网完好，附检测照片", "result": "explained", "task": "1"}
    return form_of(case, *files, **{"outcome": [], "action": [], "happened_at": [], **said, **more})


@pytest.fixture
def helped(county: World, earlier: datetime) -> Case:
    """The water bureau is asked to help; the case is still the housing bureau's to take up."""
    case = county.register(earlier)
    county.do(case, "assign", at=earlier, assisting=[county.water.pk])
    return Case.objects.get(pk=case.pk)


def test_contribution_carries_files_for_whoever_sees_it(county: World, helped: Case, as_: As):
    url = url_of(helped, "finish_co_task")
    sent_ = as_(county.other_handler).post(
        url, contribution(helped, ("检测.jpg", photo()), ("报告.pdf", pdf()))
    )
    assert sent_.status_code == 302
    files = list(Attachment.objects.filter(case=helped).order_by("number"))
    assert [(file.kind, file.unit, file.author) for file in files] == [
        ("jpeg", county.water, county.other_handler),
        ("pdf", county.water, county.other_handler),
    ]
    event = helped.events.get(name="co_task.finished")
    assert event.data["files"] == {str(file.number): file.digest for file in files}
    assert verify(as_of=timezone.now()).problems == []
    for person in (county.handler, county.dispatcher, county.other_handler):
        page = as_(person).get(reverse("case", args=[helped.number])).content.decode()
        assert page.index("供水管网完好") < page.index(reverse("attachment_small", args=[helped.number, 1]))
        assert "报告.pdf" in page
        assert b"".join(as_(person).get(reverse("attachment", args=[helped.number, 2]))).startswith(b"%PDF-")
    assert as_(county.street_handler).get(reverse("attachment", args=[helped.number, 1])).status_code == 404


def test_refused_contribution_keeps_its_text_and_good_files(county: World, helped: Case, as_: As):
    client, url = as_(county.other_handler), url_of(helped, "finish_co_task")
    said = contribution(helped, ("好.jpg", photo()), ("坏.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"))
    refused = client.post(url, said)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "“坏.jpg”是 SVG 矢量图，可能带有脚本，请导出为 PNG 后上传" in page
    assert "供水管网完好，附检测照片" in page
    kept = checked(page)
    assert kept == [str(Upload.objects.get().pk)]
    assert client.post(url, contribution(helped, kept=kept)).status_code == 302
    assert list(Attachment.objects.values_list("name", flat=True)) == ["好.jpg"]


def test_only_who_helps_can_send_files_with_a_contribution(county: World, helped: Case, as_: As):
    url = url_of(helped, "finish_co_task")
    assert as_(county.handler).post(url, contribution(helped, ("一.jpg", photo()))).status_code == 403
    assert not Upload.objects.exists()


def test_contributed_file_is_taken_down_while_the_lead_has_not_begun(county: World, helped: Case, as_: As):
    as_(county.other_handler).post(
        url_of(helped, "finish_co_task"), contribution(helped, ("一.jpg", photo()))
    )
    county.do(helped, "withdraw_file", at=timezone.now(), file=1, remark="误传")
    assert as_(county.handler).get(reverse("attachment", args=[helped.number, 1])).status_code == 404
