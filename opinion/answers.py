"""A draft held against the claims: which passage answers which, and what is still to be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opinion.claims import standing
from opinion.codes import labels
from opinion.models import Claim, ClaimAnswer, Reply
from opinion.models.claim_answer import SEPARATELY
from opinion.screening.folding import sentences, words
from workflows.models import Case

SEPARATELY_LABEL = "另行答复"
# Fewer letters than this fit anywhere.
SHORTEST = 2


@dataclass(frozen=True)
class Answered:
    """One claim as a form says it is answered. result: a code or empty. words: as typed."""

    claim: Claim
    result: str
    words: str

    def problem(self, text: str) -> str:
        """What is wrong with it for a draft that goes to review, in Chinese; empty where nothing is."""
        what = f"第 {self.claim.number} 项诉求（{_short(self.claim.text)}）"
        if not self.result:
            return f"{what}还没有回应，请选择结果并照抄答复中对应的几个字；暂不答复的选“{SEPARATELY_LABEL}”并写明理由"
        if self.result == SEPARATELY:
            return "" if self.words.strip() else f"{what}选了“{SEPARATELY_LABEL}”，请写明理由"
        if not self.words.strip():
            return f"{what}没有指明由哪一句回应，请照抄答复中对应的几个字"
        if located(text, self.words) is None:
            return f"{what}对应的语句“{_short(self.words)}”不在答复里，请照抄答复中的几个字"
        return ""


@dataclass(frozen=True)
class AnswerView:
    """A claim and its answer in words, for a page. passage: of the draft; reason: why separately."""

    claim: Claim
    result: str
    passage: str
    reason: str


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"


def located(text: str, typed: str) -> tuple[int, int] | None:
    """Start and length of the sentences in which the typed words stand, whatever their spaces and marks."""
    wanted, folded = words(typed).text, words(text)
    if len(wanted) < SHORTEST:
        return None
    place = folded.text.find(wanted)
    if place < 0:
        return None
    first, last = folded.origin(place, place + len(wanted))
    start = end = passed = 0
    for sentence in sentences(text):
        here, passed = passed, passed + len(sentence)
        if passed <= first:
            continue
        if end == 0:
            start = here
        end = passed
        if passed >= last:
            break
    return start, end - start


def said_of(case: Case, said: Sequence[Mapping[str, Any]]) -> list[Answered]:
    """What a move's data says of each standing claim: of those it leaves out, nothing. One statement."""
    by_claim = {each["claim"]: each for each in said}
    return [
        Answered(claim, *(str(by_claim.get(claim.pk, {}).get(name) or "") for name in ("result", "words")))
        for claim in standing(case)
    ]


def rows(case: Case, version: int, text: str, answered: Iterable[Answered]) -> list[ClaimAnswer]:
    """What is kept with a version of the draft; of claims nothing is said about, nothing."""
    kept = []
    for each in answered:
        if not (each.result or each.words.strip()):
            continue
        place = None if each.result == SEPARATELY else located(text, each.words)
        start, length = place or (None, None)
        answer = ClaimAnswer(
            case=case, claim=each.claim, version=version, result=each.result, words=each.words.strip(),
            start=start, length=length,
        )  # fmt: skip
        kept.append(answer)
    return kept


def answers_of(draft: Reply | None) -> list[ClaimAnswer]:
    """Those kept with a draft, in the order of the claims. One statement."""
    if draft is None:
        return []
    kept = ClaimAnswer.objects.filter(case=draft.case_id, version=draft.version).select_related("claim")
    return list(kept.order_by("claim__number"))


def views(draft: Reply) -> list[AnswerView]:
    """For pages; two statements where there are any."""
    kept = answers_of(draft)
    names = result_labels() if kept else {}
    return [
        AnswerView(
            each.claim,
            names.get(each.result, each.result) or "尚未选择",
            each.passage(draft.text),
            each.words if each.result == SEPARATELY else "",
        )
        for each in kept
    ]


def result_labels() -> dict[str, str]:
    """code → label of what a claim's answer can come to. One statement."""
    return {**labels("result"), SEPARATELY: SEPARATELY_LABEL}
