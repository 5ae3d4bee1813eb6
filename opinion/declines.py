"""Who has declined a case and what came of it, from its log. Source: 潍坊条例 20–26: a designated unit may not decline."""

from __future__ import annotations

from workflows.models import Case, Event

REJECTED = "reject_decline"
# Moves that say who handles a case; after any of them an earlier rejection is past.
DECIDES = (REJECTED, "designate", "arbitrate", "transfer", "assign", "reassign")


def declined_by(case: Case) -> list[int]:
    """Ids of the units that declined, in order. One statement."""
    data = (
        Event.objects.filter(case=case, transition="decline").order_by("seq").values_list("data", flat=True)
    )
    return [entry["unit"] for entry in data]


def was_rejected(case: Case) -> bool:
    """Whether the unit that has the case declined it and was refused. One statement."""
    decided = Event.objects.filter(case=case, transition__in=DECIDES).order_by("-seq")
    return decided.values_list("transition", flat=True).first() == REJECTED
