"""Text as a searcher should see it: full-width, spaced-out and spelled-out forms made one, places kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

_SPELLED = {
    **dict(zip("零一二三四五六七八九", "0123456789", strict=True)),
    "\u3007": "0",
    "幺": "1",
    "两": "2",
}
_BETWEEN_DIGITS = frozenset("-\u2010\u2011–—―_~.·•・()[]/\\+*,")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]?")


@dataclass(frozen=True)
class Folded:
    """text: folded. at: for each of its characters, the position in the original."""

    text: str
    at: tuple[int, ...]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The original's span behind a span of the folded text that is not empty."""
        return self.at[start], self.at[end - 1] + 1


def _fold(text: str, keep: Callable[[str], str]) -> Folded:
    characters: list[str] = []
    places: list[int] = []
    for place, original in enumerate(text):
        for character in unicodedata.normalize("NFKC", original).casefold():
            for kept in keep(character):
                characters.append(kept)
                places.append(place)
    return Folded("".join(characters), tuple(places))


def plain(text: str) -> Folded:
    """Full width to half, capitals to small; what cannot be seen is dropped."""
    return _fold(text, lambda c: "" if unicodedata.category(c) == "Cf" else c)


def words(text: str) -> Folded:
    """Letters, characters and digits alone: 何 晓·枫 is 何晓枫."""
    return _fold(text, lambda c: c if c.isalnum() else "")


def digits(text: str) -> Folded:
    """Digits, also spelled out (幺三八), joined over spaces and dashes; anything else ends a number."""
    return _fold(text, _digit)


def _digit(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    if character == "x":  # the last place of an identity number
        return character
    if character.isdecimal():
        return str(unicodedata.digit(character))
    if character in _BETWEEN_DIGITS or (character.isspace() and character != "\n"):
        return ""
    return "" if unicodedata.category(character) == "Cf" else "\n"


class Reading:
    """A text and its folded forms, each made once however many persons it is held against."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def plain(self) -> Folded:
        return plain(self.text)

    @cached_property
    def words(self) -> Folded:
        return words(self.text)

    @cached_property
    def digits(self) -> Folded:
        return digits(self.text)


def sentence_of(text: str, position: int) -> int:
    """Which sentence, counted from 1, a position lies in."""
    passed = 0
    for match in _SENTENCE.finditer(text):
        if not match[0]:
            continue
        if match[0].strip():
            passed += 1
        if match.end() > position:
            break
    return max(passed, 1)


def sentences(text: str) -> list[str]:
    """The text cut behind each full stop and line break; joined, they are the text."""
    return [match[0] for match in _SENTENCE.finditer(text) if match[0]]
