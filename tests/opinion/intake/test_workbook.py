"""The worker's own code, called in this process on files that are safe to open here."""

import io
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from opinion.intake import workbook
from opinion.intake.limits import ReadLimits, SheetRefused
from tests.opinion.intake.files import (
    HEADINGS,
    MESSAGE,
    inline_cell,
    sheet_xml,
    write_parts,
    write_xls,
    write_xlsx,
)

LIMITS = ReadLimits()


@pytest.mark.parametrize(
    ("value", "frozen"),
    [
        ("", None),
        ("留言", "留言"),
        (True, "TRUE"),
        (False, "FALSE"),
        (24.0, "24"),
        (24, "24"),
        (-3.0, "-3"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (123456789012345.0, "123456789012345"),
        (date(2026, 3, 5), ["d", "2026-03-05T00:00:00"]),
        (time(9, 5), "09:05:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
    ],
)
def test_freeze_gives_what_a_person_sees_in_the_cell(value, frozen):
    assert workbook.freeze(value, LIMITS) == frozen


def test_freeze_rounds_the_noise_of_stored_days_away():
    noisy = datetime(2026, 3, 5, 11, 25, 4, 999_995)  # noqa: DTZ001 -- a date cell has no zone
    assert workbook.freeze(noisy, LIMITS) == ["d", "2026-03-05T11:25:05"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e15, -(10**20), "长" * 50_001])
def test_freeze_marks_what_cannot_be_trusted(value):
    frozen = workbook.freeze(value, LIMITS)
    assert isinstance(frozen, list)
    mark, text, reason = frozen
    assert mark == "f"
    assert len(text) <= 100
    assert reason


def convert(path, sheet_name="", limits=LIMITS):
    out = io.StringIO()
    outcome = workbook.convert(path, limits, sheet_name, out)
    return outcome, [json.loads(line) for line in out.getvalue().splitlines()]


def test_convert_writes_one_line_per_filled_row(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADINGS, (), (24, *MESSAGE[1:4], "第一段\n第二段")])
    outcome, rows = convert(path)
    assert outcome == {"rows": 2, "sheet": "留言", "others": []}
    assert rows == [[1, list(HEADINGS)], [3, ["24", *MESSAGE[1:4], "第一段\n第二段"]]]


def test_convert_reads_old_workbooks_too(tmp_path):
    outcome, rows = convert(write_xls(tmp_path / "a.xls", [HEADINGS, (24.0, *MESSAGE[1:])]))
    assert outcome == {"rows": 2, "sheet": "留言", "others": []}
    assert rows[1] == [2, list(MESSAGE)]


def test_convert_takes_the_first_visible_sheet_with_content(tmp_path):
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("封面")
        hidden = book.add_worksheet("字典")
        hidden.write_string(0, 0, "隐藏")
        hidden.hide()
        book.add_worksheet("三月").write_string(0, 0, "留言详情")
        book.add_worksheet("四月").write_string(0, 0, "留言内容")
    outcome, rows = convert(path)
    assert outcome == {"rows": 1, "sheet": "三月", "others": ["封面", "四月"]}
    assert rows == [[1, ["留言详情"]]]
    assert convert(path, "字典")[1] == [[1, ["隐藏"]]]
    with pytest.raises(SheetRefused, match="没有名为“五月”"):
        convert(path, "五月")


def test_convert_marks_error_cells_of_the_sheet_it_reads(tmp_path):
    rows = f"<row r='2'>{inline_cell('B2', '甲')}<c r='AC2' t='e'><v>#N/A</v></c></row>"
    _, lines = convert(write_parts(tmp_path / "a.xlsx", sheet_xml(rows)))
    number, cells = lines[0]
    assert (number, cells[0], cells[1:27]) == (2, "甲", [None] * 26)
    assert cells[27][:2] == ["f", ""]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ReadLimits(max_columns=4), "too_many_columns"),
        (ReadLimits(max_rows=1), "too_many_rows"),
        (ReadLimits(max_uncompressed_bytes=1000), "bomb"),
        (ReadLimits(max_entries=3), "too_many_parts"),
    ],
)
def test_convert_refuses_past_its_limits(tmp_path, limits, code):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADINGS, MESSAGE])
    with pytest.raises(SheetRefused) as caught:
        convert(path, limits=limits)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda content: content[:-30], "damaged"),
        (lambda content: content[: len(content) // 2], "damaged"),
        (lambda content: b"PK\x05\x06" + bytes(18), "not_xlsx"),
        (lambda content: b"PK\x05\x06" + bytes(6) + b"\xff\xff" * 2 + bytes(8), "damaged"),
    ],
)
def test_convert_refuses_what_is_not_whole(tmp_path, change, code):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADINGS, MESSAGE])
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(SheetRefused) as caught:
        convert(path)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"../a.xml": b""}, "unsafe_names"),
        ({"xl/embeddings/a.docx": b""}, "unsafe_names"),
        ({"xl/x.xml": b"<!DOCTYPE"}, "entities"),
    ],
)
def test_convert_refuses_suspicious_parts(tmp_path, extra, code):
    with pytest.raises(SheetRefused) as caught:
        convert(write_parts(tmp_path / "a.xlsx", extra=extra))
    assert caught.value.code == code


def test_convert_refuses_what_the_parser_cannot_read(tmp_path):
    with pytest.raises(SheetRefused) as caught:
        convert(write_parts(tmp_path / "a.xlsx", "<worksheet><sheetData><row></c></row>"))
    assert caught.value.code == "damaged"


def test_convert_refuses_an_empty_workbook(tmp_path):
    with pytest.raises(SheetRefused) as caught:
        convert(write_xlsx(tmp_path / "a.xlsx", []))
    assert caught.value.code == "empty"


def test_worker_lowers_its_own_limits_before_reading():
    root = Path(workbook.__file__).parents[2]
    program = (
        "import json, resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "from opinion.intake.limits import ReadLimits; from opinion.intake.workbook import confine\n"
        "confine(ReadLimits(**json.loads(sys.argv[2])))\n"
        "print(json.dumps([resource.getrlimit(getattr(resource, 'RLIMIT_' + n))[0]"
        " for n in ('AS', 'CPU', 'FSIZE', 'CORE')]))"
    )
    told = subprocess.run(
        [sys.executable, "-I", "-c", program, str(root), json.dumps(asdict(LIMITS))],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    assert json.loads(told.stdout) == [LIMITS.memory_bytes, 60, 2 * LIMITS.max_uncompressed_bytes, 0]


def test_main_reports_refusals_on_standard_output(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(workbook, "confine", lambda limits: None)
    path = write_xlsx(tmp_path / "a.xlsx", [HEADINGS, MESSAGE])
    for limits, outcome in (
        (LIMITS, {"rows": 2, "sheet": "留言", "others": []}),
        (ReadLimits(max_rows=1), {"refused": ["too_many_rows", "超过 1 行，请拆分成几个文件再上传"]}),
    ):
        descriptor = os.open(tmp_path / "rows", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        assert workbook.main([str(path), json.dumps(asdict(limits)), "", str(descriptor)]) == 0
        assert json.loads(capsys.readouterr().out) == outcome
