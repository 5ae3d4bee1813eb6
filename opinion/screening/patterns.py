"""What looks like somebody's number, plate, mail address or name, whoever it is.

Every pattern is of bounded length and tried at each place once, so no text makes it slow. Landlines are left alone:
they are the offices' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from opinion.contacts.masking import mask_email, mask_name, mask_phone
from opinion.screening.finding import Finding
from opinion.screening.folding import Folded, Reading, sentence_of

_MOBILE = re.compile(r"(?<!\d)(?:0?086|86)?(1[3-9]\d{9})(?!\d)", re.ASCII)
_LONG = re.compile(r"(?<![\dx])(\d{15,18}[\dx])(?![\dx])", re.ASCII)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"([{_PROVINCES}][a-hj-np-z])[ ·•.-]?([a-hj-np-z0-9]{{4,5}}[a-hj-np-z0-9挂学警港澳])(?![a-z0-9])"
)
_EMAIL = re.compile(
    r"(?<![a-z0-9.+_-])[a-z0-9._+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}", re.ASCII
)
_CASE = re.compile(r"(?<![a-z0-9])[a-z]{2}20\d{2}-\d{6}(?!\d)", re.ASCII)
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章苏潘葛范彭郎鲁韦昌马苗凤花俞任袁柳鲍史唐"
    "费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于傅皮齐康伍余元顾孟黄穆萧尹姚邵汪祁毛狄臧戴宋庞熊纪舒屈项祝董梁杜阮蓝季贾路江童颜郭"
    "梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍万支柯管卢莫房解丁邓洪包左石崔吉龚程邢裴陆荣翁段侯牛向古易廖耿文欧聂曾关叶白温庄晏柴瞿"
    "阎连习容谭申冉桑尚游肖覃闫"
)
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯|端木|南宫"
_TITLE = "先生|女士|小姐|大爷|大妈|阿姨|师傅|同学"
_CALLED = re.compile(rf"(?:{_COMPOUND}|[{_SURNAMES}])[一-龥]{{0,2}}?(?={_TITLE})")
_LABELLED = re.compile(
    rf"(?:姓名|联系人|户主|当事人|投诉人|反映人|举报人|留言人|来电人|申请人)[:为是 ]{{1,2}}"
    rf"((?:{_COMPOUND}|[{_SURNAMES}])(?![某x*])[一-龥]{{1,2}})(?![一-龥])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_number(number: str) -> bool:
    """Eighteen digits, the last perhaps X, whose date and check digit are right. Source: GB 11643-1999."""
    if len(number) != 18 or not number[:17].isdecimal():
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return born.year >= 1880 and "10X98765432"[total % 11] == number[17].upper()


def bank_card(number: str) -> bool:
    """Sixteen to nineteen digits with a check digit by Luhn, beginning as cards do. Source: ISO/IEC 7812."""
    if not (16 <= len(number) <= 19 and number.isdecimal() and number[0] in "3456") or len(set(number)) == 1:
        return False
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def found_by_pattern(text: Reading, *, own_number: str) -> Iterator[Finding]:
    """Whatever looks like somebody's; `own_number` is of the case the text is about."""
    flat, run = text.plain, text.digits
    seen: set[tuple[str, int]] = set()

    def each(
        code: str, pattern: re.Pattern[str], folded: Folded, mask: Callable[[re.Match[str]], str | None]
    ) -> Iterator[Finding]:
        for match in pattern.finditer(folded.text):
            shown = mask(match)
            if shown is None:
                continue
            start, _ = folded.origin(*match.span())
            if (code, start) not in seen:
                seen.add((code, start))
                yield Finding(code, sentence_of(text.text, start), shown)

    for folded in (flat, run):
        yield from each("mobile", _MOBILE, folded, lambda m: mask_phone(m[1]))
        yield from each("identity_number", _LONG, folded, lambda m: _mask_long(m[1], identity_number))
        yield from each("bank_card", _LONG, folded, lambda m: _mask_long(m[1], bank_card))
    yield from each("plate", _PLATE, flat, lambda m: f"{m[1].upper()}***")
    yield from each("email", _EMAIL, flat, lambda m: mask_email(m[0]))
    yield from each(
        "other_case", _CASE, flat, lambda m: None if m[0].upper() == own_number.upper() else m[0].upper()
    )
    yield from each("named_person", _CALLED, flat, lambda m: _mask_called(flat.text, m))
    yield from each("named_person", _LABELLED, flat, lambda m: mask_name(m[1]))


def _mask_long(number: str, is_one: Callable[[str], bool]) -> str | None:
    """Of a number that may be a card or an identity: masked where it is one."""
    if is_one is bank_card and identity_number(number):
        return None
    return f"{number[:3]}***{number[-4:]}" if is_one(number) else None


def _mask_called(text: str, match: re.Match[str]) -> str:
    title = text[match.end() : match.end() + 2]
    return f"{mask_name(match[0]) if len(match[0]) > 1 else match[0]}{title}"
