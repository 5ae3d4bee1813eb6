"""Files as people and attackers send them, made on the spot."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from datetime import datetime
from typing import Any

import pikepdf
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from opinion.attachments.kinds import FileRefused
from opinion.attachments.receiving import receive
from opinion.models import Upload
from tests.factories.world import World
from workflows.models import Case

GPS, MAKE, ORIENTATION = 0x8825, 0x010F, 0x0112
CAMERA = "CanaryPhone"


def drawn(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def geotagged(kind: str = "JPEG", orientation: int = 6) -> bytes:
    """Left half red, right half blue, held upright, with the maker and the place where it was taken."""
    image = Image.new("RGB", (80, 40), "blue")
    image.paste("red", (0, 0, 40, 40))
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION] = CAMERA, orientation
    place = exif.get_ifd(GPS)
    place[1], place[2] = "N", (IFDRational(31), IFDRational(14), IFDRational(5))
    place[3], place[4] = "E", (IFDRational(121), IFDRational(28), IFDRational(9))
    out = io.BytesIO()
    image.save(
        out, kind, exif=exif.tobytes(), **({"quality": 95, "comment": b"canary"} if kind == "JPEG" else {})
    )
    return out.getvalue()


def office(root: str = "word/document.xml", /, **parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr(root, b"<x/>")
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def pdf(*, sealed: bool = False, **options: Any) -> bytes:
    """One page, by somebody, with a picture's own XMP and a program's private data; options of pikepdf's `save` go to it.

    sealed: with a signature field, as electronic seals leave one.
    """
    out = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page()
        page.obj["/PieceInfo"] = pikepdf.Dictionary(Drawn=pikepdf.Dictionary(Private=pikepdf.String(CAMERA)))
        made.docinfo["/Author"] = CAMERA
        with made.open_metadata() as xmp:
            xmp["dc:creator"] = [CAMERA]
        picture = made.make_stream(
            b"\0", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=1, Height=1
        )
        picture["/Metadata"] = made.make_stream(f"<x>{CAMERA}</x>".encode())
        page.obj["/Resources"] = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=picture))
        if sealed:
            made.Root["/AcroForm"] = pikepdf.Dictionary(SigFlags=3, Fields=[made.make_indirect(_seal())])
        made.save(out, static_id=True, **options)
    return out.getvalue()


def _seal() -> pikepdf.Dictionary:
    value = pikepdf.Dictionary(
        Type=pikepdf.Name.Sig, ByteRange=[0, 100, 200, 300], Contents=pikepdf.String("signed")
    )
    return pikepdf.Dictionary(FT=pikepdf.Name.Sig, T=pikepdf.String("seal"), V=value)


def movie(brand: bytes = b"isom") -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\2\0" + brand + b"iso2" + b"\0\0\0\x08mdat"


def huge_heic(width: int = 9000, height: int = 9000) -> bytes:
    """A photo that says it is huge."""
    small = drawn("HEIF", (64, 64))
    size = b"ispe\0\0\0\0"
    assert size + struct.pack(">II", 64, 64) in small
    return small.replace(size + struct.pack(">II", 64, 64), size + struct.pack(">II", width, height))


def huge_png(width: int = 40_000, height: int = 40_000) -> bytes:
    """A picture that says it is huge, in a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def sent(county: World, case: Case, name: str, content: bytes, at: datetime) -> Upload:
    return receive(SimpleUploadedFile(name, content), case=case, by=county.handler, at=at)


def refusal(county: World, case: Case, name: str, content: bytes, at: datetime) -> str:
    """Why it is not taken; empty where it is."""
    try:
        sent(county, case, name, content, at)
    except FileRefused as refused:
        return str(refused)
    return ""
