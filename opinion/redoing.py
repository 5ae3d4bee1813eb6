"""How often a message has been handled again: the case fact `redo`, none → once → again, which policies may ask."""

from __future__ import annotations

from django.db.models import QuerySet

from opinion.codes import REDO
from workflows.models import Case, Event

FACT = "redo"
# The moves with which a message is handled once more.
AGAIN_MOVES = ("redo", "reopen")
NONE, ONCE, AGAIN = REDO


def times(case: Case) -> str:
    """A code of REDO; a case older than the fact has not been counted."""
    return str(case.facts.get(FACT, NONE))


def at_the_limit(case: Case) -> bool:
    """Handled again twice: the level rises, the approver changes, and there is no third time."""
    return times(case) == AGAIN


def next_time(case: Case) -> str:
    return ONCE if times(case) == NONE else AGAIN


def begun_again(case: Case) -> QuerySet[Event]:
    """The events with which the handling began anew, the newest first; none in a first handling."""
    return Event.objects.filter(case=case, transition__in=AGAIN_MOVES).order_by("-seq")
