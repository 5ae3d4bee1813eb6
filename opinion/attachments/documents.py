"""Files that are kept as they came: each must be of one piece, and nothing else at the same time."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO

from opinion.attachments.kinds import FileRefused, Kind

MEBIBYTE = 1024 * 1024
MOST_PARTS, MOST_INFLATED, MOST_RATIO, RATIO_FROM = 2000, 300 * MEBIBYTE, 200, MEBIBYTE
TAIL = 2048


def settle(stream: IO[bytes], kinds: Sequence[Kind]) -> Kind:
    """Which of the kinds it may be it is. Raises FileRefused."""
    zipped = [kind for kind in kinds if kind.root]
    if zipped:
        return _office(stream, zipped)
    if kinds[0].code == "pdf":
        _refuse_broken_pdf(stream)
    return kinds[0]


def _refuse_broken_pdf(stream: IO[bytes]) -> None:
    """Cut short, or an archive that begins like a PDF: a reader of the one kind shows what a scanner of the other never saw."""
    stream.seek(0, 2)
    stream.seek(max(stream.tell() - TAIL, 0))
    whole = b"%%EOF" in stream.read()
    if not whole:
        raise FileRefused("是损坏或不完整的 PDF，可能没有传完，请重新导出后上传")
    if zipfile.is_zipfile(stream):
        raise FileRefused("同时又是压缩包，不能上传，请重新打印为 PDF")


def _office(stream: IO[bytes], kinds: Sequence[Kind]) -> Kind:
    broken = FileRefused("是损坏或不完整的 Office 文件，请重新保存后上传")
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            kind = _harmless(archive, kinds)
            _inflate(archive)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ):
        raise broken from None
    return kind


def _harmless(archive: zipfile.ZipFile, kinds: Sequence[Kind]) -> Kind:
    """By the directory, before anything is inflated."""
    parts = archive.infolist()
    names = {part.filename for part in parts}
    kind = next((kind for kind in kinds if kind.root in names and "[Content_Types].xml" in names), None)
    if kind is None:
        raise FileRefused("是压缩包，请解压后分别上传里面的文件")
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefused("设了密码，请取消密码后上传")
    if any(name.lower().endswith("vbaproject.bin") or "/activex/" in name.lower() for name in names):
        raise FileRefused("含有宏或控件，请另存为不含宏的文件或 PDF 后上传")
    if any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in names):
        raise FileRefused("内部的文件名不正常，请重新保存后上传")
    swollen = any(
        part.file_size > RATIO_FROM and part.file_size > max(part.compress_size, 1) * MOST_RATIO
        for part in parts
    )
    if swollen or len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_INFLATED:
        raise _bomb()
    return kind


def _inflate(archive: zipfile.ZipFile) -> None:
    """Once, keeping nothing: the sizes in the directory are the sender's word, this is ours."""
    total = 0
    for part in archive.infolist():
        with archive.open(part) as stream:
            while chunk := stream.read(256 * 1024):
                total += len(chunk)
                if total > MOST_INFLATED:
                    raise _bomb()


def _bomb() -> FileRefused:
    return FileRefused("解开后大得不正常，疑似压缩炸弹，不能上传")
