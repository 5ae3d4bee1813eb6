"""Duplicates that wait for their master's answer: whom they do not wait for, and what the master is told of them.

While that answer is to come, whoever has the master has the duplicates, too. Nothing of them but their number and the
earliest of their deadlines is said there: whoever handles the master need not know of them, nor they of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Min, Q

from opinion.merging import (
    answering_states,
    is_duplicate,
    known_to,
    master_of,
    merged_states,
    owes_answer,
    together,
    unfit,
)
from opinion.models import Link
from workflows.models import Case, User
from workflows.published import lifecycle


def waits_for_master(definitions: Iterable[int]) -> Q:
    """Of cases by these versions of lifecycles: those merged into one whose answer is still to come.

    Looked for from the merged onward, which are few: most links and most cases are a county's past.
    """
    merged: dict[str, set[str]] = {}
    answering: dict[str, set[str]] = {}
    for spec in map(lifecycle, definitions):
        if states := merged_states(spec):
            merged.setdefault(spec.code, set()).update(states)
            answering.setdefault(spec.code, set()).update(answering_states(spec))
    found = Q(pk__in=())
    for kind, names in merged.items():
        links = Link.objects.merged().filter(
            from_case__kind=kind,
            from_case__state__in=sorted(names),
            from_case__restricted=F("to_case__restricted"),
            to_case__state__in=sorted(answering[kind]),
        )
        found |= Q(kind=kind, state__in=sorted(names), pk__in=links.values("from_case"))
    return found


@dataclass(frozen=True)
class Joined:
    """Unanswered cases merged into one: how many, and the earliest of their deadlines, None where none runs."""

    count: int
    due_at: datetime | None


def joined_to(masters: Iterable[Case]) -> dict[int, Joined]:
    """Case id → the duplicates waiting for its answer, where there are any. One statement, none where no answer is owed."""
    owing = [case for case in masters if owes_answer(case)]
    if not owing:
        return {}
    states = {state for case in owing for state in merged_states(lifecycle(case.definition_id))}
    links = Link.objects.merged().filter(
        to_case__in=[case.pk for case in owing],
        from_case__state__in=sorted(states),
        from_case__restricted=F("to_case__restricted"),
    )
    counted = links.order_by().values("to_case").annotate(number=Count("pk"), due_at=Min("from_case__due_at"))
    return {row["to_case"]: Joined(row["number"], row["due_at"]) for row in counted}


def left_unanswered(masters: Collection[int]) -> dict[int, list[Case]]:
    """Case id → the unanswered cases merged into it, whether or not its answer is still to come. One statement."""
    found: dict[int, list[Case]] = defaultdict(list)
    links = Link.objects.merged().filter(to_case__in=masters, from_case__restricted=F("to_case__restricted"))
    for link in links.select_related("from_case").order_by("id"):
        if is_duplicate(link.from_case):
            found[link.to_case_id].append(link.from_case)
    return dict(found)


def waits(case: Case) -> bool:
    """Whether it is merged into a case whose answer is still to come. One statement of a duplicate, unless read ahead."""
    master = master_of(case) if is_duplicate(case) else None
    return master is not None and owes_answer(master) and together(case, master)


def awaited_master(case: Case, viewer: User) -> str:
    """What an unanswered duplicate waits for, in words; empty where nothing is to be said of it to this person.

    One statement of a duplicate and three more at most to say it.
    """
    master = master_of(case) if is_duplicate(case) else None
    if master is None:
        return ""
    if not known_to(master, viewer):
        return "等主案件答复" if waits(case) else ""
    if waits(case):
        return f"等主案件 {master.number} 答复"
    return unfit(case, master, viewer) or ""
