"""Tables that leave the house: complete, formula-safe, without identities, and on record."""

import csv
import hashlib
import json
import re
from datetime import UTC, date, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from opinion.contacts.book import Person
from opinion.exports import records, running, writing
from opinion.exports.columns import Column, Kind, literal
from opinion.exports.copying import copy_csv
from opinion.exports.formula import escape_formula
from opinion.exports.request import ExportRefused, ExportRequest
from opinion.exports.running import count_rows, export_to
from opinion.exports.tables import RESTRICTED_TITLE, table
from opinion.exports.writing import HashingFile, write_csv, write_xlsx
from opinion.models import ExportRecord
from tests.conftest import lowered_guards
from workflows.models import Case, Membership, Unit, User
from workflows.registry import Checked

CANARY = Person(
    name="欧阳金丝雀", phone="13900112233", address="云溪县雀鸣路77号", email="canary@example.org"
)


def export(path, request, by, at, **more):
    return export_to(path, request, by=by, at=at, **more)


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def read_lines(path):
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def filled(county, at):
    """Cases in many states, one of them a complaint about an official, all by one person."""
    for number, state in enumerate(["registered", "declined", "handling", "closed", "archived"]):
        county.walk(state, at + timedelta(hours=number), person=CANARY, subject=f"欧阳金丝雀反映{state}")
    county.walk(
        "registered", at, person=CANARY, subject="举报某局长", restricted=True, barred=(county.water.pk,)
    )
    county.walk("registered", at, person=CANARY, subject='=HYPERLINK("http://x","点我"),一"件"事')
    return county


class TestWhatIsInside:
    def test_csv_has_every_visible_case_with_labels_and_local_times(self, filled, tmp_path, at):
        done = export(tmp_path / "a.csv", ExportRequest("cases", "csv"), User.objects.system(), at)
        found = read_csv(tmp_path / "a.csv")
        assert done.row_count == len(found) == Case.objects.count() == 7
        by_number = {row["编号"]: row for row in found}
        for case in Case.objects.all():
            row = by_number[case.number]
            assert row["登记时间"] == f"{case.opened_at + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
            assert row["链首"] == case.head
        assert {row["状态"] for row in found} == {"待交办", "退单待定", "办理中", "已办结", "已归档"}
        assert {row["来源"] for row in found} == {"12345"}
        assert {row["类型"] for row in found} == {"求助"}

    def test_formulas_are_defused_in_csv_and_xlsx_but_not_in_json(self, filled, tmp_path, at):
        system = User.objects.system()
        export(tmp_path / "a.csv", ExportRequest("cases", "csv"), system, at)
        export(tmp_path / "a.xlsx", ExportRequest("cases", "xlsx"), system, at)
        export(tmp_path / "a.jsonl", ExportRequest("cases", "jsonl"), system, at)
        title = '=HYPERLINK("http://x","点我"),一"件"事'
        assert "'" + title in {row["标题"] for row in read_csv(tmp_path / "a.csv")}
        sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
        cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
        assert "'" + title in {cell.value for cell in cells}
        assert title in {json.loads(line)["标题"] for line in read_lines(tmp_path / "a.jsonl")}

    @pytest.mark.parametrize("what", ["cases", "events"])
    @pytest.mark.parametrize("file_format", ["csv", "xlsx", "jsonl"])
    def test_no_identity_leaves(self, filled, tmp_path, at, what, file_format):
        path = tmp_path / f"a.{file_format}"
        export(path, ExportRequest(what, file_format), User.objects.system(), at)
        text = path.read_bytes().decode("utf-8", "replace")
        if file_format == "xlsx":
            book = openpyxl.load_workbook(path)
            text = "\n".join(str(cell.value) for row in book.active.iter_rows() for cell in row)
        assert "编号" in text
        for secret in (CANARY.name, CANARY.phone, "雀鸣路", CANARY.email, "某局长", "三号楼"):
            assert secret not in text
        if what == "cases":
            assert RESTRICTED_TITLE in text

    def test_xlsx_and_json_say_the_same_as_csv(self, filled, tmp_path, at):
        system = User.objects.system()
        for file_format in ("csv", "xlsx", "jsonl"):
            export(tmp_path / f"a.{file_format}", ExportRequest("events", file_format), system, at)
        found = read_csv(tmp_path / "a.csv")
        sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
        assert [
            [str(cell or "") for cell in row] for row in sheet.iter_rows(min_row=2, values_only=True)
        ] == [list(row.values()) for row in found]
        said = [json.loads(line) for line in read_lines(tmp_path / "a.jsonl")]
        assert [row["事件"] for row in said] == [row["事件"] for row in found]
        assert said[0]["发生时间"] == f"{at:%Y-%m-%dT%H:%M:%S}+08:00"
        assert said[0]["数据"] == {"source": "12345"}
        assert {"登记", "交办", "退单", "评价满意"} <= {row["事件"] for row in found}

    def test_filters_narrow(self, filled, tmp_path, at):
        system = User.objects.system()

        def count(**filters):
            return count_rows(ExportRequest("cases", "csv", **filters), system)

        assert count(states=("closed", "archived")) == 2
        assert count(unit="housing") == 4
        assert count(since=date(2026, 11, 25)) == 0
        assert count(since=date(2026, 11, 24), until=date(2026, 11, 24)) == 7
        with pytest.raises(ExportRefused, match="没有代码为“nowhere”的单位"):
            count(unit="nowhere")
        with pytest.raises(ExportRefused, match="起始日期晚于截止日期"):
            ExportRequest("cases", "csv", since=date(2026, 2, 1), until=date(2026, 1, 1))

    def test_request_survives_its_options(self):
        request = ExportRequest("events", "xlsx", date(2026, 1, 1), date(2026, 2, 1), "housing", ("closed",))
        assert ExportRequest.of_options(json.loads(json.dumps(request.as_options()))) == request
        assert request.file_name == "办理日志_20260101_20260201.xlsx"


class TestWhoMay:
    def test_exporter_sees_what_is_visible_and_no_restricted_case(self, filled, tmp_path, at):
        done = export(tmp_path / "a.csv", ExportRequest("cases", "csv"), filled.exporter, at)
        assert done.row_count == 6
        assert RESTRICTED_TITLE not in (tmp_path / "a.csv").read_text(encoding="utf-8")

    def test_exporter_of_one_bureau_gets_its_cases_and_their_events(self, filled, tmp_path, at):
        user = User.objects.create_user("bureau")
        Membership.objects.create(user=user, unit=Unit.objects.get(code="housing"), role="exporter")
        visible = set(Case.objects.visible_to(user).values_list("number", flat=True))
        export(tmp_path / "e.csv", ExportRequest("events", "csv"), user, at)
        assert {row["编号"] for row in read_csv(tmp_path / "e.csv")} == visible
        assert 0 < len(visible) < 7

    @pytest.mark.parametrize("who", ["clerk", "leader", "sysadmin", "auditadmin"])
    def test_nobody_else_may(self, filled, tmp_path, at, who):
        with pytest.raises(ExportRefused, match="没有导出员角色"):
            export(tmp_path / "a.csv", ExportRequest("cases", "csv"), getattr(filled, who), at)
        assert list(tmp_path.iterdir()) == []
        assert not ExportRecord.objects.exists()


class TestFile:
    def test_record_says_who_what_how_many_and_which_bytes(self, filled, tmp_path, at):
        request = ExportRequest("cases", "csv", states=("closed",))
        done = export(tmp_path / "a.csv", request, filled.exporter, at)
        kept = ExportRecord.objects.get()
        assert (kept.user, kept.what, kept.format, kept.row_count) == (filled.exporter, "cases", "csv", 1)
        assert kept.filters == {"states": ["closed"]}
        assert kept.file_sha256 == hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()
        assert done.record == kept

    def test_existing_file_is_kept_unless_forced(self, county, tmp_path, at):
        path = tmp_path / "a.csv"
        path.write_text("旧")
        with pytest.raises(ExportRefused, match="已存在"):
            export(path, ExportRequest("cases", "csv"), county.exporter, at)
        assert path.read_text() == "旧"
        export(path, ExportRequest("cases", "csv"), county.exporter, at, force=True)
        assert path.read_text(encoding="utf-8-sig").startswith("编号,")

    def test_file_that_appears_meanwhile_is_not_overwritten(self, county, tmp_path, at, monkeypatch):
        path = tmp_path / "a.csv"
        real = running.record

        def slow(**options):
            path.write_text("别人写的")
            return real(**options)

        monkeypatch.setattr(running, "record", slow)
        with pytest.raises(ExportRefused, match="同名文件"):
            export(path, ExportRequest("cases", "csv"), county.exporter, at)
        assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
        assert path.read_text() == "别人写的"

    def test_failure_leaves_no_file_and_no_record(self, filled, tmp_path, at):
        def told(count):
            raise RuntimeError("disk")

        writing_every = writing.TELL_EVERY
        try:
            writing.TELL_EVERY = 1
            with pytest.raises(RuntimeError):
                export(tmp_path / "a.jsonl", ExportRequest("cases", "jsonl"), filled.exporter, at, told=told)
        finally:
            writing.TELL_EVERY = writing_every
        assert list(tmp_path.iterdir()) == []
        assert not ExportRecord.objects.exists()

    def test_long_table_goes_on_in_a_second_sheet(self, tmp_path, monkeypatch):
        monkeypatch.setattr(writing, "SHEET_ROWS", 4)
        columns = [Column("数", "x", Kind.NUMBER)]
        rows = [(n,) for n in range(7)]
        assert write_xlsx(tmp_path / "a.xlsx", rows, columns, UTC, lambda n: None, "案件") == 7
        book = openpyxl.load_workbook(tmp_path / "a.xlsx")
        assert book.sheetnames == ["案件", "案件2", "案件3"]
        assert [[c.value for c in s["A"]] for s in book] == [["数", 0, 1, 2], ["数", 3, 4, 5], ["数", 6]]

    def test_command(self, filled, tmp_path, capsys):
        path = tmp_path / "a.xlsx"
        call_command(
            "export_log", what="cases", format="xlsx", out=path, username="exporter", since="2026-11-24"
        )
        assert f"已导出 6 行到 {path}" in capsys.readouterr().out
        for options, reason in [
            ({"username": "nobody"}, "没有可用的用户"),
            ({"username": "clerk"}, "没有导出员角色"),
            ({"since": "昨天"}, "不是日期"),
            ({}, "已存在"),
        ]:
            with pytest.raises(CommandError, match=reason):
                call_command("export_log", **{"what": "cases", "out": path, **options})


def verify_log():
    out = StringIO()
    call_command("verify_log", stdout=out)
    return out.getvalue()


class TestRecords:
    def test_chain_holds_and_tampering_is_found(self, county, tmp_path, at):
        for number in range(3):
            export(tmp_path / f"{number}.csv", ExportRequest("cases", "csv"), county.exporter, at)
        assert list(ExportRecord.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]
        assert records.check().problem == ""
        first = ExportRecord.objects.get(seq=1)
        connection.check_constraints()  # a table with checks pending cannot be altered
        with transaction.atomic(), lowered_guards(connection):
            ExportRecord.objects.filter(seq=2).update(row_count=99)
            connection.check_constraints()
        assert records.check() == Checked(1, first.digest, "第 2 条：内容与摘要不符，已被改动")
        with pytest.raises(CommandError, match=r"^导出记录不符，第 2 条：内容与摘要不符，已被改动$"):
            verify_log()

    def test_a_record_cut_out_and_an_unknown_algorithm_are_found(self, county, tmp_path, at):
        for number in range(3):
            export(tmp_path / f"{number}.csv", ExportRequest("cases", "csv"), county.exporter, at)
        connection.check_constraints()
        with transaction.atomic(), lowered_guards(connection):
            ExportRecord.objects.filter(seq=3).update(digest="md5:0")
            connection.check_constraints()
        assert records.check().problem == "第 3 条：摘要算法“md5”不可识别"
        with transaction.atomic(), lowered_guards(connection):
            ExportRecord.objects.filter(seq=2).delete()
            connection.check_constraints()
        assert records.check().problem == "第 2 条：序号应为 2，实为 3，中间有缺失"

    def test_the_command_says_how_many_records_there_are_and_where_they_end(self, county, tmp_path, at):
        assert "导出记录 0 条，链完整\n" in verify_log()
        for number in range(2):
            export(tmp_path / f"{number}.csv", ExportRequest("cases", "csv"), county.exporter, at)
        newest = ExportRecord.objects.get(seq=2)
        assert f"导出记录 2 条，链完整，最后一条的摘要：{newest.digest}\n" in verify_log()

    @pytest.mark.parametrize(
        "change",
        ["UPDATE opinion_exportrecord SET user_id = user_id + 1", "DELETE FROM opinion_exportrecord"],
    )
    def test_record_cannot_be_changed_or_deleted(self, county, tmp_path, at, change):
        export(tmp_path / "a.csv", ExportRequest("cases", "csv"), county.exporter, at)
        with (
            pytest.raises(DatabaseError, match="导出记录只能追加"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
        assert ExportRecord.objects.get().user == county.exporter

    @pytest.mark.postgres
    def test_records_cannot_be_truncated(self, county, tmp_path, at):
        export(tmp_path / "a.csv", ExportRequest("cases", "csv"), county.exporter, at)
        connection.check_constraints()
        with (
            pytest.raises(DatabaseError, match="导出记录只能追加"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("TRUNCATE opinion_exportrecord CASCADE")

    def test_number_taken_meanwhile_is_not_given_twice(self, county, at, monkeypatch):
        def one(**more):
            return records.record(
                user=county.exporter, what="cases", file_format="csv", filters={}, row_count=0, file_sha256="0" * 64,
                at=at, **more,
            )  # fmt: skip

        real = records._digest
        rival: list[Any] = []

        def racing(*args):
            if not rival:
                rival.append(None)
                rival.append(one())
            return real(*args)

        monkeypatch.setattr(records, "_digest", racing)
        assert one().seq == 2
        assert rival[1].seq == 1
        assert records.check().problem == ""


@pytest.mark.postgres
@pytest.mark.django_db
class TestCopy:
    """PostgreSQL writes the file itself; it must be the file that Python would have written."""

    @pytest.mark.parametrize("what", ["cases", "events"])
    def test_same_bytes_as_python(self, filled, tmp_path, what):
        system = User.objects.system()
        rows, columns = table(ExportRequest(what, "csv"), system)
        zone = "Asia/Shanghai"
        with (tmp_path / "a").open("wb") as a, (tmp_path / "b").open("wb") as b:
            copied, written = HashingFile(a), HashingFile(b)
            count = copy_csv(copied, rows, columns, zone, lambda n: None)
            assert write_csv(written, rows, columns, ZoneInfo(zone), lambda n: None) == count
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
        assert copied.hexdigest == written.hexdigest

    def test_formula_rule_is_the_same_in_sql(self):
        texts = [
            "", "a", "=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", " =1", "\u3000＝1",
            "\ufeff=1", "\u200b=1", "\u00a0-1", "a=1", "'=1", "  a", "\u2003=1", " \n@", "\f=1", "\v=1", "甲", '"=1"', "\\",
        ]  # fmt: skip
        column = Column("x", "x")
        for text in texts:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT {column.sql('q.x', 'UTC')} FROM (SELECT {literal(text)}::text AS x) q"
                )
                assert (cursor.fetchone()[0] or "") == escape_formula(text), repr(text)

    def test_labels_with_quotes_and_unknown_codes(self):
        column = Column("x", "x", Kind.LABEL, {"a": "甲'\"\\", "b": "=乙", "c": ""})
        said = {}
        for code in ("a", "b", "c", "=d"):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT {column.sql('q.x', 'UTC')} FROM (SELECT {literal(code)}::text AS x) q"
                )
                said[code] = cursor.fetchone()[0] or ""
        assert said == {code: column.text(code, UTC) for code in said}
        assert said == {"a": "甲'\"\\", "b": "'=乙", "c": "", "=d": "'=d"}


def test_headers_are_chinese_and_unique(county):
    for what in ("cases", "events"):
        headers = [column.header for column in table(ExportRequest(what, "csv"), User.objects.system())[1]]
        assert len(set(headers)) == len(headers)
        assert all(re.fullmatch(r"[\u4e00-\u9fff]+", header) for header in headers)
