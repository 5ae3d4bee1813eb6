"""What kind of file this is, by its content alone: names and types that a browser sends are a stranger's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import puremagic

HEAD = 4096


class FileRefused(ValueError):
    """A file that is not taken; the message says why and what to do, to follow the file's name."""


@dataclass(frozen=True)
class Kind:
    """ending: of the name it is handed out under. picture: Pillow's name of the format, empty for other files.
    root: the part that a zipped document of this kind has. drawn_as: code of the kind it is kept as, empty for its own."""

    code: str
    label: str
    ending: str
    mime: str
    picture: str = ""
    root: str = ""
    drawn_as: str = ""


_OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    kind.code: kind
    for kind in (
        Kind("jpeg", "图片", "jpg", "image/jpeg", picture="JPEG"),
        Kind("png", "图片", "png", "image/png", picture="PNG"),
        Kind("webp", "图片", "webp", "image/webp", picture="WEBP"),
        Kind("heic", "图片", "heic", "image/heic", picture="HEIF", drawn_as="jpeg"),
        Kind("pdf", "PDF", "pdf", "application/pdf"),
        Kind("docx", "Word", "docx", f"{_OFFICE}wordprocessingml.document", root="word/document.xml"),
        Kind("xlsx", "Excel", "xlsx", f"{_OFFICE}spreadsheetml.sheet", root="xl/workbook.xml"),
        Kind(
            "pptx", "PowerPoint", "pptx", f"{_OFFICE}presentationml.presentation", root="ppt/presentation.xml"
        ),
        Kind("mp4", "视频", "mp4", "video/mp4"),
        Kind("m4a", "录音", "m4a", "audio/mp4"),
    )
}
ACCEPTED = "照片（jpg、png、webp、heic）、PDF、Word（docx）、Excel（xlsx）、PowerPoint（pptx）、视频（mp4）和录音（m4a）"
_UNKNOWN = f"不是可以上传的类型，可以上传{ACCEPTED}"
# How each kind's first bytes read, wherever in the file puremagic would find more.
_STARTS = {
    "jpeg": (0, b"\xff\xd8\xff"), "png": (0, b"\x89PNG\r\n\x1a\n"), "webp": (0, b"RIFF"), "pdf": (0, b"%PDF-"),
    "docx": (0, b"PK\x03\x04"), "xlsx": (0, b"PK\x03\x04"), "pptx": (0, b"PK\x03\x04"),
}  # fmt: skip
_ENDINGS = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".jfif": "jpeg", ".png": "png", ".webp": "webp", ".pdf": "pdf", ".docx": "docx",
    ".xlsx": "xlsx", ".pptx": "pptx",
}  # fmt: skip
# ISO media files say in their first box what they are; how long that box is, which puremagic also goes by, says nothing.
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_SOUND = frozenset({b"M4A ", b"M4B "})
_VIDEO = frozenset(
    {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash"}
)
# What people really try, and what helps them.
_ADVICE = {
    ".avif": "是 AVIF 图片，请另存为 JPG 后上传",
    ".gif": "是 GIF 动图，请截图后上传",
    ".mov": "是 MOV 视频，请转为 MP4 后上传",
    ".svg": "是 SVG 矢量图，可能带有脚本，请导出为 PNG 后上传",
    ".html": "是网页文件，请打印为 PDF 后上传",
    ".doc": "是旧版 Office 文件，请另存为 docx、xlsx 或 pptx 后上传",
    ".exe": "是程序，不能上传",
}


def recognise(stream: IO[bytes]) -> list[Kind]:
    """The kinds it may be of, the likeliest first: a docx and an xlsx begin alike. Raises FileRefused."""
    stream.seek(0)
    head = stream.read(HEAD)
    stream.seek(0)
    if not head:
        raise FileRefused("是空文件，请重新选择")
    if head[4:8] == b"ftyp":
        return [_media(head)]
    try:
        matches = puremagic.magic_string(head)
    except puremagic.PureError:
        matches = []
    endings = [match.extension for match in matches]
    codes = dict.fromkeys(_ENDINGS[ending] for ending in endings if ending in _ENDINGS)
    found = [KINDS[code] for code in codes if head[_STARTS[code][0] :].startswith(_STARTS[code][1])]
    if found and not (endings and endings[0] in _ADVICE):
        return found
    advice = next((_ADVICE[ending] for ending in endings if ending in _ADVICE), None)
    raise FileRefused(advice or _UNKNOWN)


def _media(head: bytes) -> Kind:
    """By its brand: photo of a phone, recording or video. Raises FileRefused."""
    brand, length = head[8:12], int.from_bytes(head[:4], "big")
    brands = {brand, *(head[start : start + 4] for start in range(16, min(length, len(head)), 4))}
    if brands & _AVIF:
        raise FileRefused(_ADVICE[".avif"])
    if brand == b"qt  ":
        raise FileRefused(_ADVICE[".mov"])
    for code, known in (("heic", _HEIF), ("m4a", _SOUND), ("mp4", _VIDEO)):
        if brand in known:
            return KINDS[code]
    raise FileRefused(_UNKNOWN)
