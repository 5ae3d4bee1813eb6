"""Read csv and tsv in whatever encoding the office's software wrote it, strictly."""

import codecs
import csv
import io
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from opinion.intake.cells import NumberedRow, flag_overlong
from opinion.intake.limits import ReadLimits, SheetRefused

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SAMPLE_CHARACTERS = 128 * 1024
_SAMPLE_RECORDS = 30
_BUFFER = 256 * 1024
_LONGEST_RECORD = 4_000_000
_LONGEST_FIELD = 1_000_000
_SURELY_UTF8 = 64
"""Continuation bytes of valid UTF-8 before the first bad byte: no GB18030 text gets that far."""

_END = "\x00end of file\x00"
_ENCODING_NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030"}


@dataclass(frozen=True, slots=True)
class DelimitedText:
    """A text table that has been read to its end once and found whole."""

    stream: IO[bytes]
    encoding: str
    delimiter: str
    row_count: int
    overlong_rows: frozenset[int]
    max_cell_characters: int

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()

    def rows(self) -> Iterator[NumberedRow]:
        """Rows with content, from the top again each time; one iterator at a time.

        The number counts records, so that it is the row number a spreadsheet program shows.
        """
        reader = csv.reader(_decoded(self.stream, self.encoding), delimiter=self.delimiter)
        overlong = self.overlong_rows
        for number, cells in enumerate(reader, 1):
            if any(cells):
                if number in overlong:
                    yield number, flag_overlong(cells, self.max_cell_characters)
                else:
                    yield number, tuple(cells)


def read_delimited(path: Path, limits: ReadLimits) -> DelimitedText:
    """Decode and parse the whole file once, keeping counts only, then hand out a reader for it.

    Encoding: byte order mark, else strict UTF-8, else strict GB18030.
    Raises SheetRefused: undecodable, truncated, unreadable, too_many_rows.
    """
    # The parser's own ceiling is global to the process: only ever raise it.
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    stream = path.open("rb", buffering=0)
    try:
        return _read(stream, limits)
    except BaseException:
        stream.close()
        raise


def _read(stream: IO[bytes], limits: ReadLimits) -> DelimitedText:
    head = stream.read(4)
    marked = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), None)
    encoding = marked or "utf-8"
    try:
        return _scan(stream, encoding, limits)
    except UnicodeDecodeError as error:
        if marked or _is_damaged_utf8(stream):
            raise _undecodable(encoding) from error
    try:
        return _scan(stream, "gb18030", limits)
    except UnicodeDecodeError as error:
        raise SheetRefused(
            "undecodable",
            "读不出内容：原是 xls、xlsx 表格的，文件已损坏，请重新导出，或用 WPS、Excel 打开后另存为 .xlsx；"
            "原是 CSV 的，请另存为“CSV UTF-8”再上传",
        ) from error


def _scan(stream: IO[bytes], encoding: str, limits: ReadLimits) -> DelimitedText:
    """First of the two passes. Raises UnicodeDecodeError for the caller to try another encoding."""
    delimiter = sniff_delimiter(_decoded(stream, encoding).read(_SAMPLE_CHARACTERS))
    text = _decoded(stream, encoding)
    lines = _CountedLines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    longest = limits.max_cell_characters
    overlong: list[int] = []
    filled = 0
    last: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            last = cells
            if any(cells):
                filled += 1
                if filled > limits.max_rows + 1:
                    raise SheetRefused("too_many_rows", f"超过 {limits.max_rows} 行，请拆分成几个文件再上传")
            if lines.characters - lines.record_started > longest and max(map(len, cells)) > longest:
                overlong.append(number)
            lines.record_started = lines.characters
    except csv.Error as error:
        raise SheetRefused(
            "unreadable",
            f"第 {number + 1} 行附近无法解析，多半是少了一个英文引号，请改正或另存为 .xlsx 再上传",
        ) from error
    if last != [_END]:
        raise SheetRefused(
            "truncated", f"文件在第 {number} 行的引号内中断，没有传完或少了一个英文引号，请重新导出后再上传"
        )
    if filled - 1 > limits.max_rows:
        raise SheetRefused("too_many_rows", f"超过 {limits.max_rows} 行，请拆分成几个文件再上传")
    return DelimitedText(stream, encoding, delimiter, filled - 1, frozenset(overlong), longest)


class _CountedLines:
    """The lines, then a mark that comes out as a record of its own unless a quote was left open."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.characters = 0
        """Handed out so far: a record cannot hold a cell longer than what was read for it."""
        self.record_started = 0
        """The same count when the record being read began. The caller keeps it, the parser does not tell."""

    def __iter__(self) -> Iterator[str]:
        number = 0
        while line := self._text.readline(_LONGEST_RECORD):
            number += 1
            self.characters += len(line)
            # Quotes can tie lines without end into one record, all of which the parser would hold.
            if self.characters - self.record_started >= _LONGEST_RECORD:
                raise SheetRefused("unreadable", f"第 {number} 行太长，不是正常的表格，请另存为 .xlsx 再上传")
            yield line
        yield _END


def _decoded(stream: IO[bytes], encoding: str) -> TextIO:
    """A strict text view from the first byte that leaves `stream` open when it is dropped."""
    stream.seek(0)
    return os.fdopen(
        stream.fileno(), encoding=encoding, errors="strict", newline="", buffering=_BUFFER, closefd=False
    )


def _is_damaged_utf8(stream: IO[bytes]) -> bool:
    """Whether a file that fails as UTF-8 is nevertheless UTF-8, with a bad byte or its end missing.

    Without this, a cut file would be taken for GB18030 and come out as plausible nonsense.
    """
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    continuation_bytes = 0
    while chunk := stream.read(64 * 1024):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            return continuation_bytes + len(good) - len(good.decode("utf-8")) >= _SURELY_UTF8
        continuation_bytes += len(text.encode("utf-8")) - len(text)
    # Everything but the very end decoded: a character was cut in the middle.
    return continuation_bytes > 0


def _undecodable(encoding: str) -> SheetRefused:
    name = _ENCODING_NAMES[encoding]
    return SheetRefused(
        "undecodable", f"文件是 {name} 编码，但含有无效的字节，可能没有传完或已损坏，请重新导出后再上传"
    )


def sniff_delimiter(sample: str) -> str:
    """The separator among comma, tab and semicolon under which the sample is most like a table.

    Judged by the share of the first records that have the most frequent width; wider wins a tie.
    """
    best, best_score = ",", (0.0, 0)
    for delimiter in (",", "\t", ";"):
        widths = _widths(sample, delimiter)
        wide = Counter(width for width in widths if width > 1)
        if wide:
            width, times = max(wide.items(), key=lambda item: (item[1], item[0]))
            score = (times / len(widths), width)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _widths(sample: str, delimiter: str) -> list[int]:
    """Number of cells in each of the first records that have any."""
    widths: list[int] = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if any(cells):
                widths.append(len(cells))
            if len(widths) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        # A sample that breaks off inside a huge cell still says enough with what came before.
        return widths
    return widths
