"""Whether a duplicate's answer keeps to what was approved for its master: words may be left out, none may be put in.

A clause may be left out whole. Within one, words may go, but not a negation, nor part of a number: either would say
something else than was approved.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from opinion.merging import words_of
from opinion.models import Reply
from opinion.templating import PLACEHOLDERS
from workflows.models import Case

# Numbers stay whole, in either writing; any other character that can be seen is a word of its own.
_WORD = re.compile(r"[0-9A-Za-z]+(?:[-.,:/][0-9A-Za-z]+)*%?|[零〇一二两三四五六七八九十百千万亿]+|\S")
_ENDS = frozenset(",。!?;:、")
_SENTENCE = re.compile(r"[^。!?;\n]+")
_NEGATIONS = frozenset("不未没无非否勿莫")


@dataclass(frozen=True)
class Clause:
    """place: where it begins in the folded text."""

    words: tuple[str, ...]
    place: int

    def shortens(self, source: Clause) -> bool:
        rest = iter(source.words)
        return self._negations == source._negations and all(word in rest for word in self.words)

    @property
    def _negations(self) -> list[str]:
        return [word for word in self.words if word in _NEGATIONS]


def approved_texts(master: Case, *, public: bool) -> list[str]:
    """What the master's person was told last, and what the public reads of it: that alone, where it is for the public."""
    said = words_of(master)
    told = next((reply for reply in said if reply.kind == Reply.Kind.FINAL), None)
    if told is None:
        return []
    shown = next(
        (reply for reply in said if reply.kind == Reply.Kind.PUBLISHED and reply.seq == told.seq), None
    )
    if shown is None:
        return [told.text]
    return [shown.text] if public else [told.text, shown.text]


def published_otherwise(master: Case) -> str:
    """What the public reads of the master's answer, where that is not what its person was told; empty otherwise."""
    told, *shown = approved_texts(master, public=False) or [""]
    return shown[0] if shown and shown[0] != told else ""


def for_case(text: str, master: Case, case: Case, *, at: datetime) -> set[str]:
    """The master's text with what a placeholder says of the case in place of what it says of the master, or some of it."""
    if case.desk_id == master.desk_id:
        case.desk = master.desk
    # The master's number is another person's; theirs is this case's.
    texts = {text.replace(master.number, case.number)}
    for each in PLACEHOLDERS:
        old, new = each.value(master, at), each.value(case, at)
        if old and new and old != new:
            texts |= {found.replace(old, new) for found in texts}
    return texts


def stray_sentence(said: str, sources: Iterable[str]) -> int | None:
    """The number of the first sentence that is in none of the sources, None where one has all that is said."""
    folded = _folded(said)
    given = list(_clauses(folded))
    if not given:
        return 1
    places = [_first_stray(given, _clauses(_folded(source))) for source in sources]
    if None in places:
        return None
    furthest = max((place for place in places if place is not None), default=0)
    return sum(bool(found.strip()) for found in _SENTENCE.findall(folded[: furthest + 1]))


def _first_stray(given: Sequence[Clause], rest: Iterator[Clause]) -> int | None:
    """Each clause takes the first one left that it may come from; if that fails, so would any other choice."""
    for clause in given:
        if not any(clause.shortens(other) for other in rest):
            return clause.place
    return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _clauses(folded: str) -> Iterator[Clause]:
    words: list[str] = []
    start = 0
    for match in _WORD.finditer(folded):
        if match[0] not in _ENDS:
            start = start if words else match.start()
            words.append(match[0])
        elif words:
            yield Clause(tuple(words), start)
            words = []
    if words:
        yield Clause(tuple(words), start)
