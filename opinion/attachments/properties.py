"""What a document says of who wrote it, on which machine and for whom: its properties, not its text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import IO, BinaryIO, cast
from xml.etree import ElementTree

import pikepdf

from opinion.attachments.kinds import FileRefused

RELATIONSHIPS = "_rels/.rels"
# Where every office program puts them, whether the package says so or not.
_USUAL = "docprops/"
# End of a relationship's type → the root its part must have, empty of everything else.
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_SCHEMAS = "http://schemas.openxmlformats.org"
_EMPTY = {
    "core-properties": f'{_XML}<cp:coreProperties xmlns:cp="{_SCHEMAS}/package/2006/metadata/core-properties"/>',
    "extended-properties": f'{_XML}<Properties xmlns="{_SCHEMAS}/officeDocument/2006/extended-properties"/>',
    "custom-properties": f'{_XML}<Properties xmlns="{_SCHEMAS}/officeDocument/2006/custom-properties"/>',
}
_FILES = {"core.xml": "core-properties", "app.xml": "extended-properties", "custom.xml": "custom-properties"}


def empty_properties(archive: zipfile.ZipFile) -> Mapping[str, bytes]:
    """Name of each part of an office document that holds properties → what to put in its place. Raises ParseError."""
    names = {name.lower(): name for name in archive.namelist()}
    found = {f"{_USUAL}{file}": kind for file, kind in _FILES.items()}
    if RELATIONSHIPS in names:
        # Of one part whose size the directory limits; expat itself refuses entities that multiply.
        for relation in ElementTree.fromstring(archive.read(names[RELATIONSHIPS])):  # noqa: S314
            kind = relation.get("Type", "").rpartition("/")[2]
            if kind in _EMPTY:
                found[relation.get("Target", "").lstrip("/").lower()] = kind
    return {names[part]: _EMPTY[kind].encode() for part, kind in found.items() if part in names}


def without_author(stream: IO[bytes]) -> IO[bytes]:
    """The PDF without its information dictionary, its XMP and what programs keep in it for themselves. Raises FileRefused.

    Earlier states that were saved over, and a password that only forbids changes, are gone as well. One that carries an
    electronic seal or signature stays as it came: they vouch for every byte.
    """
    stream.seek(0)
    content = io.BytesIO()
    try:
        with pikepdf.open(cast("BinaryIO", stream)) as pdf:
            if not len(pdf.pages):
                raise broken_pdf()
            dictionaries = [
                found for found in pdf.objects if isinstance(found, pikepdf.Dictionary | pikepdf.Stream)
            ]
            if any(map(_signs, dictionaries)):
                return stream
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            for found in dictionaries:
                for key in ("/Metadata", "/PieceInfo"):
                    if key in found:
                        del found[key]
            # Of the content, so that what is sent again is known again.
            pdf.save(content, deterministic_id=True)
    except pikepdf.PasswordError:
        raise FileRefused("是加密的 PDF，设了打开密码，请取消密码后上传") from None
    except FileRefused:
        raise
    except (pikepdf.PdfError, RuntimeError, ValueError, TypeError, KeyError):
        raise broken_pdf() from None
    return content


def _signs(found: pikepdf.Object) -> bool:
    """Whether this is a signature, by itself or as the value of a field: only those say which bytes they vouch for."""
    value = found.get("/V")
    return "/ByteRange" in found or (isinstance(value, pikepdf.Dictionary) and "/ByteRange" in value)


def broken_pdf() -> FileRefused:
    return FileRefused("是损坏或不完整的 PDF，可能没有传完，请重新导出后上传")
