"""Open a file of messages, whatever it calls itself, and stream its rows."""

import itertools
import mmap
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from opinion.intake.cells import NumberedRow, Row
from opinion.intake.convert import ConvertedWorkbook, convert_workbook
from opinion.intake.delimited import DelimitedText, read_delimited
from opinion.intake.headers import locate_header
from opinion.intake.limits import MEBIBYTE, ReadLimits, SheetRefused

HEADER_SEARCH_ROWS = 10

_ZIP = b"PK"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF 文件"),
    (b"{\\rtf", "RTF 文档"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"SQLite format 3", "数据库"),
    (b"\x7fELF", "程序"),
    (b"MZ\x90", "程序"),
)
_MARKUP = (
    b"<!doctype",
    b"<html",
    b"<?xml",
    b"<table",
    b"<head",
    b"<meta",
    b"<style",
    b"<script",
    b"mime-version:",
)


class Sheet:
    """One table, read through and found whole before this object exists.

    `rows()` starts again each time; a new iterator ends the older one, as they share one file.
    Use as a context manager or call `close()`.
    """

    def __init__(self, kind: str, source: ConvertedWorkbook | DelimitedText) -> None:
        self.kind = kind
        """"xlsx", "xls" or "csv" (any delimited text)."""
        self._source = source
        self._pass = 0
        head = list(itertools.islice(source.rows(), HEADER_SEARCH_ROWS))
        if not head:
            raise SheetRefused("empty", "文件里没有内容")
        at = locate_header(head)
        self.header_row, cells = head[at]
        self.headers = tuple("" if cell is None else str(cell).strip() for cell in cells)
        self.row_count = source.row_count - at - 1
        """Rows with any content below the header: the total for a progress display."""

    @property
    def sheet_name(self) -> str:
        """Name of the worksheet; empty for text files."""
        return self._source.sheet_name if isinstance(self._source, ConvertedWorkbook) else ""

    @property
    def other_sheets(self) -> tuple[str, ...]:
        """Visible worksheets of the same book that are not read."""
        return self._source.other_sheets if isinstance(self._source, ConvertedWorkbook) else ()

    @property
    def delimited(self) -> bool:
        """Whether a stray separator can have pushed cells out of their columns."""
        return self.kind == "csv"

    @property
    def encoding(self) -> str:
        """Text encoding found for a delimited file; empty for workbooks."""
        return self._source.encoding if isinstance(self._source, DelimitedText) else ""

    def rows(self) -> Iterator[NumberedRow]:
        """(row number, cells) of every row below the header that has any content."""
        self._pass += 1
        return self._rows(self._pass)

    def _rows(self, this_pass: int) -> Iterator[tuple[int, Row]]:
        for numbered in self._source.rows():
            if this_pass != self._pass:
                raise RuntimeError("a newer iterator over this sheet has taken the file position")
            if numbered[0] > self.header_row:
                yield numbered

    def close(self) -> None:
        """Let go of the file; temporary rows are gone from disk with this."""
        self._source.close()

    def __enter__(self) -> "Sheet":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_sheet(path: Path, *, limits: ReadLimits | None = None, sheet_name: str | None = None) -> Sheet:
    """Read the file through under `limits` and give its first visible filled sheet, or the one named.

    The kind is decided by content, never by name. Raises SheetRefused with nothing handed out.
    """
    limits = limits or ReadLimits()
    size = path.stat().st_size
    if size == 0:
        raise SheetRefused("empty", "文件是空的")
    if size > limits.max_bytes:
        raise SheetRefused(
            "too_large", f"文件超过 {limits.max_bytes / MEBIBYTE:g} MB，请拆分成几个文件再上传"
        )
    kind = _kind(path)
    source: ConvertedWorkbook | DelimitedText
    if kind == "csv":
        source = read_delimited(path, limits)
    else:
        source = convert_workbook(path, limits, sheet_name)
    try:
        sheet = Sheet(kind, source)
    except SheetRefused:
        source.close()
        raise
    if len(sheet.headers) > limits.max_columns:
        sheet.close()
        raise SheetRefused(
            "too_many_columns",
            f"表头有 {len(sheet.headers)} 列，超过上限 {limits.max_columns}，请删除多余的列",
        )
    return sheet


def _kind(path: Path) -> str:
    """xlsx, xls or csv, from the first bytes. Raises SheetRefused for what is clearly something else."""
    with path.open("rb") as stream:
        head = stream.read(8192)
        if head.startswith(_ZIP):
            return "xlsx"
        if head.startswith(_OLE):
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                if whole.find(_ENCRYPTED_PACKAGE) >= 0:
                    raise SheetRefused("encrypted", "文件已加密，请取消密码后另存再上传")
            return "xls"
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise SheetRefused("not_a_table", f"这是{what}，不是表格，请上传 .xlsx、.xls 或 .csv")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_MARKUP):
        raise SheetRefused(
            "markup",
            "这其实是网页或 XML 文件（只是扩展名像表格），请用 WPS 或 Excel 打开后另存为 .xlsx 再上传",
        )
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and head.count(0) > len(head) // 10:
        raise SheetRefused("not_a_table", "这是二进制文件，不是表格，请上传 .xlsx、.xls 或 .csv")
    return "csv"
