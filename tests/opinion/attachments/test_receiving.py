"""Files received: known by content, cleaned, stored under names that say nothing; hostile ones refused in words."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.core.files.storage import default_storage
from PIL import Image

from opinion.attachments import documents
from opinion.attachments.kinds import KINDS
from opinion.attachments.receiving import clean_name
from opinion.models import Upload
from tests.factories.world import World, photo
from tests.opinion.attachments.making import (
    CAMERA,
    GPS,
    drawn,
    geotagged,
    huge_heic,
    huge_png,
    movie,
    office,
    pdf,
    refusal,
    sent,
)
from workflows.models import Case


@pytest.fixture
def case(county: World, at: datetime) -> Case:
    return county.walk("handling", at)


def content_of(upload: Upload) -> bytes:
    with default_storage.open(upload.stored) as stored:
        content: bytes = stored.read()
    return content


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (drawn("JPEG"), "jpeg"),
        (drawn("PNG", mode="RGBA"), "png"),
        (drawn("WEBP"), "webp"),
        (drawn("HEIF"), "jpeg"),
        (drawn("HEIF", mode="RGBA"), "jpeg"),
        (drawn("JPEG", mode="CMYK"), "jpeg"),
        (drawn("PNG", mode="I;16"), "png"),
        (pdf(), "pdf"),
        (office(), "docx"),
        (office("xl/workbook.xml"), "xlsx"),
        (office("ppt/presentation.xml"), "pptx"),
        (movie(), "mp4"),
        (movie(b"M4A "), "m4a"),
    ],
)
def test_kind_is_told_by_content_whatever_the_name(
    county: World, case: Case, at: datetime, content: bytes, kind: str
):
    upload = sent(county, case, "附件.exe", content, at)
    assert upload.kind == kind
    assert upload.sha256 == hashlib.sha256(content_of(upload)).hexdigest()
    assert upload.size == len(content_of(upload))
    assert bool(upload.small) == bool(KINDS[kind].picture)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("空.jpg", b"", "是空文件，请重新选择"),
        ("图.jpg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "是 SVG 矢量图，可能带有脚本，请导出为 PNG 后上传"),
        ("页.jpg", b"<!DOCTYPE html><script>alert(1)</script>", "是网页文件，请打印为 PDF 后上传"),
        ("文.jpg", b"just words", "不是可以上传的类型"),
        ("程序.pdf", b"MZ\x90\0" + b"\0" * 80, "是程序，不能上传"),
        ("动图.jpg", drawn("GIF"), "是 GIF 动图，请截图后上传"),
        ("半张.jpg", photo((900, 900), quality=95)[:2000], "是损坏或不完整的图片，可能没有传完，请重新拍摄或上传"),
        ("头.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"<script>" * 9, "是损坏或不完整的图片，可能没有传完，请重新拍摄或上传"),
        ("巨.png", huge_png(), "的像素超过 50 百万，请缩小后上传"),
        ("大.png", huge_png(9000, 9000), "的像素超过 50 百万，请缩小后上传"),
        ("大.heic", huge_heic(), "的像素超过 50 百万，请缩小后上传"),
        ("压缩.docx", office("anything.txt"), "是压缩包，请解压后分别上传里面的文件"),
        ("宏.docx", office(**{"word/vbaProject.bin": b"x"}), "含有宏或控件，请另存为不含宏的文件或 PDF 后上传"),
        ("越界.docx", office(**{"../../etc/passwd": b"x"}), "内部的文件名不正常，请重新保存后上传"),
        ("炸弹.docx", office(**{"word/media/a.bin": b"\0" * 20_000_000}), "解开后大得不正常，疑似压缩炸弹，不能上传"),
        ("半份.docx", office(**{"word/a.xml": bytes(range(256)) * 99})[:600], "是损坏或不完整的 Office 文件，请重新保存后上传"),
        ("半份.pdf", pdf()[:30], "是损坏或不完整的 PDF，可能没有传完，请重新导出后上传"),
        ("空.pdf", b"%PDF-1.7\n%%EOF\n", "是损坏或不完整的 PDF，可能没有传完，请重新导出后上传"),
        ("锁.pdf", pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "是加密的 PDF，设了打开密码，请取消密码后上传"),
        ("错.docx", office(**{"_rels/.rels": b"<Relationships"}), "是损坏或不完整的 Office 文件，请重新保存后上传"),
        ("两面.pdf", pdf() + office(), "同时又是压缩包，不能上传，请重新打印为 PDF"),
        ("苹果.heic", movie(b"heic"), "是损坏或不完整的图片，可能没有传完，请重新拍摄或上传"),
        ("半张.heic", drawn("HEIF", (900, 900))[:500], "是损坏或不完整的图片，可能没有传完，请重新拍摄或上传"),
        ("新式.avif", movie(b"avif"), "是 AVIF 图片，请另存为 JPG 后上传"),
        ("录像.mov", movie(b"qt  "), "是 MOV 视频，请转为 MP4 后上传"),
        ("别的.mp4", movie(b"jp2 "), "不是可以上传的类型"),
    ],
)  # fmt: skip
def test_hostile_or_broken_file_is_refused_and_leaves_nothing(
    county: World, case: Case, at: datetime, tmp_path: Path, name: str, content: bytes, why: str
):
    said = refusal(county, case, name, content, at)
    assert said.startswith(why), said
    assert not Upload.objects.exists()
    assert files_in(tmp_path) == []


def test_bomb_that_lies_about_its_size_is_counted(
    county: World, case: Case, at: datetime, monkeypatch: pytest.MonkeyPatch
):
    content = office(**{"word/media/a.bin": bytes(range(256)) * 4000})
    assert refusal(county, case, "a.docx", content, at) == ""
    monkeypatch.setattr(documents, "MOST_INFLATED", 500_000)
    monkeypatch.setattr(documents, "_harmless", lambda archive, kinds: kinds[0])
    said = refusal(county, case, "b.docx", content, at)
    assert said == "解开后大得不正常，疑似压缩炸弹，不能上传"


def test_too_large_a_file_says_how_large_it_may_be(county: World, case: Case, at: datetime, settings: Any):
    settings.HUIYIN_ATTACHMENT_MB = 1
    assert refusal(county, case, "大.pdf", pdf() + b"0" * 1_100_000, at) == "超过 1 MB，请压缩或分开后上传"


# ---- pictures


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_picture_keeps_its_pixels_upright_and_loses_place_and_camera(
    county: World, case: Case, at: datetime, kind: str
):
    original = geotagged(kind)
    with Image.open(io.BytesIO(original)) as before:
        assert before.getexif().get_ifd(GPS)
    content = content_of(sent(county, case, "现场.jpg", original, at))
    assert CAMERA.encode() not in content
    assert b"canary" not in content
    with Image.open(io.BytesIO(content)) as after:
        assert after.size == (40, 80)
        top, bottom = (after.convert("RGB").getpixel((20, y)) for y in (10, 70))
        assert len(after.getexif()) == 0
        assert {name for name in after.info if name in {"exif", "xmp", "comment", "icc_profile"}} == set()
    # Turned a quarter to the right: what was left is up.
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[0] > 200, bottom[2] > 200) == (True, True)


def test_what_hides_behind_a_picture_is_gone(county: World, case: Case, at: datetime):
    polyglot = drawn("JPEG") + b"<script>alert(1)</script>" + office()
    content = content_of(sent(county, case, "polyglot.jpg", polyglot, at))
    assert b"script" not in content
    assert b"PK\x03\x04" not in content


def test_large_picture_is_made_smaller(county: World, case: Case, at: datetime):
    with Image.open(io.BytesIO(content_of(sent(county, case, "大.jpg", photo((6000, 3000)), at)))) as image:
        assert image.size == (4096, 2048)


# ---- names


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("现场.jpg", "现场.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\用户\\照片.jpg", "照片.jpg"),
        ("a\r\nb\u202egpj.exe", "abgpj.exe"),
        ("<img src=x>.png", "img src=x.png"),
        ("", "文件"),
        ("..", "文件"),
        ("何晓枫13800005678.jpg", "何**138****5678.jpg"),
        ("长" * 300 + ".jpg", "长" * 89 + ".jpg"),
    ],
)
def test_name_is_text_without_path_control_or_identity(
    county: World, case: Case, at: datetime, name: str, shown: str
):
    assert clean_name(name, case) == shown


@pytest.mark.parametrize(("name", "shown"), [("何晓枫.jpg", "文件.jpg"), ("hexiaofeng", "文件")])
def test_a_file_is_taken_under_a_name_that_says_nothing_where_the_writers_key_is_gone(
    county: World, case: Case, at: datetime, settings: Any, name: str, shown: str
):
    settings.HUIYIN_CONTACT_KEYS = "other:" + base64.b64encode(b"2" * 32).decode()
    assert sent(county, case, name, drawn("JPEG"), at).name == shown


def test_stored_name_says_nothing(county: World, case: Case, at: datetime, tmp_path: Path):
    sent(county, case, "../../../何晓枫.jpg", drawn("JPEG"), at)
    stored = [str(path.relative_to(tmp_path)) for path in files_in(tmp_path)]
    assert len(stored) == 2
    assert all(
        path.startswith("attachments/") and len(path) == len("attachments/ab/") + 40 for path in stored
    )


def test_same_name_twice_is_two_files_and_same_content_twice_is_one(county: World, case: Case, at: datetime):
    first = sent(county, case, "现场.jpg", drawn("JPEG"), at)
    second = sent(county, case, "现场.jpg", drawn("JPEG", (50, 50)), at)
    again = sent(county, case, "又一次.jpg", drawn("JPEG"), at)
    assert (first.name, second.name) == ("现场.jpg", "现场.jpg")
    assert first.stored != second.stored
    assert again == first


_CORE = f"<cp:coreProperties xmlns:cp='c' xmlns:dc='d'><dc:creator>{CAMERA}</dc:creator></cp:coreProperties>".encode()
_ELSEWHERE = (
    b"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1'"
    b" Type='http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties'"
    b" Target='/package/services/metadata/core-properties/1.psmdcp'/></Relationships>"
)


@pytest.mark.parametrize("root", ["word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"])
def test_office_document_loses_its_properties_and_keeps_the_rest(
    county: World, case: Case, at: datetime, root: str
):
    properties = ("docProps/core.xml", "docProps/app.xml", "docProps/custom.xml")
    elsewhere = "package/services/metadata/core-properties/1.psmdcp"
    original = office(
        root,
        **dict.fromkeys((*properties, elsewhere), _CORE),
        **{"_rels/.rels": _ELSEWHERE, "a/b.bin": b"rest"},
    )
    upload = sent(county, case, "说明.docx", original, at)
    with (
        zipfile.ZipFile(io.BytesIO(content_of(upload))) as kept,
        zipfile.ZipFile(io.BytesIO(original)) as came,
    ):
        assert kept.namelist() == came.namelist()
        assert kept.testzip() is None
        changed = {name for name in came.namelist() if kept.read(name) != came.read(name)}
        assert changed == {*properties, elsewhere}
        assert not [name for name in kept.namelist() if CAMERA.encode() in kept.read(name)]
        assert {part.date_time for part in kept.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_pdf_loses_its_author_everywhere_and_keeps_its_pages(county: World, case: Case, at: datetime):
    original = pdf(compress_streams=False)
    assert original.count(CAMERA.encode()) >= 3
    content = content_of(sent(county, case, "报告.pdf", original, at))
    with pikepdf.open(io.BytesIO(content)) as kept:
        assert len(kept.pages) == 1
        assert "/P" in kept.pages[0].obj["/Resources"]["/XObject"]
        assert ("/Info" in kept.trailer, "/Metadata" in kept.Root) == (False, False)
    with pikepdf.open(io.BytesIO(content)) as kept:
        plain = io.BytesIO()
        kept.save(plain, stream_decode_level=pikepdf.StreamDecodeLevel.all, compress_streams=False)
    assert CAMERA.encode() not in plain.getvalue()


@pytest.mark.parametrize("options", [{}, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}])
def test_sealed_pdf_stays_as_it_came_to_the_byte(
    county: World, case: Case, at: datetime, options: dict[str, Any]
):
    sealed = pdf(sealed=True, **options)
    assert content_of(sent(county, case, "盖章件.pdf", sealed, at)) == sealed


@pytest.mark.parametrize("content", [pdf(), office(**{"docProps/core.xml": _CORE}), drawn("HEIF")])
def test_same_content_sent_again_is_the_same_upload(county: World, case: Case, at: datetime, content: bytes):
    first, second = (sent(county, case, name, content, at) for name in ("一", "二"))
    assert first.pk == second.pk


def test_pdf_that_only_forbids_changes_is_taken(county: World, case: Case, at: datetime):
    content = pdf(encryption=pikepdf.Encryption(owner="a", user=""))
    with pikepdf.open(io.BytesIO(content_of(sent(county, case, "a.pdf", content, at)))) as kept:
        assert not kept.is_encrypted
