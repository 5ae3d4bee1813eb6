"""Units complained about: a restricted case never reaches them or any office below them.

Source: 信访工作条例 30(3), 46(5); 民法典 1039.
"""

from __future__ import annotations

from workflows.models import Case, Participation
from workflows.models.unit import ancestor_ids, subtree_ids


def barred_units(case: Case) -> frozenset[int]:
    """The units complained about and every unit below them."""
    barred = Participation.objects.filter(case=case, role=Participation.Role.BARRED, ended_at=None)
    return subtree_ids(barred.values_list("unit_id", flat=True))


def unbarrable_units(desk_id: int) -> frozenset[int]:
    """The desk and the units above it: barring one would close the case to everybody who could handle it."""
    return ancestor_ids([desk_id])
