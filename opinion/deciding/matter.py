"""One thing to read before a decision."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from opinion.models import Attachment
from workflows.models import Approval


@dataclass(frozen=True)
class Passage:
    """A text, and what it is. files: that came with it."""

    label: str
    text: str
    files: Sequence[Attachment] = ()


@dataclass(frozen=True)
class Matter:
    """by, at: who did it, and when. facts: label, words. approval: whose levels can be looked up."""

    title: str
    by: str
    at: datetime
    facts: Sequence[tuple[str, str]] = ()
    passages: Sequence[Passage] = ()
    approval: Approval | None = None

    def without(self, texts: Collection[str]) -> Matter:
        """Without the texts that can be read elsewhere on the page."""
        return replace(self, passages=[each for each in self.passages if each.text.strip() not in texts])
