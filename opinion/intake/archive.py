"""Look over an xlsx as the zip it is, before any XML parser sees it.

Runs inside the limited worker process, never in the process that serves pages.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from opinion.intake.limits import MEBIBYTE, ReadLimits, SheetRefused

_DIRECTORY_END = b"PK\x05\x06"
_DIRECTORY_END_BYTES = 22
_ZIP64_LOCATOR_BYTES = 20
_SMALLEST_DIRECTORY_ENTRY = 46
_LONGEST_COMMENT = 65_535
_RATIO_MATTERS_FROM = 16 * MEBIBYTE
_CHUNK = 256 * 1024
_NESTED_ARCHIVE = re.compile(r"\.(zip|xls[xmb]?|doc[xm]|ppt[xm]|7z|rar|gz|tgz|bz2|xz|jar)$", re.IGNORECASE)
_ERROR_CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]*?\bt\s*=\s*[\"']e[\"'][^<>]*>")
_REFERENCE = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")


def damaged() -> SheetRefused:
    """The refusal for a file that was cut short or altered on its way."""
    return SheetRefused("damaged", "文件不完整或已损坏（可能没有上传完），请重新导出后再上传")


def open_archive(path: Path, limits: ReadLimits) -> zipfile.ZipFile:
    """Open the archive once its directory has proved harmless.

    Raises SheetRefused: damaged, encrypted, too_many_parts, bomb, unsafe_names, not_xlsx.
    """
    entries = _declared_entries(path)
    if entries > limits.max_entries:
        raise SheetRefused(
            "too_many_parts",
            f"压缩包内有 {entries} 个部件，超过上限 {limits.max_entries}，不是正常的表格文件",
        )
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
        raise damaged() from error
    parts = archive.infolist()
    if len(parts) > limits.max_entries:
        raise SheetRefused("too_many_parts", "压缩包内的部件数与目录不符，不是正常的表格文件")
    _refuse_unsafe_names([part.filename for part in parts])
    for part in parts:
        if part.flag_bits & 1:
            raise SheetRefused("encrypted", "文件已加密，请取消密码后另存再上传")
        if (
            part.file_size > _RATIO_MATTERS_FROM
            and part.file_size > max(part.compress_size, 1) * limits.max_ratio
        ):
            raise SheetRefused("bomb", "文件的压缩比异常，疑似压缩炸弹，已拒绝读取")
    if sum(part.file_size for part in parts) > limits.max_uncompressed_bytes:
        raise _too_large_inflated(limits)
    if "xl/workbook.xml" not in archive.NameToInfo:
        raise SheetRefused("not_xlsx", "这不是 Excel 工作簿（.xlsx），请另存为 .xlsx 或 .csv 再上传")
    return archive


def verify_parts(archive: zipfile.ZipFile, limits: ReadLimits) -> bool:
    """Inflate every part once, counting real bytes and checking sums, keeping nothing.

    The sizes in a zip directory are the sender's word; this is ours. Refuses document type
    declarations as well: no spreadsheet program writes one, entity bombs need one.
    Returns whether any cell may hold an Excel error, which `error_cells` then finds. Raises SheetRefused: damaged, bomb, entities.
    """
    total = 0
    errors = False
    for part in archive.infolist():
        tail = b""
        for chunk in _chunks(archive, part.filename):
            total += len(chunk)
            if total > limits.max_uncompressed_bytes:
                raise _too_large_inflated(limits)
            window = tail + chunk
            if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                raise SheetRefused("entities", "文件内含有实体定义（DTD），不是正常的表格文件，已拒绝读取")
            errors = errors or b't="e"' in window or b"t='e'" in window
            tail = chunk[-16:]
    return errors


def error_cells(archive: zipfile.ZipFile, sheet_index: int, limits: ReadLimits) -> set[tuple[int, int]]:
    """Zero-based (row, column) of cells that hold an Excel error such as #N/A.

    The workbook reader gives these as empty cells, which would turn a broken value into a missing one.
    """
    name = _sheet_part(archive, sheet_index)
    found: set[tuple[int, int]] = set()
    if name is None:
        return found
    tail = b""
    for chunk in _chunks(archive, name):
        window = tail + chunk
        # A tag cut by the chunk boundary is looked at again with the next chunk.
        cut = window.rfind(b"<")
        cut = len(window) if cut < 0 or b">" in window[cut:] else cut
        whole, tail = window[:cut], window[cut:][-4096:]
        if b't="e"' not in whole and b"t='e'" not in whole:
            continue
        for tag in _ERROR_CELL.finditer(whole):
            reference = _REFERENCE.search(tag.group())
            if reference and len(found) < limits.max_rows:
                found.add((int(reference[2]) - 1, _column_index(reference[1])))
    return found


def _chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    try:
        with archive.open(name) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise damaged() from error


def _declared_entries(path: Path) -> int:
    """Entry count of the zip directory, read from its last bytes so that no list is built for a bomb."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        tail_bytes = min(size, _LONGEST_COMMENT + _DIRECTORY_END_BYTES + _ZIP64_LOCATOR_BYTES)
        stream.seek(size - tail_bytes)
        tail = stream.read(tail_bytes)
        at = tail.rfind(_DIRECTORY_END)
        if at < 0 or len(tail) - at < _DIRECTORY_END_BYTES:
            raise damaged()
        entries, directory_bytes = struct.unpack_from("<HL", tail, at + 10)
        if entries == 0xFFFF or directory_bytes == 0xFFFFFFFF:
            if at < _ZIP64_LOCATOR_BYTES:
                raise damaged()
            signature, _disk, offset = struct.unpack_from("<4sLQ", tail, at - _ZIP64_LOCATOR_BYTES)
            if signature != b"PK\x06\x07" or offset > size:
                raise damaged()
            stream.seek(offset)
            record = stream.read(48)
            if len(record) < 48 or record[:4] != b"PK\x06\x06":
                raise damaged()
            entries, directory_bytes = struct.unpack_from("<QQ", record, 32)
    # The reader trusts the directory's length, not its count: take whichever allows more.
    return int(max(entries, directory_bytes // (_SMALLEST_DIRECTORY_ENTRY + 64)))


def _refuse_unsafe_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        plain = name.replace("\\", "/")
        folded = plain.lower()
        if plain.startswith("/") or ".." in plain.split("/") or ":" in plain or "\x00" in plain:
            raise SheetRefused("unsafe_names", "压缩包内含有越界的文件路径，已拒绝读取")
        if folded in seen:
            raise SheetRefused("unsafe_names", "压缩包内有重名的部件，不是正常的表格文件，已拒绝读取")
        if _NESTED_ARCHIVE.search(folded):
            raise SheetRefused(
                "unsafe_names", "文件里嵌有另一个压缩包或文档，请删除嵌入的对象，只保留表格后再上传"
            )
        seen.add(folded)


def _too_large_inflated(limits: ReadLimits) -> SheetRefused:
    return SheetRefused(
        "bomb", f"文件解压后超过 {limits.max_uncompressed_bytes // MEBIBYTE} MB，请拆分成几个文件再上传"
    )


def _sheet_part(archive: zipfile.ZipFile, sheet_index: int) -> str | None:
    """Name of the part that holds the nth sheet of the workbook, or None if the book does not say."""
    relations = "xl/_rels/workbook.xml.rels"
    if relations not in archive.NameToInfo:
        return None
    targets = {
        tag.get(b"Id"): tag.get(b"Target", b"")
        for tag in _tags(b"".join(_chunks(archive, relations)), b"Relationship")
    }
    sheets = _tags(b"".join(_chunks(archive, "xl/workbook.xml")), b"sheet")
    if sheet_index >= len(sheets):
        return None
    identity = next((value for key, value in sheets[sheet_index].items() if key.endswith(b":id")), None)
    target = targets.get(identity, b"").decode("utf-8", "replace").lstrip("/")
    name = target if target.startswith("xl/") else f"xl/{target}"
    return name if name in archive.NameToInfo else None


def _tags(xml: bytes, tag: bytes) -> list[dict[bytes, bytes]]:
    pattern = re.compile(rb"<(?:\w+:)?" + tag + rb"\s([^<>]*)>")
    attribute = re.compile(rb"([\w:]+)\s*=\s*[\"']([^\"']*)[\"']")
    return [dict(attribute.findall(match[1])) for match in pattern.finditer(xml)]


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1
