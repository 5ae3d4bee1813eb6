"""Files that are no pictures: each must be of one piece and nothing else at the same time, and names no author."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO
from xml.etree.ElementTree import ParseError

from opinion.attachments.kinds import FileRefused, Kind
from opinion.attachments.properties import broken_pdf, empty_properties, without_author

MEBIBYTE = 1024 * 1024
MOST_PARTS, MOST_INFLATED, MOST_RATIO, RATIO_FROM = 2000, 300 * MEBIBYTE, 200, MEBIBYTE
TAIL = 2048


@dataclass(frozen=True)
class Document:
    """content: without what says who wrote it, where that can be told from the rest."""

    kind: Kind
    content: IO[bytes]


def settle(stream: IO[bytes], kinds: Sequence[Kind]) -> Document:
    """Which of the kinds it may be it is, and what of it is kept. Raises FileRefused."""
    zipped = [kind for kind in kinds if kind.root]
    if zipped:
        return _office(stream, zipped)
    if kinds[0].code == "pdf":
        _refuse_broken_pdf(stream)
        return Document(kinds[0], without_author(stream))
    return Document(kinds[0], stream)


def _refuse_broken_pdf(stream: IO[bytes]) -> None:
    """Cut short, or an archive that begins like a PDF: a reader of the one kind shows what a scanner of the other never saw."""
    stream.seek(0, 2)
    stream.seek(max(stream.tell() - TAIL, 0))
    whole = b"%%EOF" in stream.read()
    if not whole:
        raise broken_pdf()
    if zipfile.is_zipfile(stream):
        raise FileRefused("同时又是压缩包，不能上传，请重新打印为 PDF")


def _office(stream: IO[bytes], kinds: Sequence[Kind]) -> Document:
    broken = FileRefused("是损坏或不完整的 Office 文件，请重新保存后上传")
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            kind = _harmless(archive, kinds)
            content = _written_anew(archive)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ParseError,
    ):
        raise broken from None
    return Document(kind, content)


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
    if len(names) < len(parts) or any(
        name.startswith("/") or ".." in name.split("/") or "\\" in name for name in names
    ):
        raise FileRefused("内部的文件名不正常，请重新保存后上传")
    swollen = any(
        part.file_size > RATIO_FROM and part.file_size > max(part.compress_size, 1) * MOST_RATIO
        for part in parts
    )
    if swollen or len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_INFLATED:
        raise _bomb()
    return kind


def _written_anew(archive: zipfile.ZipFile) -> IO[bytes]:
    """Its parts and nothing beside them; those that say who wrote it, emptied. The same parts make the same bytes.

    The sizes in the directory are the sender's word, this count is ours.
    """
    emptied = empty_properties(archive)
    total, content = 0, io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as fresh:
        for part in archive.infolist():
            plain = zipfile.ZipInfo(part.filename)
            plain.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(part) as stream, fresh.open(plain, "w") as target:
                while chunk := stream.read(256 * 1024):
                    total += len(chunk)
                    if total > MOST_INFLATED:
                        raise _bomb()
                    if part.filename not in emptied:
                        target.write(chunk)
                target.write(emptied.get(part.filename, b""))
    return content


def _bomb() -> FileRefused:
    return FileRefused("解开后大得不正常，疑似压缩炸弹，不能上传")
