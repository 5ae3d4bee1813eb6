"""Which findings keep a text from being given or published, which may stand once somebody says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from opinion.screening.finding import Finding


@dataclass(frozen=True)
class Verdict:
    """refused: must go. doubtful: may stand, by code, with a reason. remarked: said and left to the writer."""

    refused: Sequence[Finding] = ()
    doubtful: Sequence[Finding] = ()
    remarked: Sequence[Finding] = ()

    @property
    def doubtful_codes(self) -> dict[str, list[Finding]]:
        """Code → what was found under it."""
        codes: dict[str, list[Finding]] = {}
        for finding in self.doubtful:
            codes.setdefault(finding.code, []).append(finding)
        return codes


def judge(found: Iterable[Finding], *, public: bool) -> Verdict:
    """Nobody may read of another; the public reads of no one. To the person themselves their own name is no news."""
    found = list(found)
    others = [each for each in found if each.is_other]
    own = [each for each in found if each.is_own]
    soft = [each for each in found if each.is_soft]
    return Verdict([*others, *own], soft) if public else Verdict(others, remarked=soft)
