"""Rows to bytes in constant memory: CSV and JSON lines as they come, XLSX a row at a time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from opinion.exports.columns import NO, YES, Column, Kind
from opinion.exports.formula import escape_formula

Rows = Iterable[Sequence[Any]]
Told = Callable[[int], None]
"""Called with the number of rows written so far, often; the listener decides what to do with it."""

TELL_EVERY = 500
SHEET_ROWS = 1_048_576
"""What an xlsx sheet holds, header included; a longer table goes on in a second sheet."""


class HashingFile(io.RawIOBase):
    """A file being written whose SHA-256 is known at the end without reading it again."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self._stream.write(data)

    @property
    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def write_csv(target: io.RawIOBase, rows: Rows, columns: Sequence[Column], zone: tzinfo, told: Told) -> int:
    """UTF-8 with a byte order mark, so that WPS and Excel show Chinese. Returns the number of rows."""
    text = io.TextIOWrapper(io.BufferedWriter(target, 1 << 16), encoding="utf-8", newline="")
    text.write(csv_head(columns))
    writer = csv.writer(text, lineterminator="\n")
    count = 0
    for count, row in enumerate(rows, 1):
        writer.writerow([column.text(raw, zone) for column, raw in zip(columns, row, strict=True)])
        if count % TELL_EVERY == 0:
            told(count)
    text.flush()
    text.detach().detach()
    return count


def csv_head(columns: Sequence[Column]) -> str:
    """Byte order mark and header line."""
    return "\ufeff" + ",".join(column.header for column in columns) + "\n"


def write_jsonl(target: io.RawIOBase, rows: Rows, columns: Sequence[Column], zone: tzinfo, told: Told) -> int:
    """One object a line, keyed by the headers; times with their offset. Nothing opens this as a formula."""
    buffer = io.BufferedWriter(target, 1 << 16)
    count = 0
    for count, row in enumerate(rows, 1):
        said = {column.header: column.plain(raw, zone) for column, raw in zip(columns, row, strict=True)}
        buffer.write(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        if count % TELL_EVERY == 0:
            told(count)
    buffer.flush()
    buffer.detach()
    return count


def write_xlsx(path: Path, rows: Rows, columns: Sequence[Column], zone: tzinfo, told: Told, name: str) -> int:
    """Text cells are typed as text, times are real dates without a zone (local). Returns the number of rows.

    Text is made formula-safe all the same: a spreadsheet program runs a text cell once somebody edits it.
    """
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }  # fmt: skip
    count = 0
    with xlsxwriter.Workbook(str(path), options) as book:
        moment, bold = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), book.add_format({"bold": True})
        sheet, line = None, SHEET_ROWS
        for count, row in enumerate(rows, 1):
            if line >= SHEET_ROWS:
                sheet, line = _new_sheet(book, name, columns, bold), 1
            for index, (column, raw) in enumerate(zip(columns, row, strict=True)):
                value = column.value(raw)
                if value is not None:
                    _write_cell(sheet, line, index, column, value, zone, moment)
            line += 1
            if count % TELL_EVERY == 0:
                told(count)
        if sheet is None:
            _new_sheet(book, name, columns, bold)
    return count


def _new_sheet(book: Any, name: str, columns: Sequence[Column], bold: Any) -> Any:
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet(name if number == 1 else f"{name}{number}")
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, 20)
        sheet.write_string(0, index, column.header, bold)
    return sheet


def _write_cell(
    sheet: Any, line: int, index: int, column: Column, value: Any, zone: tzinfo, moment: Any
) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(line, index, value.astimezone(zone).replace(tzinfo=None, microsecond=0), moment)
    elif column.kind is Kind.FLAG:
        sheet.write_string(line, index, YES if value else NO)
    elif column.kind is Kind.NUMBER:
        sheet.write_number(line, index, value)
    else:
        sheet.write_string(line, index, escape_formula(value))
