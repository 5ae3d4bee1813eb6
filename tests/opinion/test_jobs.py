"""Imports and exports that outlive a request: claimed once, resumed after a crash, exactly once in the end."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from opinion import job_work, jobs
from opinion.exports.request import ExportRefused, ExportRequest
from opinion.intake import importing
from opinion.intake.headers import UnknownHeading
from opinion.intake.limits import SheetRefused
from opinion.leases import LEASE, MOST_ATTEMPTS, LeaseLost, claim
from opinion.models import ExportJob, ImportJob, Message
from tests.factories.world import make_world
from tests.opinion.intake.files import HEADINGS, MESSAGE, write_csv
from tests.opinion.job_worker import kill_once, start_worker
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Case, Event


@pytest.fixture(autouse=True)
def private_files(tmp_path, settings):
    default = settings.STORAGES["default"]
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**default, "OPTIONS": {**default["OPTIONS"], "location": tmp_path / "files"}},
    }


def sheet(count):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    for n in range(count):
        writer.writerow([str(n), f"A{n}", f"第{n}件", "2026/3/5 9:05:00", f"第{n}件事的内容。"])
    return io.BytesIO(text.getvalue().encode())


def upload(county, at, content=None, **more):
    options = {"name": "留言.csv", "source": "lb", "desk": county.desk, "by": county.clerk, "at": at}
    return jobs.create_import(content or sheet(3), **{**options, **more})


def run(at):
    return jobs.run_pending_jobs(at, now=lambda: at)


class TestImport:
    def test_upload_preview_confirm_run(self, county, at):
        job = upload(county, at)
        seen = jobs.preview(job, at=at)
        assert (seen.usable, seen.row_count, len(seen.rows)) == (True, 3, 3)
        assert seen.rows[0].cells["author"] == "A*"
        assert run(at) == 0
        jobs.confirm(job, {}, by=county.clerk)
        assert jobs.progress(job, at=timezone.now()).label == "排队中"
        assert run(at) == 1
        progress = jobs.progress(job, at=timezone.now())
        assert (progress.state, progress.done, progress.total, progress.percent) == ("done", 3, 3, 100)
        assert dict(progress.counts)["登记"] == 3
        assert Case.objects.filter(desk=county.desk).count() == 3
        assert Event.objects.filter(actor=county.clerk).count() == 3
        assert run(at) == 0

    def test_stored_name_is_random_and_problems_come_as_a_file(self, county, at):
        job = upload(county, at, io.BytesIO("留言编号,留言详情\n1,甲\n2,\n".encode()))
        assert "留言" not in job.file.name
        jobs.confirm(job, {}, by=county.clerk)
        run(at)
        job.refresh_from_db()
        with job.problems_file.open("rb") as stream:
            lines = stream.read().decode("utf-8-sig").splitlines()
        assert lines[0] == "行号,列,级别,原因"
        assert "3,留言详情,错误" in lines[-1]

    def test_columns_can_be_settled_by_hand(self, county, at):
        job = upload(county, at, io.BytesIO("编号,诉求全文\n1,路灯不亮\n".encode()))
        assert jobs.preview(job, at=at).missing == ["留言详情"]
        with pytest.raises(Cannot, match="留言详情"):
            jobs.confirm(job, {}, by=county.clerk)
        with pytest.raises(UnknownHeading):
            jobs.confirm(job, {"body": "没有"}, by=county.clerk)
        assert jobs.preview(job, {"body": "诉求全文"}, at=at).usable
        jobs.confirm(job, {"body": "诉求全文"}, by=county.clerk)
        run(at)
        assert Message.objects.get().body == "路灯不亮"

    def test_hostile_file_is_refused_with_nothing_kept(self, county, at):
        with pytest.raises(SheetRefused):
            upload(county, at, io.BytesIO(b"%PDF-1.7"))
        assert not ImportJob.objects.exists()
        assert not default_storage.exists("jobs") or default_storage.listdir("jobs") == ([], [])

    def test_file_without_a_row_is_refused_at_the_door(self, county, at):
        with pytest.raises(SheetRefused, match="没有数据行"):
            upload(county, at, io.BytesIO(b"MZMZMZMZ"))
        assert not ImportJob.objects.exists()

    def test_page_says_when_a_worker_fell_silent(self, county, at):
        job = upload(county, at)
        ImportJob.objects.filter(pk=job.pk).update(state="running", heartbeat_at=at)
        assert jobs.progress(job, at=at + timedelta(seconds=5)).label == "导入中"
        assert jobs.progress(job, at=at + timedelta(seconds=20)).label == "执行中断，稍后自动继续"

    def test_only_desk_people_upload_and_only_the_owner_goes_on(self, county, at):
        with pytest.raises(MayNot):
            upload(county, at, by=county.handler)
        job = upload(county, at)
        for move in (
            lambda: jobs.confirm(job, {}, by=county.dispatcher),
            lambda: jobs.cancel(job, by=county.dispatcher, at=at),
        ):
            with pytest.raises(MayNot):
                move()
        assert list(jobs.imports_of(county.clerk)) == [job]
        assert not jobs.imports_of(county.dispatcher).exists()

    def test_cancelled_while_running_stops_before_the_next_chunk(self, county, at, monkeypatch):
        monkeypatch.setattr(importing, "CHUNK", 10)
        job = upload(county, at, sheet(40))
        jobs.confirm(job, {}, by=county.clerk)
        real = importing.register_many

        def register(items, **options):
            if Case.objects.count() == 20:
                jobs.cancel(job, by=county.clerk, at=at)
            return real(items, **options)

        monkeypatch.setattr(importing, "register_many", register)
        run(at)
        progress = jobs.progress(job, at=timezone.now())
        # Cancelled inside the third chunk's own transaction: that one is undone with the cancelling.
        assert progress.state in {"cancelled", "running"}
        assert Case.objects.count() == 20

    def test_cancelled_job_is_not_run_and_not_cancelled_twice(self, county, at):
        job = upload(county, at)
        jobs.confirm(job, {}, by=county.clerk)
        jobs.cancel(job, by=county.clerk, at=at)
        assert run(at) == 0
        with pytest.raises(Already):
            jobs.cancel(job, by=county.clerk, at=at)
        with pytest.raises(Already):
            jobs.confirm(job, {}, by=county.clerk)
        assert not Case.objects.exists()

    def test_person_who_lost_the_role_meanwhile_registers_nothing(self, county, at):
        job = upload(county, at)
        jobs.confirm(job, {}, by=county.clerk)
        county.clerk.memberships.all().delete()
        run(at)
        progress = jobs.progress(job, at=timezone.now())
        assert (progress.state, Case.objects.count()) == ("failed", 0)
        assert "权限" in progress.reason

    def test_programming_error_fails_the_job_and_is_raised(self, county, at, monkeypatch):
        job = upload(county, at)
        jobs.confirm(job, {}, by=county.clerk)
        monkeypatch.setattr(importing, "register_many", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(at)
        assert jobs.progress(job, at=timezone.now()).state == "failed"


class TestLease:
    def test_silent_worker_is_replaced_and_notices(self, county, at):
        job = upload(county, at)
        jobs.confirm(job, {}, by=county.clerk)
        first = claim(ImportJob, at=at, now=lambda: at)
        assert claim(ImportJob, at=at + LEASE, now=lambda: at) is None
        second = claim(ImportJob, at=at + LEASE + timedelta(seconds=1), now=lambda: at)
        assert second.job.pk == first.job.pk
        with pytest.raises(LeaseLost):
            first.beat(done=1)
        with pytest.raises(LeaseLost):
            first.end(lambda job: job.finish())
        second.beat(done=1)

    def test_job_that_takes_its_workers_down_is_given_up(self, county, at):
        job = upload(county, at)
        jobs.confirm(job, {}, by=county.clerk)
        now = at
        for _ in range(MOST_ATTEMPTS):
            assert claim(ImportJob, at=now, now=lambda: at) is not None
            now += LEASE + timedelta(seconds=1)
        assert claim(ImportJob, at=now, now=lambda: at) is None
        progress = jobs.progress(job, at=timezone.now())
        assert progress.state == "failed"
        assert "中断了 3 次" in progress.reason

    def test_second_worker_goes_on_after_the_last_committed_chunk(self, county, at, monkeypatch):
        monkeypatch.setattr(importing, "CHUNK", 10)
        job = upload(county, at, sheet(35))
        jobs.confirm(job, {}, by=county.clerk)
        monkeypatch.setattr(job_work, "_give_up", lambda lease, reason: None)
        real, calls = importing.register_many, []

        def dies(items, **options):
            calls.append(len(items))
            if len(calls) == 3:
                raise KeyboardInterrupt
            return real(items, **options)

        monkeypatch.setattr(importing, "register_many", dies)
        with pytest.raises(KeyboardInterrupt):
            run(at)
        job.refresh_from_db()
        assert (job.state, job.checkpoint, job.counts["registered"]) == ("running", 21, 20)
        assert run(at + LEASE + timedelta(seconds=1)) == 1
        assert calls[3:] == [10, 5]
        progress = jobs.progress(job, at=timezone.now())
        assert dict(progress.counts) == {
            "读取": 35, "登记": 35, "已存在": 0, "有缺项": 0, "出错": 0, "重复": 0,
        }  # fmt: skip
        assert Case.objects.count() == 35


class TestExport:
    def test_queue_run_and_fetch(self, county, at):
        county.walk("handling", at)
        job = jobs.create_export(ExportRequest("events", "xlsx"), by=county.exporter, at=at)
        assert run(at) == 1
        job.refresh_from_db()
        assert (job.state, job.done, job.record.row_count) == ("done", 4, 4)
        assert job.file_name == "办理日志.xlsx"
        with job.file.open("rb") as stream:
            assert stream.read(2) == b"PK"
        assert list(jobs.exports_of(county.exporter)) == [job]
        assert jobs.export_records().get().user == county.exporter

    def test_csv_too(self, county, at):
        county.walk("handling", at)
        job = jobs.create_export(ExportRequest("cases", "csv"), by=county.exporter, at=at)
        run(at)
        job.refresh_from_db()
        with job.file.open("rb") as stream:
            assert stream.read().decode("utf-8-sig").count("\n") == 2

    def test_role_is_asked_again_when_it_runs(self, county, at):
        with pytest.raises(ExportRefused):
            jobs.create_export(ExportRequest("cases", "csv"), by=county.clerk, at=at)
        job = jobs.create_export(ExportRequest("cases", "csv"), by=county.exporter, at=at)
        county.exporter.memberships.all().delete()
        run(at)
        assert jobs.progress(job, at=timezone.now()).state == "failed"
        assert not jobs.export_records().exists()


def test_files_go_after_some_weeks_and_rows_stay(county, at):
    job = upload(county, at)
    forgotten = upload(county, at)
    jobs.confirm(job, {}, by=county.clerk)
    run(at)
    assert jobs.clean_up_files(at + timedelta(days=jobs.DAYS_KEPT - 1)) == 0
    assert default_storage.exists(job.file.name)
    assert jobs.clean_up_files(at + timedelta(days=jobs.DAYS_KEPT + 1)) == 2
    assert not default_storage.exists(job.file.name)
    assert not default_storage.exists(forgotten.file.name)
    assert jobs.progress(forgotten, at=timezone.now()).state == "cancelled"
    assert jobs.progress(job, at=timezone.now()).state == "done"
    assert jobs.clean_up_files(at + timedelta(days=jobs.DAYS_KEPT + 2)) == 0


WORKER = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from opinion import jobs
from opinion.intake import importing
importing.CHUNK = 20
jobs.run_pending_jobs(timezone.now() + timedelta(seconds=%d))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_worker_killed_in_the_middle_is_succeeded_and_every_row_is_there_once(tmp_path):
    """A real process, a real SIGKILL, a real successor."""
    county = make_world()
    rows, now = 3000, timezone.now()
    job = upload(county, now, sheet(rows))
    jobs.confirm(job, {}, by=county.clerk)
    kill_once(start_worker(WORKER % 0, tmp_path), lambda: Case.objects.count() >= 100)
    job.refresh_from_db()
    assert job.state == "running"
    begun = Case.objects.count()
    assert 100 <= begun < rows
    successor = start_worker(WORKER % (LEASE.total_seconds() + 5), tmp_path)
    out, _ = successor.communicate(timeout=120)
    assert successor.returncode == 0, out
    progress = jobs.progress(job, at=timezone.now())
    assert (progress.state, dict(progress.counts)["登记"], dict(progress.counts)["已存在"]) == (
        "done",
        rows,
        0,
    )
    assert Case.objects.count() == Message.objects.values("external_key").distinct().count() == rows
    assert job.attempts == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_export_tells_of_its_progress_while_copy_keeps_the_connection_busy(at, monkeypatch):
    """The sign of life goes over a connection of its own; a lost lease stops the copy."""
    county = make_world()
    county.walk("handling", at)
    job = jobs.create_export(ExportRequest("cases", "csv"), by=county.exporter, at=at)
    monkeypatch.setattr("opinion.leases.BEAT_SECONDS", 0)
    monkeypatch.setattr("opinion.exports.copying._BLOCK", 1)
    assert run(at) == 1
    assert jobs.progress(job, at=timezone.now()).state == "done"
    lost = jobs.create_export(ExportRequest("cases", "csv"), by=county.exporter, at=at)
    lease = claim(ExportJob, at=at, now=lambda: at)
    assert lease is not None
    ExportJob.objects.filter(pk=lost.pk).update(worker="other")
    job_work.run_export(lease)
    assert jobs.progress(lost, at=timezone.now()).state == "running"
    assert jobs.export_records().count() == 1


def test_upload_without_problems_has_no_problem_file(county, at, tmp_path):
    with write_csv(tmp_path / "a.csv", [HEADINGS, MESSAGE]).open("rb") as stream:
        job = upload(county, at, stream)
    jobs.confirm(job, {}, by=county.clerk)
    run(at)
    job.refresh_from_db()
    assert not job.problems_file
