"""Remarks on a text, told its writer once before it goes on: one more press, and nothing is lost.

What was told comes back with the form, so that only what is new asks again. It is a courtesy to the writer, not a guard:
what must not go on is refused at the door (`opinion.reply_guards`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms

from opinion.forms.base import MoveForm
from opinion.screening.finding import Finding

FIELD = "remarked"


@dataclass(frozen=True)
class Telling:
    """told: marks of what the page tells now, for the form to bring back. count: how much of it is new and waits for a second press."""

    told: str
    count: int = 0


def telling(form: forms.Form | None, posted: Mapping[str, Any]) -> Telling:
    """What is to be told of a form as it stands, and what of that `posted` does not know yet."""
    marks = _marks(form.to_tell) if isinstance(form, MoveForm) else set()
    known = set(str(posted.get(FIELD, "")).split())
    return Telling(" ".join(sorted(marks)), len(marks - known))


def _marks(findings: Iterable[Finding]) -> set[str]:
    """Of what was found, wherever it stands in the text by now; what is masked in it stays masked."""
    return {sha256(f"{each.code} {each.shown}".encode()).hexdigest()[:16] for each in findings}
