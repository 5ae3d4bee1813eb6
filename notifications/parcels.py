"""Which notices go in one letter: a digest where a person asked for one, or where many wait at once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from notifications.channels import Letter, Line
from notifications.models import Notice
from notifications.registry import PATHS, Urgency

# More than this many for one person at one moment go together: after a standstill nobody gets a hundred mails.
MOST_SINGLE = 5


@dataclass(frozen=True)
class Parcel:
    """Notices of one person and channel that go in one letter."""

    key: str
    notices: tuple[Notice, ...]

    def letter(self) -> Letter:
        """Urgent ones first, then oldest first."""
        ordered = sorted(self.notices, key=lambda n: (n.urgency < Urgency.URGENT, n.event_id))
        return Letter(self.key, self.notices[0].user, tuple(_line(notice) for notice in ordered))


def pack(notices: Sequence[Notice]) -> list[Parcel]:
    """Notices that were in a letter before stay in the same one, so that a repeat can be recognised."""
    begun: dict[str, list[Notice]] = defaultdict(list)
    fresh: dict[int, list[Notice]] = defaultdict(list)
    for notice in notices:
        if notice.parcel:
            begun[notice.parcel].append(notice)
        else:
            fresh[notice.user_id].append(notice)
    parcels = [Parcel(key, tuple(group)) for key, group in begun.items()]
    for waiting in fresh.values():
        parcels += _for_one_person(waiting)
    return sorted(parcels, key=lambda parcel: min(_rank(notice) for notice in parcel.notices))


def _for_one_person(notices: list[Notice]) -> list[Parcel]:
    """Routine notices that are due together were gathered on purpose; the others only when there are too many."""
    if len(notices) > MOST_SINGLE:
        return [_parcel(notices)]
    routine = [notice for notice in notices if notice.urgency == Urgency.ROUTINE]
    single = [notice for notice in notices if notice.urgency != Urgency.ROUTINE]
    return [_parcel([notice]) for notice in single] + ([_parcel(routine)] if routine else [])


def _parcel(notices: list[Notice]) -> Parcel:
    keys = sorted(notice.key for notice in notices)
    key = keys[0] if len(keys) == 1 else hashlib.sha256(" ".join(keys).encode()).hexdigest()[:64]
    return Parcel(key, tuple(notices))


def _rank(notice: Notice) -> tuple[bool, int]:
    return notice.urgency < Urgency.URGENT, notice.event_id


def _line(notice: Notice) -> Line:
    kind = notice.event.case.kind
    path = PATHS[kind](notice.case_number) if kind in PATHS else ""
    return Line(notice.words, path, urgent=notice.urgency >= Urgency.URGENT)
