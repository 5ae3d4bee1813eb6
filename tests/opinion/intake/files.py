"""Make the files that the reader meets: good ones, odd ones and hostile ones, all made up."""

import csv
import struct
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

HEADINGS = ("留言编号", "留言用户", "留言主题", "留言时间", "留言详情")
MESSAGE = ("24", "A0001", "路灯不亮", "2026/3/5 9:05:00", "东街三号门口的路灯坏了三天。")

CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ROOT_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
WORKBOOK = (
    f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_RELATIONS}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
BOOK_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)


def wide(text: str) -> str:
    """The full-width forms of ASCII letters, digits and signs, as Chinese input methods type them."""
    return "".join("\u3000" if character == " " else chr(ord(character) + 0xFEE0) for character in text)


def inline_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet_xml(rows: str, before: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


SMALL_SHEET = sheet_xml(
    f'<row r="1">{inline_cell("A1", "留言详情")}</row><row r="2">{inline_cell("A2", "路灯坏了")}</row>'
)


def write_parts(path: Path, sheet: str | bytes = SMALL_SHEET, extra: dict[str, bytes] | None = None) -> Path:
    """An xlsx put together part by part, so that any part can be wrong."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", ROOT_RELATIONS)
        archive.writestr("xl/workbook.xml", WORKBOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", BOOK_RELATIONS)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return path


def write_xlsx(path: Path, rows: Iterable[Sequence[Any]], formats: dict[int, str] | None = None) -> Path:
    """A workbook as a spreadsheet program writes it; `formats` gives a number format per column."""
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet("留言")
        shapes = {column: book.add_format({"num_format": shape}) for column, shape in (formats or {}).items()}
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, column, value)
                elif value is not None:
                    sheet.write(number, column, value, shapes.get(column) if number else None)
    return path


def write_csv(
    path: Path, rows: Iterable[Sequence[str]], *, encoding: str = "utf-8", delimiter: str = ","
) -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def write_xls(path: Path, rows: Sequence[Sequence[str | float]]) -> Path:
    """The smallest workbook of the old binary kind: BIFF8 records in an OLE container of three parts."""
    book = _biff_book(rows).ljust(4096, b"\0")
    # Sector 0 is the allocation table, 1 the directory, the rest the book; below 4096 bytes a stream
    # would need a second, finer table.
    sectors = -(-len(book) // 512)
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    table = struct.pack("<128L", *chain, *[0xFFFFFFFF] * (128 - len(chain)))
    header = struct.pack(
        "<8s16sHHHHH6s9L109L",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"",
        0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0, *[0xFFFFFFFF] * 108,
    )  # fmt: skip
    directory = _ole_entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1) + _ole_entry("Workbook", 2, 2, len(book))
    path.write_bytes(header + table + directory.ljust(512, b"\0") + book.ljust(sectors * 512, b"\0"))
    return path


def _ole_entry(name: str, kind: int, start: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
    encoded = (name + "\0").encode("utf-16-le")
    return struct.pack(
        "<64sHBBLLL16sL8s8sLQ",
        encoded, len(encoded), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child, b"", 0, b"", b"", start, size,
    )  # fmt: skip


def _biff_book(rows: Sequence[Sequence[str | float]]) -> bytes:
    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    start = record(0x0809, struct.pack("<HHHHLL", 0x0600, 0x0005, 0, 0, 0, 0))
    name = "留言".encode("utf-16-le")
    sheet_entry_bytes = 4 + 8 + len(name)
    sheet_at = len(start) + sheet_entry_bytes + 4
    entry = record(0x0085, struct.pack("<LBBBB", sheet_at, 0, 0, 2, 1) + name)
    sheet = record(0x0809, struct.pack("<HHHHLL", 0x0600, 0x0010, 0, 0, 0, 0))
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            place = struct.pack("<HHH", number, column, 0)
            if isinstance(value, str):
                text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
                sheet += record(0x0204, place + text)
            else:
                sheet += record(0x0203, place + struct.pack("<d", value))
    end = record(0x000A, b"")
    return start + entry + end + sheet + end
