"""Whether a text names one certain person: by name, phone, home or mail address, however it is spelled or spaced."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opinion.contacts.book import Person
from opinion.contacts.masking import mask_address, mask_email, mask_name, mask_phone
from opinion.screening.finding import Finding
from opinion.screening.folding import Folded, Reading, digits, plain, sentence_of, words

# What people put where a name is asked for, without giving one.
_NOBODY = frozenset(
    {"匿名", "群众", "市民", "网友", "居民", "村民", "业主", "热心市民", "热心群众", "匿名用户", "未留名", "不详", "先生", "女士"}
)  # fmt: skip
_NUMBERED = re.compile(r"[0-9a-z甲乙丙丁东西南北]{1,6}(?:号院|号楼|单元|弄|号|室|户|房|栋|幢|座|楼|组|层)")
_HOUSEHOLD = re.compile(r"(?:号院|单元|弄|号|室|户|房)$")
_TITLES = ("先生", "女士", "小姐", "同志", "老师", "师傅", "本人")
_BEFORE = frozenset("为叫是名称系:")


def found_of(text: Reading, person: Person, *, own: bool) -> Iterator[Finding]:
    """own: the person the text is for; otherwise somebody who must not appear in it at all."""
    whose = "own" if own else "other"
    yield from _name(text, person.name, whose)
    yield from _phone(text, person.phone, whose)
    yield from _home(text, person.address, whose)
    if person.email:
        yield from _each(
            text, text.plain, plain(person.email).text, f"{whose}_email", mask_email(person.email)
        )


def _each(text: Reading, folded: Folded, wanted: str, code: str, shown: str) -> Iterator[Finding]:
    """Wherever it stands, once a sentence."""
    place = folded.text.find(wanted) if wanted else -1
    last = 0
    while place >= 0:
        sentence = sentence_of(text.text, folded.origin(place, place + len(wanted))[0])
        if sentence != last:
            yield Finding(code, sentence, shown)
        last = sentence
        place = folded.text.find(wanted, place + len(wanted))


def _name(text: Reading, name: str, whose: str) -> Iterator[Finding]:
    wanted = words(name).text
    if len(wanted) < 2 or name.strip() in _NOBODY:
        return
    folded, shown = text.words, mask_name(name.strip())
    if len(wanted) > 2 or whose == "other":
        yield from _each(text, folded, wanted, f"{whose}_name", shown)
        return
    # Two characters are often no name: 高兴, 方便. Between marks, after 名为 or before 先生 they are.
    for match in re.finditer(re.escape(wanted), folded.text):
        start, end = folded.origin(*match.span())
        before, after = text.text[:start].rstrip()[-1:], text.text[end:].lstrip()
        alone = (not before or not before.isalnum()) and (not after or not after[0].isalnum())
        said = alone or after.startswith(_TITLES) or before in _BEFORE or wanted not in text.plain.text
        yield Finding("own_name" if said else "own_name_maybe", sentence_of(text.text, start), shown)


def _phone(text: Reading, phone: str, whose: str) -> Iterator[Finding]:
    """The whole number, or its last eight digits, at which it is as good as known."""
    wanted = digits(phone).text.replace("\n", "")
    if len(wanted) < 7:
        return
    yield from _each(text, text.digits, wanted[-8:], f"{whose}_phone", mask_phone(wanted))


def _home(text: Reading, address: str, whose: str) -> Iterator[Finding]:
    """What stands behind street or village, where it says which home and not only which building."""
    street = mask_address(address).removesuffix("***")
    rest = words(address.removeprefix(street)).text
    numbered = list(_NUMBERED.finditer(rest))
    if not numbered:
        return
    ends = [match.end() for match in numbered[1:]]
    if _HOUSEHOLD.search(numbered[0][0]):
        ends.insert(0, numbered[0].end())
        # A number on a street, with homes behind it, is a compound and no home.
        ends = ends[1:] if len(ends) > 1 else ends
    folded = text.words
    for end in sorted(ends, reverse=True):
        if rest[:end] in folded.text:
            yield from _each(text, folded, rest[:end], f"{whose}_address", mask_address(address))
            return
