"""Claims listed anew against those that stand: which keep their number, which are new, which are struck off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from opinion.models import Claim
from workflows.models import Case

MOST_CLAIMS = 20
CLAIM_MAX = 300


@dataclass(frozen=True)
class Relisting:
    """worded: number → text of claims to be written. ended: standing rows that give way or are struck off.
    dropped: numbers struck off."""

    worded: dict[int, str]
    ended: list[Claim]
    dropped: list[int]


def standing(case: Case) -> list[Claim]:
    """What is to be answered, in order. One statement."""
    return list(Claim.objects.filter(case=case).standing().order_by("number"))


def relist(case: Case, texts: Sequence[str]) -> Relisting:
    """Compare line by line: a line reworded in its place keeps its number. Two statements."""
    before = standing(case)
    highest = (
        Claim.objects.filter(case=case).order_by("-number").values_list("number", flat=True).first() or 0
    )
    worded: dict[int, str] = {}
    ended: list[Claim] = []
    dropped: list[int] = []
    compared = SequenceMatcher(None, [claim.text for claim in before], list(texts), autojunk=False)
    for what, old_from, old_to, new_from, new_to in compared.get_opcodes():
        if what == "equal":
            continue
        old, new = before[old_from:old_to], texts[new_from:new_to]
        ended += old
        worded |= {claim.number: text for claim, text in zip(old, new, strict=False)}
        dropped += [claim.number for claim in old[len(new) :]]
        for text in new[len(old) :]:
            highest += 1
            worded[highest] = text
    return Relisting(worded, ended, dropped)
