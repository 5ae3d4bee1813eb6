"""One form for a telephone number, so that the same number is the same text."""

import re
import unicodedata
from typing import NamedTuple

_SEPARATORS = re.compile(r"[\s\-()\u2010-\u2015\u2212_.·]+")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0\d{2,3}[1-9]\d{6,7}")
_LOCAL = re.compile(r"[1-9]\d{6,7}")
_SERVICE = re.compile(r"[48]00\d{7}|1\d{2,4}|9\d{4}")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|#|,)\s*(\d{1,6})$", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)

LOOKS_WRONG = "电话号码的位数或号段不对，请核对（已照原样登记）"
SCIENTIFIC = "电话被表格程序写成了科学计数，末尾已丢失，请把该列改为文本格式重新填写"


class Phone(NamedTuple):
    """The number in one form (digits, extension after 转) and what looks wrong with it, in Chinese."""

    number: str
    doubt: str | None


def is_plain_mobile(text: str) -> bool:
    """Whether there is nothing to normalise: what nearly every row of an export has."""
    return len(text) == 11 and text.isascii() and text.isdigit() and text[0] == "1" and text[1] >= "3"


def normalise_phone(text: str) -> Phone:
    """Fold width, drop separators and the prefix +86 or 0086; a number that fits no pattern is kept as
    written, with a doubt. Never raises: a wrong number must not keep a message out."""
    folded = unicodedata.normalize("NFKC", text).strip()
    if _SCIENTIFIC.fullmatch(folded):
        return Phone(folded, SCIENTIFIC)
    extension = _EXTENSION.search(folded)
    main = folded[: extension.start()] if extension else folded
    digits = _SEPARATORS.sub("", main)
    for prefix in ("+86", "0086", "86"):
        if digits.startswith(prefix) and len(digits) - len(prefix) >= 10:
            digits = digits[len(prefix) :]
            # +86 351 … stands for 0351 …: the trunk zero is not written after a country code.
            if not _MOBILE.fullmatch(digits) and not digits.startswith("0"):
                digits = "0" + digits
            break
    if extension:
        known = _LANDLINE.fullmatch(digits) or _LOCAL.fullmatch(digits) or _SERVICE.fullmatch(digits)
        return Phone(f"{digits}转{extension[1]}", None) if known else Phone(folded, LOOKS_WRONG)
    if any(p.fullmatch(digits) for p in (_MOBILE, _LANDLINE, _LOCAL, _SERVICE)):
        return Phone(digits, None)
    return Phone(folded, LOOKS_WRONG)
