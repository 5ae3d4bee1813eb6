"""Files of every kind are told apart by content and read whole or not at all."""

import codecs
from datetime import datetime

import pytest

from opinion.intake.cells import FlawedCell
from opinion.intake.limits import ReadLimits, SheetRefused
from opinion.intake.sheets import open_sheet
from tests.opinion.intake.files import HEADINGS, MESSAGE, write_csv, write_xls, write_xlsx

# Date cells carry no zone, which is the point of these two.
WITH_TIME = datetime(2026, 3, 5, 9, 5, 59)  # noqa: DTZ001
DAY_ONLY = datetime(2026, 3, 5)  # noqa: DTZ001

TABLE = [
    HEADINGS,
    MESSAGE,
    ("25", "A0002", "井盖松动", "2026/3/6 10:00:00", "西街井盖\n晚上很响，分号;逗号,都有。"),
]


def read(path, **options):
    with open_sheet(path, **options) as sheet:
        return list(sheet.rows())


def refusal(path, **options):
    with pytest.raises(SheetRefused) as caught:
        open_sheet(path, **options)
    assert caught.value.reason == str(caught.value)
    assert caught.value.reason.endswith(("上传", "引号", "列", "读取", "空的", "内容", "）", "csv", "工作表"))
    return caught.value.code


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_in_any_encoding_and_separator(tmp_path, encoding, found, delimiter):
    path = write_csv(tmp_path / "a.csv", TABLE, encoding=encoding, delimiter=delimiter)
    with open_sheet(path) as sheet:
        assert (sheet.kind, sheet.encoding) == ("csv", found)
        assert sheet.headers == HEADINGS
        assert list(sheet.rows()) == [(2, TABLE[1]), (3, TABLE[2])]


def test_csv_in_utf16_big_endian_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF16_BE + "留言编号,留言详情\n1,路灯\n".encode("utf-16-be"))
    assert read(path) == [(2, ("1", "路灯"))]


def test_csv_of_one_column_keeps_its_punctuation(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('留言详情\n"路灯坏了, 请修; 谢谢"\n', encoding="utf-8")
    assert read(path) == [(2, ("路灯坏了, 请修; 谢谢",))]


def test_csv_without_final_newline_keeps_its_last_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('留言编号,留言详情\n1,"路灯"', encoding="utf-8")
    assert read(path) == [(2, ("1", "路灯"))]


def test_csv_cut_inside_a_quote_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('留言编号,留言详情\n1,路灯\n2,"井盖坏了，\n请', encoding="utf-8")
    assert refusal(path) == "truncated"


def test_csv_cut_inside_a_character_is_refused_and_not_taken_for_gb18030(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("留言编号,留言详情\n1,路灯坏了".encode()[:-1])
    assert refusal(path) == "undecodable"


def test_csv_with_one_bad_byte_late_in_the_file_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    good = "".join(f"{number},第{number}盏路灯坏了请修\n" for number in range(20_000))
    path.write_bytes("留言编号,留言详情\n".encode() + good.encode() + b"1,\xff\n" + good.encode())
    assert refusal(path) == "undecodable"


def test_csv_in_gb18030_with_bad_bytes_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("留言编号,留言详情\n1,路灯".encode("gb18030") + b"\xff\xff\n")
    assert refusal(path) == "undecodable"


def test_a_workbook_whose_beginning_is_damaged_is_said_to_be_damaged(tmp_path):
    path = tmp_path / "a.xls"
    path.write_bytes(bytes(range(129, 256)) * 60)
    assert refusal(path) == "undecodable"
    with pytest.raises(SheetRefused, match="原是 xls、xlsx 表格的，文件已损坏"):
        open_sheet(path)


def test_csv_in_utf16_with_half_a_character_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("留言编号,留言详情\n1,路灯".encode("utf-16") + b"\x00\xd8")
    assert refusal(path) == "undecodable"


def test_gb18030_that_starts_after_a_long_ascii_part_is_found(tmp_path):
    path = tmp_path / "a.csv"
    rows = [("tid", "content"), *((str(n), "x" * 100) for n in range(3000)), ("9", "路灯坏了")]
    assert read(write_csv(path, rows, encoding="gb18030"))[-1] == (3002, ("9", "路灯坏了"))


def test_row_numbers_count_blank_rows_and_title(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("三月留言汇总,\n\n留言编号,留言详情\n1,路灯\n\n,\n2,井盖\n", encoding="utf-8")
    with open_sheet(path) as sheet:
        assert (sheet.header_row, sheet.headers, sheet.row_count) == (3, ("留言编号", "留言详情"), 2)
        assert list(sheet.rows()) == [(4, ("1", "路灯")), (7, ("2", "井盖"))]


def test_rows_can_be_read_again_but_not_side_by_side(tmp_path):
    with open_sheet(write_csv(tmp_path / "a.csv", TABLE)) as sheet:
        first = sheet.rows()
        assert next(first)[0] == 2
        assert [number for number, _ in sheet.rows()] == [2, 3]
        with pytest.raises(RuntimeError):
            next(first)


def test_xlsx_cells_become_text_or_dates(tmp_path):
    rows = [
        ("编号", "时间", "长号", "小数", "是否"),
        (24.0, WITH_TIME, "007", 0.00001, True),
        (123456789012, DAY_ONLY, None, 1.5, False),
    ]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    with open_sheet(path) as sheet:
        assert (sheet.kind, sheet.sheet_name, sheet.row_count) == ("xlsx", "留言", 2)
        assert list(sheet.rows()) == [
            (2, ("24", WITH_TIME, "007", "0.00001", "TRUE")),
            (3, ("123456789012", DAY_ONLY, None, "1.5", "FALSE")),
        ]


def test_xlsx_number_that_lost_its_end_is_flawed(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [("编号", "详情"), (123456789012345678, "路灯")])
    cell = read(path)[0][1][0]
    assert isinstance(cell, FlawedCell)
    assert "超过 15 位" in cell.reason


def test_xlsx_that_starts_lower_down_keeps_its_row_numbers(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [(), (), ("", "留言编号", "留言详情"), (), ("", "1", "路灯")])
    with open_sheet(path) as sheet:
        assert sheet.header_row == 3
        assert list(sheet.rows()) == [(5, (None, "1", "路灯"))]


def test_xlsx_named_csv_and_csv_named_xlsx_are_read_by_content(tmp_path):
    workbook = write_xlsx(tmp_path / "a.csv", TABLE)
    text = write_csv(tmp_path / "a.xlsx", TABLE)
    assert read(workbook) == read(text) == [(2, TABLE[1]), (3, TABLE[2])]


def test_xls_is_read(tmp_path):
    path = write_xls(tmp_path / "a.xls", [HEADINGS, (24.0, *MESSAGE[1:])])
    with open_sheet(path) as sheet:
        assert (sheet.kind, sheet.sheet_name) == ("xls", "留言")
        assert list(sheet.rows()) == [(2, MESSAGE)]


def test_xls_cut_short_is_refused(tmp_path):
    path = write_xls(tmp_path / "a.xls", [HEADINGS, MESSAGE])
    path.write_bytes(path.read_bytes()[:1500])
    assert refusal(path) == "damaged"


def test_named_sheet_is_read_and_a_wrong_name_refused(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", TABLE)
    assert len(read(path, sheet_name="留言")) == 2
    assert refusal(path, sheet_name="没有") == "no_such_sheet"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\n\n,,\n", "empty"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "markup"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><table>", "markup"),
        (b'<?xml version="1.0"?><Workbook/>', "markup"),
        (b"%PDF-1.7 ...", "not_a_table"),
        (b"\x7fELF" + bytes(100), "not_a_table"),
        (b"ab\x00\x00\x00\x00cd" * 50, "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"PK\x03\x04 not really", "damaged"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, code):
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    assert refusal(path) == code


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_limits_on_size_rows_and_columns_refuse_the_file(tmp_path, write):
    path = write(tmp_path / "a", TABLE)
    assert refusal(path, limits=ReadLimits(max_bytes=100)) == "too_large"
    assert refusal(path, limits=ReadLimits(max_rows=2)) == "too_many_rows"
    assert refusal(path, limits=ReadLimits(max_columns=4)) == "too_many_columns"
    assert len(read(path, limits=ReadLimits(max_rows=3, max_columns=5))) == 2


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_overlong_cell_is_flawed_and_harms_no_other_row(tmp_path, write):
    path = write(tmp_path / "a", [*TABLE, ("26", "A", "b", "c", "长" * 300), MESSAGE])
    rows = read(path, limits=ReadLimits(max_cell_characters=200))
    assert [type(cells[4]) for _, cells in rows] == [str, str, FlawedCell, str]
    assert rows[2][1][4] == "长" * 100


def test_csv_with_a_field_beyond_reason_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('编号,详情\n1,"' + "长\n" * 600_000 + '"\n', encoding="utf-8")
    assert refusal(path) == "unreadable"


def test_csv_of_one_endless_line_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("编号,详情\n" + "a," * 2_100_000, encoding="utf-8")
    assert refusal(path) == "unreadable"


def test_csv_of_one_endless_record_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("编号,详情\n" + '"\n",' * 1_100_000 + '"\n"', encoding="utf-8")
    assert refusal(path) == "unreadable"
