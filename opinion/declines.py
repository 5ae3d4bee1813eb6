"""Who has declined a case, counted from its log. Source: 潍坊条例 20–26: a designated unit may not decline again."""

from __future__ import annotations

from workflows.models import Case, Event

MOST_PER_CASE = 3


def declined_by(case: Case) -> list[int]:
    """Ids of the units that declined, in order. One statement."""
    data = (
        Event.objects.filter(case=case, transition="decline").order_by("seq").values_list("data", flat=True)
    )
    return [entry["unit"] for entry in data]
