"""The worker that parses a workbook: a process of its own, with nothing to lose.

Reads argv (path, limits as JSON, sheet name or "", number of the descriptor to write to), writes one
JSON array per row that has content to that descriptor, and one JSON object about the outcome to
standard output. Imports neither Django nor anything that holds a secret. Whatever kills it
(memory, time, a crash in the parser) is the parent's to report.
"""

import json
import math
import os
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from opinion.intake import archive
from opinion.intake.limits import MEBIBYTE, ReadLimits, SheetRefused

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

# python-calamine is imported after the limits are set: even loading it happens inside them.

_DIGITS_A_CELL_HOLDS = 10**15
"""Excel keeps 15 significant digits; a longer number has already lost its end."""

Frozen = str | list[str] | None
"""A cell on the wire: text, nothing, ["d", ISO date or datetime] or ["f", text, reason]."""


def confine(limits: ReadLimits) -> None:
    """Give up memory, processor time, file size and core dumps before the file is touched."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    written = 2 * limits.max_uncompressed_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def freeze(value: object, limits: ReadLimits) -> Frozen:
    """One cell as the reader gives it, as it goes on the wire."""
    if isinstance(value, str):
        if not value:
            return None
        if len(value) > limits.max_cell_characters:
            return ["f", value[:100], f"单元格超过 {limits.max_cell_characters} 字，请删减或改用附件"]
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        # Excel stores days as a float: 11:25:05 comes back as 11:25:04.999995.
        return ["d", (value + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat()]
    if isinstance(value, date):
        return ["d", f"{value.isoformat()}T00:00:00"]
    if isinstance(value, time):
        return value.isoformat()
    return str(value)


def _number(value: float) -> Frozen:
    if not math.isfinite(value):
        return ["f", str(value), "单元格是无效的数字，请更正"]
    if value == int(value):
        whole = int(value)
        if abs(whole) >= _DIGITS_A_CELL_HOLDS:
            return ["f", str(whole), "数字超过 15 位，表格已丢失末尾几位，请把该列改为文本格式重新填写"]
        return str(whole)
    return format(Decimal(repr(value)), "f")


def convert(path: Path, limits: ReadLimits, sheet_name: str, out: TextIO) -> dict[str, Any]:
    """Write the rows of one sheet to `out` and return what the parent wants to know about it.

    The sheet is the one named, or else the first visible one that has content.
    Raises SheetRefused; anything else that escapes is a defect of the file or of the parser.
    """
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"PK"
    parts = archive.open_archive(path, limits) if zipped else None
    may_have_errors = parts is not None and archive.verify_parts(parts, limits)
    sheet, index, others = _choose_sheet(path, sheet_name)
    if sheet.width > limits.max_columns:
        raise SheetRefused(
            "too_many_columns",
            f"工作表有 {sheet.width} 列，超过上限 {limits.max_columns}，请删除右侧多余的列（包括看似空白的列）",
        )
    broken = archive.error_cells(parts, index, limits) if parts is not None and may_have_errors else set()
    count = 0
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for number, cells in _frozen_rows(sheet, broken, limits):
        count += 1
        if count > limits.max_rows:
            raise SheetRefused("too_many_rows", f"超过 {limits.max_rows} 行，请拆分成几个文件再上传")
        out.write(encode([number, cells]))
        out.write("\n")
    return {"rows": count, "sheet": sheet.name, "others": others}


def _choose_sheet(path: Path, wanted: str) -> tuple["CalamineSheet", int, list[str]]:
    """The sheet to read, its place in the book, and the names of the other visible sheets."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_path(path)
        visible = [meta.name for meta in book.sheets_metadata if meta.visible == SheetVisibleEnum.Visible]
        if wanted and wanted not in book.sheet_names:
            raise SheetRefused("no_such_sheet", f"工作簿里没有名为“{wanted}”的工作表")
        for name in [wanted] if wanted else visible:
            sheet = book.get_sheet_by_name(name)
            if sheet.start is not None:
                return sheet, book.sheet_names.index(name), [other for other in visible if other != name]
    except PasswordError as error:
        raise SheetRefused("encrypted", "文件已加密，请取消密码后另存再上传") from error
    except CalamineError as error:
        raise SheetRefused("damaged", "工作簿已损坏或格式不对，请用 WPS 或 Excel 打开另存后再上传") from error
    raise SheetRefused("empty", "工作表里没有内容")


def _frozen_rows(
    sheet: "CalamineSheet", broken: set[tuple[int, int]], limits: ReadLimits
) -> Iterator[tuple[int, list[Frozen]]]:
    """Row number and cells of every row with content; `broken` are zero-based error cells."""
    first_column = sheet.start[1] if sheet.start else 0
    broken_rows = {row for row, _ in broken}
    for index, values in enumerate(sheet.iter_rows()):
        cells = [freeze(value, limits) for value in values]
        if index in broken_rows:
            for column in range(len(cells)):
                if (index, first_column + column) in broken:
                    cells[column] = ["f", "", "单元格是 #N/A 一类的公式错误，请改成实际内容"]
        if any(cells):
            yield index + 1, cells


def main(argv: list[str]) -> int:
    """Exit status 0 with an outcome on standard output; any other end means the worker failed."""
    path, limits_json, sheet_name, descriptor = argv
    limits = ReadLimits(**json.loads(limits_json))
    confine(limits)
    try:
        with os.fdopen(int(descriptor), "w", encoding="utf-8", buffering=MEBIBYTE) as out:
            outcome = convert(Path(path), limits, sheet_name, out)
    except SheetRefused as refusal:
        outcome = {"refused": [refusal.code, refusal.reason]}
    sys.stdout.write(json.dumps(outcome))
    return 0
