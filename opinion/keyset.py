"""Pages of cases by position, not by count: page 1,000 costs what page 1 costs, and a new case shifts nothing.

A position is the sort moment and id of a row. Rows without a moment come last in ascending order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.db.models import Q

from workflows.models import Case
from workflows.models.case import CaseQuerySet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class BadPosition(ValueError):
    """A position that no page of ours handed out."""


@dataclass(frozen=True)
class Position:
    """moment: of the sort column, None where the row has none."""

    moment: datetime | None
    id: int

    def __str__(self) -> str:
        moment = "" if self.moment is None else str((self.moment - EPOCH) // MICROSECOND)
        return f"{moment}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. Raises BadPosition."""
        moment, _, number = text.partition(".")
        try:
            return cls(EPOCH + int(moment) * MICROSECOND if moment else None, int(number))
        except (ValueError, OverflowError) as error:
            raise BadPosition(text[:40]) from error


@dataclass(frozen=True)
class Order:
    """By which column, and which way; ties by id the same way. nullable: whether rows may lack the moment."""

    column: str
    descending: bool = False
    nullable: bool = False

    def position_of(self, case: Case) -> Position:
        return Position(getattr(case, self.column), case.pk)


BY_DUE = Order("due_at", nullable=True)
BY_OPENED = Order("opened_at", descending=True)
BY_CLOSED = Order("closed_at", descending=True)


@dataclass(frozen=True)
class Page:
    """Some cases in order. earlier, later: positions for the neighbouring pages, None at an end."""

    cases: list[Case]
    earlier: Position | None
    later: Position | None


def page(
    cases: CaseQuerySet,
    order: Order,
    *,
    size: int,
    after: Position | None = None,
    before: Position | None = None,
) -> Page:
    """The cases after (or before) a position; the first ones where neither is given. Two statements at most."""
    backward = before is not None
    start = before or after
    found = _take(cases, order, start, backward=backward, count=size + 1)
    more, found = len(found) > size, found[:size]
    if backward:
        found.reverse()
    if not found:
        return Page([], start if not backward else None, start if backward else None)
    has_earlier = more if backward else after is not None
    has_later = True if backward else more
    return Page(
        found,
        order.position_of(found[0]) if has_earlier else None,
        order.position_of(found[-1]) if has_later else None,
    )


def _take(
    cases: CaseQuerySet, order: Order, start: Position | None, *, backward: bool, count: int
) -> list[Case]:
    """Rows on the way from `start`, nearest first. Undated rows lie behind the last dated one."""
    falling = order.descending != backward
    sign = "-" if falling else ""
    dated = cases.filter(**{f"{order.column}__isnull": False}).order_by(f"{sign}{order.column}", f"{sign}id")
    undated = cases.filter(**{f"{order.column}__isnull": True}).order_by(f"{sign}id")
    if start is None:
        way = [dated, undated]
    elif start.moment is not None:
        dated = dated.filter(beyond(order.column, start.moment, start.id, falling))
        way = [dated] if backward else [dated, undated]
    else:
        undated = undated.filter(**{"id__lt" if falling else "id__gt": start.id})
        way = [undated, dated] if backward else [undated]
    found: list[Case] = []
    for part in way:
        if len(found) < count and (part is not undated or order.nullable):
            found += part[: count - len(found)]
    return found


def beyond(column: str, moment: datetime, number: int, falling: bool) -> Q:
    """Rows behind a position, ordered by a column that is never null there and the id, both the same way."""
    # The bare bound first: it is what lets the index start at the right place instead of reading up to it.
    way = "lt" if falling else "gt"
    return Q(**{f"{column}__{way}e": moment}) & (
        Q(**{f"{column}__{way}": moment}) | Q(**{f"id__{way}": number})
    )
