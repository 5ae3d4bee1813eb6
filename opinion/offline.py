"""Offline work as the case page and the printed sheet show it: in words, a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opinion.models import Attachment, Claim, ClaimOutcome, Presence, Visit
from workflows.models import Case

# Label of a code, given its list.
Word = Callable[[str, str], str]


@dataclass(frozen=True)
class Reached:
    """What one record did for one claim. words: of the claim as it was then."""

    number: int
    words: str
    outcome: str


@dataclass(frozen=True)
class VisitView:
    """An offline record. present: role and how many. said: the person's own words."""

    visit: Visit
    action: str
    present: list[tuple[str, int]]
    reached: list[Reached]
    view: str
    said: str
    files: list[Attachment]


@dataclass(frozen=True)
class ClaimView:
    """A claim with what the newest record that touched it did for it; empty where none has."""

    claim: Claim
    outcome: str


@dataclass(frozen=True)
class OfflineWork:
    """All of it, in the order in which it took place."""

    visits: list[VisitView]
    claims: list[ClaimView]


def offline_work(case: Case, word: Word, files: Mapping[int, list[Attachment]]) -> OfflineWork:
    """files: of the case, by record. Five statements."""
    present: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for row in Presence.objects.filter(case=case).order_by("id"):
        present[row.seq].append((word("present_role", row.role), row.count))
    reached: dict[int, list[Reached]] = defaultdict(list)
    newest: dict[int, str] = {}
    for done in (
        ClaimOutcome.objects.filter(case=case).select_related("claim").order_by("seq", "claim__number")
    ):
        outcome = newest[done.claim.number] = word("claim_outcome", done.outcome)
        reached[done.seq].append(Reached(done.claim.number, done.claim.text, outcome))
    said = dict(case.notes.filter(kind="view_words").values_list("seq", "text"))
    visits = [
        VisitView(
            visit=visit,
            action=word("offline_action", visit.action),
            present=present[visit.seq],
            reached=reached[visit.seq],
            view=word("person_view", visit.view),
            said=said.get(visit.seq, ""),
            files=files.get(visit.seq, []),
        )
        for visit in Visit.objects.filter(case=case).select_related("author", "unit")
    ]
    claims = Claim.objects.filter(case=case).standing().order_by("number")
    return OfflineWork(visits, [ClaimView(claim, newest.get(claim.number, "")) for claim in claims])
