"""Sheets become cases: each message once, every problem named, nothing half done."""

import csv
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from opinion.intake import importing
from opinion.intake.headers import map_headers
from opinion.intake.importing import ImportCounts, SheetImport
from opinion.intake.problems import RowProblem
from opinion.intake.registration import ImportPlan
from opinion.intake.sheets import open_sheet
from opinion.models import Contact, Link, Message
from opinion.registering import Incoming, register_many
from tests.factories.world import make_world
from tests.opinion.intake.files import HEADINGS, MESSAGE, write_csv, write_parts, write_xlsx
from workflows.chain import text_digest
from workflows.models import Case, Clock, Event, Note, User
from workflows.models.unit import Unit


def rows(count, start=0):
    return [
        (str(n), f"A{n}", f"第{n}件", "2026/3/5 9:05:00", f"第{n}件事的内容。")
        for n in range(start, start + count)
    ]


def run(path, at, **more):
    """Import a file as the system at the root desk; the counts and the problems."""
    problems: list[RowProblem] = []
    plan = ImportPlan("lb", Unit.objects.root(), User.objects.system(), at, more.pop("clocks", "registered"))
    with open_sheet(path) as sheet:
        job = SheetImport(
            sheet, map_headers(sheet.headers, more.pop("mapping", {})), plan, problems.append, **more
        )
        counts = job.run()
    return counts, problems


def command(path, capsys, **options):
    call_command("import_messages", str(path), source=options.pop("source", "lb"), **options)
    return capsys.readouterr().out


@pytest.mark.django_db
class TestOneImport:
    def test_registers_message_contact_case_event_and_clock(self, tmp_path, at):
        counts, problems = run(write_xlsx(tmp_path / "a.xlsx", [HEADINGS, MESSAGE]), at)
        assert (counts, problems) == (ImportCounts(read=1, registered=1), [])
        message = Message.objects.get()
        assert (message.source, message.external_number, message.subject) == ("lb", "24", "路灯不亮")
        assert message.received_at.isoformat() == "2026-03-05T01:05:00+00:00"
        case = Case.objects.get()
        assert (case.state, case.opened_at, case.desk) == ("registered", at, Unit.objects.root())
        assert Event.objects.get().name == "message.registered"
        assert Contact.objects.filter(case=case).count() == 1
        assert set(Clock.objects.values_list("started_at", flat=True)) == {at}

    def test_second_run_registers_nothing(self, tmp_path, at):
        path = write_csv(tmp_path / "a.csv", [HEADINGS, *rows(25)])
        assert run(path, at)[0].registered == 25
        assert run(path, at)[0] == ImportCounts(read=25, existing=25)
        assert Case.objects.count() == 25

    def test_rows_without_number_are_known_again(self, tmp_path, at):
        path = write_csv(tmp_path / "a.csv", [("留言详情",), ("同一句话",), ("同一句话",), ("另一句话",)])
        assert run(path, at)[0] == ImportCounts(read=3, registered=3, incomplete=3)
        assert run(path, at)[0] == ImportCounts(read=3, existing=3, incomplete=3)
        assert Link.objects.filter(kind="duplicate_hint").count() == 1

    def test_same_number_of_another_source_is_another_message(self, tmp_path, at, capsys):
        path = write_csv(tmp_path / "a.csv", [HEADINGS, *rows(1)])
        command(path, capsys)
        assert "登记 1" in command(path, capsys, source="12345")

    def test_clocks_may_start_when_the_message_was_sent(self, tmp_path, at):
        run(write_csv(tmp_path / "a.csv", [HEADINGS, MESSAGE]), at, clocks="received")
        assert set(Clock.objects.values_list("started_at", flat=True)) == {Message.objects.get().received_at}

    def test_missing_fields_are_reported_and_stay_empty(self, tmp_path, at):
        lacking = ("", "", "", "", "只有内容")
        counts, problems = run(write_csv(tmp_path / "a.csv", [HEADINGS, MESSAGE, lacking]), at)
        assert (counts.registered, counts.incomplete) == (2, 1)
        found = Message.objects.get(external_number="")
        assert (found.subject, found.received_at) == ("", None)
        assert not Contact.objects.filter(case=found.case).exists()
        assert sorted((p.row_number, p.column) for p in problems) == [
            (3, "留言主题"),
            (3, "留言时间"),
            (3, "留言用户"),
            (3, "留言编号"),
        ]

    def test_broken_row_harms_no_other(self, tmp_path, at):
        bad = ("25", "A1", "坏日期", "去年夏天", "内容")
        counts, problems = run(write_csv(tmp_path / "a.csv", [HEADINGS, *rows(2), bad, *rows(2, 2)]), at)
        assert (counts.registered, counts.failed) == (4, 1)
        assert [(p.row_number, p.column, p.severity) for p in problems] == [(4, "留言时间", "error")]

    def test_labels_become_codes_and_unknown_ones_a_warning(self, tmp_path, at):
        head = (*HEADINGS, "一级标签", "留言类型")
        sheet = [
            head,
            (*MESSAGE, "城乡建设", "求助"),
            ("25", *MESSAGE[1:4], "另一件", "张三的事", "consult"),
        ]
        _, problems = run(write_csv(tmp_path / "a.csv", sheet), at)
        assert list(Message.objects.order_by("case").values_list("domain", "type")) == [
            ("urban", "help"),
            ("", "consult"),
        ]
        [warning] = problems
        assert (warning.row_number, warning.column, warning.severity) == (3, "一级标签", "warning")
        assert "张三" not in warning.reason
        assert Case.objects.get(message__domain="urban").facts["type"] == "help"

    def test_text_longer_than_its_column_is_cut_and_said(self, tmp_path, at):
        subject = "路" * 300
        _, problems = run(
            write_csv(tmp_path / "a.csv", [HEADINGS, (*MESSAGE[:2], subject, *MESSAGE[3:])]), at
        )
        assert Message.objects.get().subject == "路" * 200
        assert [(p.column, p.severity) for p in problems] == [("留言主题", "warning")]

    def test_historical_reply_is_kept_as_a_note_and_answers_nothing(self, tmp_path, at):
        sheet = [(*HEADINGS, "答复意见", "答复时间"), (*MESSAGE, "已经修好。", "2026/3/9 10:00:00")]
        run(write_csv(tmp_path / "a.csv", sheet), at)
        note, event = Note.objects.get(), Event.objects.get()
        assert (note.kind, note.text, note.seq) == ("earlier_reply", "已经修好。", 1)
        assert note.written_at.isoformat() == "2026-03-09T02:00:00+00:00"
        assert event.data["earlier_reply"] == text_digest("已经修好。")
        assert Case.objects.get().state == "registered"

    def test_dry_run_counts_and_writes_nothing(self, tmp_path, at):
        path = write_csv(tmp_path / "a.csv", [HEADINGS, *rows(3)])
        assert run(path, at, dry_run=True)[0] == ImportCounts(read=3, registered=3)
        assert not Case.objects.exists()
        run(write_csv(tmp_path / "b.csv", [HEADINGS, *rows(2)]), at)
        assert run(path, at, dry_run=True)[0] == ImportCounts(read=3, registered=1, existing=2)

    def test_chunks_are_separate_transactions(self, tmp_path, at, monkeypatch):
        """What breaks in the third chunk leaves the first two as they are."""
        monkeypatch.setattr(importing, "CHUNK", 10)
        path = write_csv(tmp_path / "a.csv", [HEADINGS, *rows(30)])
        seen = []

        def committing(last_row):
            seen.append(last_row)
            if len(seen) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(path, at, committing=committing)
        assert seen == [11, 21, 31]
        assert Case.objects.count() == 20
        assert run(path, at)[0] == ImportCounts(read=30, registered=10, existing=20)

    def test_key_that_appears_between_looking_and_writing_is_passed_over(self, tmp_path, at, monkeypatch):
        """Another import won the race for one row: the chunk is tried again without it."""
        look = SheetImport._new
        looked: list[int] = []

        def racing(self, chunk):
            new = look(self, chunk)
            if not looked:
                looked.append(1)
                rival = Incoming(
                    source="lb", external_key="1", body="别处先登记了", desk=self.plan.desk.pk, at=at
                )
                register_many([rival], by=self.plan.by)
            return new

        monkeypatch.setattr(SheetImport, "_new", racing)
        counts, _ = run(write_csv(tmp_path / "a.csv", [HEADINGS, *rows(3)]), at)
        assert counts == ImportCounts(read=3, registered=2, existing=1)
        assert Message.objects.filter(external_key="1").count() == 1


@pytest.mark.django_db
class TestCommand:
    def test_says_what_became_of_the_rows(self, tmp_path, capsys):
        out = command(write_csv(tmp_path / "a.csv", [HEADINGS, *rows(3), rows(1)[0]]), capsys)
        assert "读取 4，登记 3，已存在 0，有缺项 0，出错 0，重复 1" in out
        assert "每秒" in out

    def test_errors_go_to_a_file_that_is_formula_safe(self, tmp_path, capsys):
        head = (*HEADINGS[:3], "=留言时间", HEADINGS[4])
        path = write_csv(tmp_path / "a.csv", [head, (*MESSAGE[:3], "何时", MESSAGE[4])])
        command(path, capsys, errors=tmp_path / "问题.csv", map=["received_at==留言时间"])
        text = (tmp_path / "问题.csv").read_text(encoding="utf-8")
        assert list(csv.reader(text.removeprefix("\ufeff").splitlines())) == [
            ["行号", "列", "级别", "原因"],
            ["2", "'=留言时间", "错误", "看不懂的时间，请写成 2026-03-05 09:30 这样的格式"],
        ]

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda path: path.write_bytes(b""), "文件是空的"),
            (lambda path: path.write_bytes(b"%PDF-1.7"), "PDF"),
            (lambda path: write_parts(path).write_bytes(path.read_bytes()[:-200]), "文件未导入"),
            (lambda path: write_parts(path, sheet=b"<worksheet>" + b" " * 600_000_000), "文件未导入"),
        ],
        ids=["empty", "pdf", "cut short", "zip bomb"],
    )
    def test_refused_file_leaves_nothing_behind(self, tmp_path, make, reason):
        path = tmp_path / "a.xlsx"
        make(path)
        with pytest.raises(CommandError, match=reason):
            call_command("import_messages", str(path), source="lb", errors=tmp_path / "e.csv")
        assert not Case.objects.exists()
        assert not (tmp_path / "e.csv").exists()

    def test_file_without_contents_column_is_refused_with_the_way_out(self, tmp_path, capsys):
        path = write_csv(tmp_path / "a.csv", [("编号", "诉求全文"), ("1", "路灯不亮")])
        with pytest.raises(CommandError, match="--map body=表头"):
            command(path, capsys)
        assert "登记 1" in command(path, capsys, map=["body=诉求全文"])
        assert Message.objects.get().body == "路灯不亮"

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"source": "weibo"}, "没有来源“weibo”"),
            ({"desk": "nowhere"}, "不是受理台"),
            ({"map": ["body"]}, "字段=表头"),
            ({"map": ["body=没有的列"]}, "没有的列"),
        ],
    )
    def test_wrong_option_is_named(self, tmp_path, capsys, options, reason):
        path = write_csv(tmp_path / "a.csv", [HEADINGS, MESSAGE])
        with pytest.raises(CommandError, match=reason):
            command(path, capsys, **options)
        assert not Case.objects.exists()

    def test_desk_of_the_county_takes_the_messages(self, county, tmp_path, capsys):
        command(write_csv(tmp_path / "a.csv", [HEADINGS, MESSAGE]), capsys, desk="desk")
        assert Case.objects.get().desk == county.desk

    def test_missing_file_is_a_sentence(self):
        with pytest.raises(CommandError, match="没有这个文件"):
            call_command("import_messages", "不存在.xlsx", source="lb")

    def test_statements_do_not_grow_with_the_rows_of_a_chunk(
        self, tmp_path, at, django_assert_max_num_queries
    ):
        """Set-based: thirty rows take no more statements than ten."""
        run(write_csv(tmp_path / "a.csv", [HEADINGS, *rows(1, 900)]), at)
        path = write_csv(tmp_path / "b.csv", [HEADINGS, *rows(30)])
        with django_assert_max_num_queries(28):
            run(path, at)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_register_each_row_once(tmp_path, at, monkeypatch):
    make_world()
    monkeypatch.setattr(importing, "CHUNK", 50)
    path = write_csv(Path(tmp_path) / "a.csv", [HEADINGS, *rows(400)])
    results: list[ImportCounts] = []

    def work():
        try:
            results.append(run(path, at + timedelta(minutes=1))[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Case.objects.count() == Message.objects.count() == 400
    assert sum(counts.registered for counts in results) == 400
    assert sum(counts.existing for counts in results) == 800
