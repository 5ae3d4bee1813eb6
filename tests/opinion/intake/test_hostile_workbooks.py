"""Workbooks made to hurt are refused within limits; the process that asked for them goes on."""

import logging
import resource
import struct
import time
import zipfile

import pytest

from opinion.intake import archive, convert
from opinion.intake.cells import FlawedCell
from opinion.intake.limits import MEBIBYTE, ReadLimits, SheetRefused
from opinion.intake.sheets import open_sheet
from tests.opinion.intake.files import SMALL_SHEET, inline_cell, sheet_xml, write_parts, write_xlsx

TIGHT = ReadLimits(memory_bytes=512 * MEBIBYTE, wall_seconds=20, cpu_seconds=15)


def refusal(path, limits=TIGHT):
    with pytest.raises(SheetRefused) as caught:
        open_sheet(path, limits=limits)
    return caught.value.code


def test_plain_workbook_made_of_the_same_parts_is_read(tmp_path):
    with open_sheet(write_parts(tmp_path / "a.xlsx"), limits=TIGHT) as sheet:
        assert (sheet.headers, list(sheet.rows())) == (("留言详情",), [(2, ("路灯坏了",))])


def test_zip_bomb_is_refused_by_its_ratio(tmp_path):
    path = write_parts(tmp_path / "a.xlsx", extra={"xl/media/big.bin": bytes(40 * MEBIBYTE)})
    assert path.stat().st_size < MEBIBYTE
    assert refusal(path) == "bomb"


def test_many_harmless_parts_that_add_up_are_refused(tmp_path):
    extra = {f"xl/media/{n}.bin": bytes(2 * MEBIBYTE) for n in range(6)}
    path = write_parts(tmp_path / "a.xlsx", extra=extra)
    assert refusal(path, ReadLimits(max_uncompressed_bytes=10 * MEBIBYTE)) == "bomb"


def test_bomb_that_lies_about_its_size_is_refused_while_inflating(tmp_path):
    path = write_parts(
        tmp_path / "a.xlsx", sheet_xml(f"<row r='1'>{inline_cell('A1', 'x' * 12 * MEBIBYTE)}</row>")
    )
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as book:
        told = book.getinfo("xl/worksheets/sheet1.xml").file_size
    # Every place that tells the inflated size now says 1000 bytes.
    for at in range(len(content) - 4):
        if content[at : at + 4] == struct.pack("<L", told):
            content[at : at + 4] = struct.pack("<L", 1000)
    path.write_bytes(content)
    assert refusal(path) == "damaged"


def test_entry_count_is_limited_before_a_list_is_built(tmp_path):
    path = write_parts(tmp_path / "a.xlsx", extra={f"xl/x{n}.xml": b"" for n in range(1200)})
    assert refusal(path) == "too_many_parts"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.xml",
        "/etc/evil.xml",
        "xl\\..\\evil.xml",
        "C:/evil.xml",
        "XL/Workbook.xml",
        "xl/embeddings/a.zip",
    ],
)
def test_unsafe_names_are_refused(tmp_path, name):
    assert refusal(write_parts(tmp_path / "a.xlsx", extra={name: b"x"})) == "unsafe_names"


def test_duplicate_names_are_refused(tmp_path):
    path = write_parts(tmp_path / "a.xlsx")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as book:
        book.writestr("xl/worksheets/sheet1.xml", SMALL_SHEET)
    assert refusal(path) == "unsafe_names"


def test_encrypted_entry_is_refused(tmp_path):
    path = write_parts(tmp_path / "a.xlsx")
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    assert refusal(path) == "encrypted"


def test_zip_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("readme.txt", "x")
    assert refusal(path) == "not_xlsx"


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_workbook_cut_short_is_refused(tmp_path, kept):
    path = write_xlsx(
        tmp_path / "a.xlsx", [("留言编号", "留言详情"), *((str(n), f"第{n}盏路灯") for n in range(500))]
    )
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert refusal(path) == "damaged"


def test_workbook_with_a_flipped_byte_is_refused(tmp_path):
    path = write_parts(
        tmp_path / "a.xlsx", sheet_xml(f"<row r='1'>{inline_cell('A1', 'abcdefgh' * 200)}</row>")
    )
    with zipfile.ZipFile(path) as book:
        part = book.getinfo("xl/worksheets/sheet1.xml")
        middle = part.header_offset + 30 + len(part.filename) + part.compress_size // 2
    content = bytearray(path.read_bytes())
    content[middle] ^= 0xFF
    path.write_bytes(content)
    assert refusal(path) == "damaged"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    ],
)
def test_entities_in_a_sheet_are_refused(tmp_path, declaration):
    xml = sheet_xml(f"<row r='1'>{inline_cell('A1', '留言详情')}</row>", before=declaration)
    assert refusal(write_parts(tmp_path / "a.xlsx", xml)) == "entities"


def test_declaration_across_a_chunk_boundary_is_seen(tmp_path):
    padding = f"<!--{'x' * (archive._CHUNK - 10)}--><!DOCTYPE x>"
    assert refusal(write_parts(tmp_path / "a.xlsx", sheet_xml("", before=padding))) == "entities"


def far_apart(path, reference):
    last = f"<row r='1048576'>{inline_cell(reference, 'x')}</row>"
    return write_parts(path, sheet_xml(f"<row r='1'>{inline_cell('A1', '留言详情')}</row>{last}"))


def test_cells_in_opposite_corners_of_a_sheet_are_refused_within_limits(tmp_path):
    started = time.monotonic()
    assert refusal(far_apart(tmp_path / "a.xlsx", "XFD1048576")) == "too_heavy"
    assert time.monotonic() - started < 20


def test_a_cell_at_the_end_of_the_first_column_is_read_within_limits(tmp_path):
    with open_sheet(far_apart(tmp_path / "a.xlsx", "A1048576"), limits=TIGHT) as sheet:
        assert list(sheet.rows()) == [(1_048_576, ("x",))]


def test_hundreds_of_columns_are_refused(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [[f"列{n}" for n in range(201)]])
    assert refusal(path) == "too_many_columns"


def test_memory_limit_of_the_worker_becomes_a_refusal(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    rows = "".join(f"<row r='{n}'>{inline_cell(f'A{n}', 'x' * 30_000)}</row>" for n in range(1, 3000))
    path = write_parts(tmp_path / "a.xlsx", sheet_xml(rows))
    limits = ReadLimits(memory_bytes=100 * MEBIBYTE, max_ratio=100_000)
    assert refusal(path, limits) == "too_heavy"
    assert [record.name for record in caplog.records] == ["opinion.intake.convert"]


def test_wall_clock_limit_becomes_a_refusal(tmp_path):
    path = write_parts(tmp_path / "a.xlsx")
    assert refusal(path, ReadLimits(wall_seconds=0)) == "too_heavy"


def test_processor_time_limit_becomes_a_refusal(tmp_path, monkeypatch):
    monkeypatch.setattr(convert, "_WORKER", "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from opinion.intake.limits import ReadLimits\nfrom opinion.intake.workbook import confine\n"
        "confine(ReadLimits(cpu_seconds=1))\nwhile True: pass")  # fmt: skip
    assert refusal(write_parts(tmp_path / "a.xlsx")) == "too_heavy"


@pytest.mark.parametrize("end", ["os.abort()", "os._exit(3)", "raise RuntimeError('x')"])
def test_crash_of_the_worker_becomes_a_refusal(tmp_path, monkeypatch, end):
    monkeypatch.setattr(convert, "_WORKER", f"import os; {end}")
    assert refusal(write_parts(tmp_path / "a.xlsx")) == "damaged"


def test_worker_imports_no_django_and_no_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HUIYIN_CANARY", "secret")
    probe = (
        "import json, os, sys; sys.path.insert(0, sys.argv.pop(1)); import opinion.intake.workbook, python_calamine;"
        "found = [m for m in sys.modules if m.partition('.')[0] in ('django', 'config')] + list(os.environ);"
        "print(json.dumps({'refused': ['probe', repr(found)]}))"
    )
    monkeypatch.setattr(convert, "_WORKER", probe)
    with pytest.raises(SheetRefused) as caught:
        open_sheet(write_parts(tmp_path / "a.xlsx"))
    assert caught.value.code == "probe"
    assert "django" not in caught.value.reason
    assert "HUIYIN_CANARY" not in caught.value.reason


def test_error_cells_are_flawed_not_empty(tmp_path):
    rows = (
        f"<row r='1'>{inline_cell('B1', '留言编号')}{inline_cell('C1', '留言详情')}</row>"
        f'<row r="2"><c r="B2" t="e"><v>#N/A</v></c>{inline_cell("C2", "路灯")}</row>'
        f"<row r='3'>{inline_cell('B3', '2')}<c r='C3' s='1' t='e'><v>#REF!</v></c></row>"
    )
    with open_sheet(write_parts(tmp_path / "a.xlsx", sheet_xml(rows))) as sheet:
        (_, second), (_, third) = sheet.rows()
    assert [type(cell) for cell in (*second, *third)] == [FlawedCell, str, str, FlawedCell]
    assert isinstance(second[0], FlawedCell)
    assert "公式错误" in second[0].reason


def test_escaped_characters_of_a_workbook_are_restored(tmp_path):
    text = "甲_x000D_乙_x0000_丙_x005F_x000D_"
    rows = f"<row r='1'>{inline_cell('A1', '留言详情')}</row><row r='2'>{inline_cell('A2', text)}</row>"
    with open_sheet(write_parts(tmp_path / "a.xlsx", sheet_xml(rows))) as sheet:
        assert list(sheet.rows()) == [(2, ("甲\r乙\0丙_x000D_",))]


def test_parent_memory_stays_flat_while_streaming(tmp_path):
    def peak_mebibytes():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    body = "东街的路灯坏了很久，晚上看不见路，请尽快派人来修。" * 12
    path = write_xlsx(
        tmp_path / "a.xlsx", [("留言编号", "留言详情"), *((str(n), f"{n}{body}") for n in range(20_000))]
    )
    before = peak_mebibytes()
    with open_sheet(path) as sheet:
        assert sum(1 for _ in sheet.rows()) == 20_000
    # Twenty thousand such rows are 12 MB of text and several times that as objects.
    assert peak_mebibytes() - before < 8
