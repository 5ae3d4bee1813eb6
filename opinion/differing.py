"""What changed between two versions of a text: by sentence first, then by character within a changed one.

Chinese has no spaces to compare by, and a comparison of characters alone tears sentences to shreds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from opinion.screening.folding import sentences

What = Literal["same", "removed", "added"]

# SequenceMatcher takes time with the number of equal pairs; beyond this much a passage counts as rewritten.
_MOST_PAIRS = 40_000
_MOST_SENTENCE_PAIRS = 2_500
# Below this much in common two sentences are not versions of each other.
_ALIKE = 0.5
# A stretch in common shorter than this, between changes, only makes them hard to read.
_SHORTEST_COMMON = 2


@dataclass(frozen=True)
class Part:
    """A stretch of text that stayed, went or came."""

    what: What
    text: str


def differences(before: str, after: str) -> list[Part]:
    """The parts in reading order; without the added ones they are `before`, without the removed ones `after`."""
    return _joined(_by_sentence(sentences(before), sentences(after)))


def _by_sentence(before: Sequence[str], after: Sequence[str]) -> Iterator[Part]:
    for same, old, new in _blocks(before, after):
        if same:
            yield Part("same", "".join(old))
        else:
            for one, other in _paired(old, new):
                yield from _by_character(one, other)


def _paired(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Sentences in order, each old one beside the new one it became; an empty string where there is none."""
    if len(old) * len(new) > _MOST_SENTENCE_PAIRS:
        return [("".join(old), "".join(new))]
    counted = [Counter(each) for each in old], [Counter(each) for each in new]
    # best[i][j]: how much alike old[i:] and new[j:] are, paired at best.
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            alike = _alike(counted[0][i], counted[1][j])
            together = alike + best[i + 1][j + 1] if alike >= _ALIKE else 0.0
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[str, str]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            pairs.append((old[i], ""))
            i += 1
        elif best[i][j] == best[i][j + 1]:
            pairs.append(("", new[j]))
            j += 1
        else:
            pairs.append((old[i], new[j]))
            i, j = i + 1, j + 1
    return pairs + [(each, "") for each in old[i:]] + [("", each) for each in new[j:]]


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """Characters in common, whatever their order: 0 to 1."""
    return 2 * (one & other).total() / (one.total() + other.total())


def _by_character(before: str, after: str) -> Iterator[Part]:
    if before == after:
        yield Part("same", before)
        return
    blocks = list(_blocks(before, after))
    common = sum(len(old) for same, old, _ in blocks if same)
    if 2 * common < _ALIKE * (len(before) + len(after)):
        blocks = [(False, before, after)]
    for same, old, new in blocks:
        kept = same and (len(old) >= _SHORTEST_COMMON or len(blocks) == 1 or not old[0].isalnum())
        if kept:
            yield Part("same", str(old))
            continue
        if old:
            yield Part("removed", str(old))
        if new:
            yield Part("added", str(new))


def _blocks(before: Any, after: Any) -> Iterator[tuple[bool, Any, Any]]:
    """(same?, old, new) in order: ends in common first, the middle compared where that is affordable."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    if head:
        yield True, before[:head], after[:head]
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if _affordable(old, new):
        compared = SequenceMatcher(None, old, new, autojunk=False)
        for what, i, j, k, m in compared.get_opcodes():
            yield what == "equal", old[i:j], new[k:m]
    elif old or new:
        yield False, old, new
    if tail:
        yield True, before[len(before) - tail :], after[len(after) - tail :]


def _affordable(old: Sequence[str], new: Sequence[str]) -> bool:
    there = Counter(new)
    return sum(times * there[item] for item, times in Counter(old).items()) <= _MOST_PAIRS


def _joined(parts: Iterator[Part]) -> list[Part]:
    """Neighbours of one kind as one; between two stretches that stayed, what went stands before what came."""
    found: list[Part] = []
    removed = added = ""

    def flush() -> None:
        nonlocal removed, added
        found.extend(Part(what, text) for what, text in (("removed", removed), ("added", added)) if text)  # type: ignore[arg-type]
        removed = added = ""

    for part in parts:
        if part.what == "removed":
            removed += part.text
        elif part.what == "added":
            added += part.text
        else:
            flush()
            if found and found[-1].what == "same":
                found[-1] = Part("same", found[-1].text + part.text)
            elif part.text:
                found.append(part)
    flush()
    return found
