"""Merges whose two cases may no longer be known to the same people: a restricted case stands with restricted ones only.

A case becomes restricted in a move of its own, under its own lock alone; what was merged with it is taken apart here,
each duplicate by a move of its own, so that no two cases are ever locked in one transaction. Run from time to time;
until it has run, nobody reads of a master they may not see (`opinion.merging`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db.models import F

from opinion.merging import PART, merged_states
from opinion.models import Link
from workflows.engine import fire
from workflows.errors import MoveRefused
from workflows.machine import may
from workflows.models import Case, Definition, User
from workflows.published import lifecycle

logger = logging.getLogger("huiyin.merges")
BATCH = 200
REMARK = "两件的知悉范围已不同，不能并案，由系统撤销，请单独办理"


def part_merges(*, at: datetime) -> int:
    """Un-merge every unanswered duplicate that is restricted where its master is not, or the other way round.

    Returns how many; the next run takes the rest. A case that somebody has moved meanwhile is looked at again then.
    """
    system = User.objects.system()
    return sum(_part(link, system, at) for link in _torn() if _may_part(link.from_case, system))


def _torn() -> Iterator[Link]:
    """Two statements."""
    specs = [lifecycle(pk) for pk in Definition.objects.values_list("pk", flat=True)]
    kinds = {spec.code for spec in specs if merged_states(spec)}
    states = {state for spec in specs for state in merged_states(spec)}
    links = Link.objects.merged().filter(from_case__kind__in=kinds, from_case__state__in=states)
    apart = links.exclude(from_case__restricted=F("to_case__restricted")).select_related("from_case")
    yield from apart.order_by("id")[:BATCH]


def _may_part(case: Case, system: User) -> bool:
    """An earlier version of the lifecycle leaves it to the desk."""
    return may(case, system, lifecycle(case.definition_id).transitions[PART])


def _part(link: Link, system: User, at: datetime) -> bool:
    case = link.from_case
    try:
        fire(case.pk, PART, by=system, at=at, key=f"part:{link.pk}", data={"remark": REMARK}, rev=case.rev)
    except MoveRefused as refused:
        logger.info("并案 %s 尚未撤销：%s", link.pk, refused)
        return False
    return True
