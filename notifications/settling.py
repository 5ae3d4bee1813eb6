"""What nobody needs any more: notices in the inbox that became untrue before they were read are settled, and true again, unsettled.

It happens where the truth changes: with the event that changes it, in the transaction that hands the event on. A page
only counts. Repeating a batch changes nothing, for each notice is asked anew what it knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Max

from notifications.checking import still_needed
from notifications.models import Notice
from notifications.registry import CATALOGUE, Told, always_true
from workflows.models import Event

T = TypeVar("T")
# Cases looked at together, and ids named in one statement.
BATCH = 500


def settle(events: Sequence[Event], at: datetime) -> None:
    """Look again at whatever was told about the cases of these events. Runs after their own notices were planned.

    Not at what the newest event of a case says: whatever makes that untrue is an event still to come.
    """
    newest: dict[str, int] = {}
    for event in events:
        newest[event.case.number] = max(event.pk, newest.get(event.case.number, 0))
    settle_cases(newest, at=at, but=newest.values())


def settle_all(*, at: datetime) -> int:
    """Look again at every case somebody has not read of, in short transactions; returns how many notices changed."""
    found = Notice.objects.in_inboxes().filter(read_at=None).order_by("case_number")
    numbers = list(found.values_list("case_number", flat=True).distinct())
    return sum(settle_cases(part, at=at) for part in _parts(numbers))


@transaction.atomic
def settle_cases(numbers: Collection[str], *, at: datetime, but: Collection[int] = ()) -> int:
    """Of these cases; returns how many notices changed. but: ids of events whose notices are left as they are.

    The rows are locked, always in the order of their ids, before anything is asked: of two who look at one case, the
    later one knows all that the earlier one knew, and so has the last word.
    """
    kept = (
        Notice.objects.in_inboxes()
        .filter(read_at=None, case_number__in=list(numbers), event__name__in=_that_may_pass())
        .exclude(event__in=list(but))
    )
    locked = set(kept.select_for_update(of=("self",)).order_by("id").values_list("pk", flat=True))
    if not locked:
        return 0
    notices = [n for n in kept.select_related("event__case", "user").order_by("id") if n.pk in locked]
    needed = still_needed(notices)
    over = [n.pk for n in notices if n.settled_at is None and n.pk not in needed]
    anew = _newest([n for n in notices if n.settled_at is not None and n.pk in needed])
    for pks, moment in ((over, at), (anew, None)):
        for part in _parts(pks):
            Notice.objects.filter(pk__in=part).update(settled_at=moment)
    return len(over) + len(anew)


def _newest(notices: Sequence[Notice]) -> list[int]:
    """Ids of those after which the same has not been told to the same person, read or not: once is enough."""
    if not notices:
        return []
    told = Notice.objects.in_inboxes().filter(
        case_number__in={n.case_number for n in notices}, user__in={n.user_id for n in notices},
        event__name__in={n.event.name for n in notices},
    )  # fmt: skip
    groups = told.order_by().values("case_number", "user_id", "event__name").annotate(last=Max("event_id"))
    last = {(group["case_number"], group["user_id"], group["event__name"]): group["last"] for group in groups}
    return [n.pk for n in notices if n.event_id == last[n.case_number, n.user_id, n.event.name]]


def _that_may_pass() -> list[str]:
    """Events whose notice asks for something. The others tell what has happened, and that never becomes untrue."""
    return [
        name
        for name, told in CATALOGUE.items()
        if isinstance(told, Told) and (told.still_true is not always_true or told.still_for is not None)
    ]


def _parts(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    return (whole[start : start + BATCH] for start in range(0, len(whole), BATCH))
