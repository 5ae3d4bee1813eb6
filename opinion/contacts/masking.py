"""What may be shown of a person without a reason: 张*, 138****1234, an address down to the street.

Also blanks numbers that people write into subjects, since a case's title is in every list and export.
"""

from __future__ import annotations

import re

_MOBILE = r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}"
_LANDLINE = r"0\d{2,3}[ -]?[2-9]\d{6,7}"
_IDENTITY = r"\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_NUMBERS = re.compile(
    rf"(?<!\d)(?:(?P<identity>{_IDENTITY})|(?P<phone>{_MOBILE}|{_LANDLINE}))(?!\d)|(?P<email>{_EMAIL})",
    re.ASCII,
)
# Greedy, so that 镇 inside a longer name does not cut too early; what stands behind the street names a home.
_TO_STREET = re.compile(r"^.*?(?:街道|镇|乡|办事处|(?<!街)路|大道|街|社区|村)")
_COARSE = re.compile(r"^.*?(?:县|区|市|旗)")
_FULL_WIDTH_DIGITS = {0xFF10 + digit: str(digit) for digit in range(10)}


def mask_name(name: str) -> str:
    """张三 → 张*, 欧阳娜娜 → 欧***; a single character says too much to be shown."""
    return f"{name[0]}{'*' * (len(name) - 1)}" if len(name) > 1 else "*" * len(name)


def mask_phone(phone: str) -> str:
    """13812341234 → 138****1234; shorter numbers keep their last two digits."""
    if len(phone) >= 11:
        return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"
    return f"{'*' * max(len(phone) - 2, 0)}{phone[-2:]}" if len(phone) > 4 else "*" * len(phone)


def mask_address(address: str) -> str:
    """Down to the street or village; an address that names none, down to the county; otherwise nothing."""
    found = _TO_STREET.match(address) or _COARSE.match(address)
    if not address:
        return ""
    if found is None:
        return "***"
    return found[0] if found[0] == address else f"{found[0]}***"


def mask_email(email: str) -> str:
    """someone@example.org → s***@example.org."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}***{at}{domain}" if email else ""


def blank_numbers(text: str, *, name: str = "") -> str:
    """Text fit for a title: phone, identity numbers and mail addresses masked, and the writer's own name."""
    if any(character.isdigit() for character in text) or "@" in text:
        text = _NUMBERS.sub(_blank, text.translate(_FULL_WIDTH_DIGITS))
    return text.replace(name, mask_name(name)) if len(name) > 1 and name in text else text


def _blank(match: re.Match[str]) -> str:
    if match["identity"]:
        return f"{match[0][:3]}{'*' * 11}{match[0][-4:]}"
    return mask_phone(match[0]) if match["phone"] else mask_email(match[0])
