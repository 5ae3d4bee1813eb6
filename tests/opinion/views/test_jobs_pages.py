"""Import and export pages: every stage survives a reload, and files go to their owner alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opinion import jobs
from opinion.models import ExportJob, ImportJob
from opinion.views.downloads import safe_name
from tests.factories.world import World
from tests.opinion.views.conftest import As
from workflows.models import Case

SHEET = "编码,说的话\nA1,南街路灯不亮\nA2,\nA3,北街路灯不亮\n"


@pytest.fixture(autouse=True)
def own_storage(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }


def upload(client: Client, county: World, sheet: str = SHEET, name: str = "留言.csv") -> Any:
    said = {"source": "mailbox", "desk": county.desk.pk, "clocks": "registered"}
    return client.post(reverse("imports"), {"file": SimpleUploadedFile(name, sheet.encode()), **said})


def test_import_goes_from_file_to_cases(county: World, as_: As):
    client = as_(county.clerk)
    columns = upload(client, county).headers["Location"]
    page = client.get(columns).content.decode()
    assert "没有认出必需的列：留言详情" in page
    assert "确认导入" not in page
    chosen = {"external_number": "0", "body": "1"}
    looked = client.post(columns, {**chosen, "look": "1"}).content.decode()
    assert "<td>南街路灯不亮</td>" in looked
    assert "确认导入 3 行" in looked
    job = ImportJob.objects.get()
    progress = reverse("import", args=[job.pk])
    assert client.post(columns, {**chosen, "confirm": "1"}).headers["Location"] == progress
    waiting = client.get(progress).content.decode()
    assert '<meta http-equiv="refresh" content="3">' in waiting
    assert "排队中" in waiting
    jobs.run_pending_jobs(timezone.now())
    done = client.get(progress).content.decode()
    assert "refresh" not in done
    assert "<dt>登记</dt><dd>2</dd>" in done
    assert Case.objects.count() == 2
    problems = client.get(reverse("import_problems", args=[job.pk]))
    assert problems.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in problems.headers["Content-Disposition"]
    assert problems.headers["X-Content-Type-Options"] == "nosniff"
    assert problems.headers["Cache-Control"] == "private, no-store"
    lines = b"".join(problems).decode("utf-8-sig").splitlines()
    assert [line for line in lines if line.startswith("3,说的话,错误,")] != []


def test_import_confirmed_twice_is_queued_once(county: World, as_: As):
    client = as_(county.clerk)
    columns = upload(client, county, "留言编号,留言详情\nA1,路灯不亮\n").headers["Location"]
    said = {"external_number": "0", "body": "1", "confirm": "1"}
    client.post(columns, said)
    jobs.run_pending_jobs(timezone.now())
    assert client.post(columns, said).headers["Location"] == reverse(
        "import", args=[ImportJob.objects.get().pk]
    )
    assert Case.objects.count() == 1


def test_import_can_be_cancelled(county: World, as_: As):
    client = as_(county.clerk)
    columns = upload(client, county, "留言编号,留言详情\nA1,路灯不亮\n").headers["Location"]
    client.post(columns, {"external_number": "0", "body": "1", "confirm": "1"})
    job = ImportJob.objects.get()
    page = client.post(reverse("import", args=[job.pk]), follow=True).content.decode()
    assert "已取消" in page
    assert jobs.run_pending_jobs(timezone.now()) == 0
    again = client.post(reverse("import", args=[job.pk]), follow=True).content.decode()
    assert "这次导入已取消" in again


def test_file_that_is_no_table_is_refused_in_words(county: World, as_: As):
    response = upload(as_(county.clerk), county, "PK\x03\x04junk", "留言.xlsx")
    assert response.status_code == 422
    assert 'class="errors"' in response.content.decode()
    assert not ImportJob.objects.exists()


def test_jobs_of_others_are_not_found(county: World, as_: As):
    upload(as_(county.clerk), county)
    job = ImportJob.objects.get()
    for name in ("import", "import_columns", "import_problems"):
        assert as_(county.dispatcher).get(reverse(name, args=[job.pk])).status_code == 404


def test_export_is_downloaded_by_its_owner_under_a_readable_name(county: World, as_: As):
    county.register(timezone.now() - timedelta(minutes=5))
    client = as_(county.exporter)
    location = client.post(
        reverse("exports"), {"what": "cases", "format": "csv", "since": "2026-01-01"}
    ).headers["Location"]
    job = ExportJob.objects.get()
    assert client.get(reverse("export_file", args=[job.pk])).status_code == 404
    assert "排队中" in client.get(location).content.decode()
    jobs.run_pending_jobs(timezone.now())
    assert "共 1 行" in client.get(location).content.decode()
    file = client.get(reverse("export_file", args=[job.pk]))
    assert file.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''%E6%A1%88%E4%BB%B6")
    assert len(b"".join(file).splitlines()) == 2
    history = as_(county.auditadmin).get(reverse("exports")).content.decode()
    assert "导小周" in history
    assert "开始导出" not in history


def test_export_with_days_the_wrong_way_round_says_so(county: World, as_: As):
    said = {"what": "cases", "format": "csv", "since": "2026-03-01", "until": "2026-02-01"}
    response = as_(county.exporter).post(reverse("exports"), said)
    assert response.status_code == 422
    assert "截止日期早于起始日期" in response.content.decode()
    assert not ExportJob.objects.exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("案件_20261101.csv", "案件_20261101.csv"),
        ("../../etc/passwd", "etc_passwd"),
        ("a/b\\c:d.csv", "a_b_c_d.csv"),
        ('x".csv\r\nSet-Cookie: a=b.csv', "x_.csv_Set-Cookie_ a=b.csv"),
        (".htaccess", "htaccess"),
        ("\u202egnp.exe", "gnp_exe"),
        ("很长" * 200 + ".csv", "很长" * 40 + ".csv"),
        ("", "文件"),
    ],
)
def test_file_names_are_safe(name: str, safe: str):
    assert safe_name(name) == safe
