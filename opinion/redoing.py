"""How often a message has been handled again: the case fact `redo`, none → once → again, which policies may ask."""

from __future__ import annotations

from opinion.codes import REDO
from workflows.models import Case

FACT = "redo"
NONE, ONCE, AGAIN = REDO


def times(case: Case) -> str:
    """A code of REDO; a case older than the fact has not been counted."""
    return str(case.facts.get(FACT, NONE))


def at_the_limit(case: Case) -> bool:
    """Handled again twice: the level rises, the approver changes, and there is no third time."""
    return times(case) == AGAIN


def next_time(case: Case) -> str:
    return ONCE if times(case) == NONE else AGAIN
