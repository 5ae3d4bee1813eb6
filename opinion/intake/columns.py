"""Turn one cell into the value of its field, and say what was wrong with it."""

import unicodedata
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from opinion.intake.cleaning import clean_line, clean_paragraphs
from opinion.intake.moments import NotAMoment, read_moment, read_usual
from opinion.intake.phones import is_plain_mobile, normalise_phone
from opinion.intake.problems import Severity

LONGEST_NUMBER = 64
LONGEST_LINE = 500
DIGEST_PREFIX = "digest:"


class Finding(NamedTuple):
    """What is wrong with a cell, before it is known which row and column it was."""

    severity: Severity
    reason: str


Value = str | int | bool | datetime | None
Reading = tuple[Value, Finding | None]
Reader = Callable[[str | datetime], Reading]

_LOST = Finding("warning", "含有空字符或损坏的字符（乱码），已去掉或显示为 �，请核对原文")
_DATE_ONLY = Finding("warning", "只有日期没有时刻，按当天 00:00 登记")

_YES = frozenset(
    (
        "是",
        "要",
        "需要",
        "要求",
        "保密",
        "要求保密",
        "需要保密",
        "不公开",
        "匿名",
        "y",
        "yes",
        "true",
        "1",
        "1.0",
    )
)
_NO = frozenset(
    ("否", "不", "不需要", "不要求", "不保密", "公开", "可公开", "实名", "无", "n", "no", "false", "0", "0.0")
)


def read_paragraphs(cell: str | datetime) -> Reading:
    """Body and reply: paragraphs kept."""
    text, lost = clean_paragraphs(cell if isinstance(cell, str) else _as_text(cell))
    return text or None, _LOST if lost else None


def read_line(cell: str | datetime) -> Reading:
    """Anything on one line, up to LONGEST_LINE characters."""
    text, lost = clean_paragraphs(cell if isinstance(cell, str) else _as_text(cell))
    if "\n" in text:
        text = text.replace("\n", " ")
    if len(text) > LONGEST_LINE:
        return None, Finding("error", f"超过 {LONGEST_LINE} 字，可能是列错位了，请检查")
    return text or None, _LOST if lost else None


@lru_cache(maxsize=4096)
def read_label(cell: str | datetime) -> Reading:
    """A line from a short vocabulary: the few that a file repeats on every row are read once."""
    return read_line(cell)


def read_number(cell: str | datetime) -> Reading:
    """The number the source gave. Width is folded: it is a key, and the same key must be the same text."""
    if isinstance(cell, datetime):
        return None, Finding("error", "编号被表格程序当成了日期，请把该列改为文本格式重新填写")
    if cell.isascii() and cell.isalnum() and len(cell) <= LONGEST_NUMBER:
        return cell, None
    text, lost = clean_line(cell)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if lost:
        return None, Finding("error", "编号里有损坏的字符，请更正")
    if len(text) > LONGEST_NUMBER:
        return None, Finding("error", f"编号超过 {LONGEST_NUMBER} 个字符，可能是列错位了，请检查")
    if text.startswith(DIGEST_PREFIX):
        return None, Finding("error", f"编号不能以 {DIGEST_PREFIX} 开头，请更正")
    return text or None, None


def read_phone(cell: str | datetime) -> Reading:
    """Normalised; a number that looks wrong is kept with a warning."""
    if isinstance(cell, str) and is_plain_mobile(cell):
        return cell, None
    text, lost = clean_line(_as_text(cell))
    if not text:
        return None, _LOST if lost else None
    if len(text) > LONGEST_LINE:
        return None, Finding("error", f"超过 {LONGEST_LINE} 字，可能是列错位了，请检查")
    phone = normalise_phone(text)
    if phone.doubt:
        return phone.number, Finding("warning", phone.doubt)
    return phone.number, _LOST if lost else None


def moment_reader(zone: tzinfo) -> Reader:
    """Times without an offset are local to `zone`."""

    def read(cell: str | datetime) -> Reading:
        if isinstance(cell, str):
            usual = read_usual(cell, zone)
            if usual is not None:
                return usual, None
            cell = cell.strip()
            if not cell:
                return None, None
        try:
            at, date_only = read_moment(cell, zone)
        except NotAMoment as error:
            return None, Finding("error", str(error))
        return at, _DATE_ONLY if date_only else None

    return read


def read_grade(cell: str | datetime) -> Reading:
    """A mark from 1 to 5 as the leader board gives it; anything else stays empty."""
    text = unicodedata.normalize("NFKC", clean_line(_as_text(cell))[0]).rstrip("星分").strip()
    if not text:
        return None, None
    if text in {"1", "2", "3", "4", "5"}:
        return int(text), None
    return None, Finding("warning", "评分不是 1 至 5，未登记")


def read_confidential(cell: str | datetime) -> Reading:
    """Whether the person asked for confidentiality; when in doubt, yes."""
    text = unicodedata.normalize("NFKC", clean_line(_as_text(cell))[0]).casefold()
    if not text:
        return None, None
    if text in _YES:
        return True, None
    if text in _NO:
        return False, None
    return True, Finding("warning", "看不懂是否要求保密，先按要求保密登记，请核对")


def readers(zone: tzinfo) -> dict[str, Reader]:
    """The reader of every field that is not a plain line."""
    moment = moment_reader(zone)
    return {
        "external_number": read_number,
        "body": read_paragraphs,
        "reply_body": read_paragraphs,
        "received_at": moment,
        "replied_at": moment,
        "phone": read_phone,
        "asked_confidential": read_confidential,
        "type": read_label,
        "domain": read_label,
        "urgency": read_label,
        "source_label": read_label,
        "unit": read_label,
        "state": read_label,
        "board": read_label,
        "grade_solving": read_grade,
        "grade_manner": read_grade,
        "grade_speed": read_grade,
    }


def _as_text(cell: str | datetime) -> str:
    return cell if isinstance(cell, str) else f"{cell:%Y-%m-%d %H:%M:%S}"
