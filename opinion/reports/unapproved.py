"""未经审批的处置: moves made at once, by one person's word, where an approval could have been asked for.

What the lifecycles allow both ways is read from them: a move that an approval grants and that somebody may also make.
Beside these stand the order issued directly and the answer that went to its writer alone without anybody's leave, to a
leader-board message or where it was approved for the public. An approval makes its move under a key of its own, so the
log tells the two apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from opinion.exports.columns import Column
from opinion.merging import REPLY as REPLY_MERGED
from opinion.publishing import FACT, IN_PUBLIC, YES
from opinion.reports.area import Area
from opinion.reports.sheet import recorded_file
from opinion.reports.spans import next_month
from workflows.models import Case, Definition, Event, Unit, User
from workflows.moves import GRANTED_KEY
from workflows.permits import APPROVAL
from workflows.published import lifecycle
from workflows.wording import event_label

ORDER = "issue_order"
# What answers its writer: the approved text, or what the master of a merged case was told.
ANSWERS = ("reply", REPLY_MERGED)
PRIVATE = "只答复本人（未经领导同意）"
A_PAGE = 50


@dataclass(frozen=True)
class Disposal:
    """One such move. unit: who held the case when it was made."""

    event: Event
    label: str
    unit: str


def made_at_once() -> frozenset[str]:
    """Moves that the newest lifecycles let an approval grant, and somebody make without one."""
    flows = (lifecycle(pk) for pk in Definition.objects.newest().values_list("pk", flat=True))
    return frozenset(
        declared.granted
        for flow in flows
        for declared in flow.approvals.values()
        if set(flow.transitions[declared.granted].role) - {APPROVAL}
    )


def unapproved(viewer: User, area: Area, month: date) -> QuerySet[Event]:
    """Of a month, by units of the area, on cases this person may know of; the newest first."""
    of_case = Event.objects.filter(case=OuterRef("case"), seq__lt=OuterRef("seq")).order_by("-seq")
    begin, end = (timezone.make_aware(datetime.combine(day, time.min)) for day in (month, next_month(month)))
    # Nothing is recorded before it happened: the index over `recorded_at` bounds the search.
    dated = Event.objects.filter(recorded_at__gte=begin, happened_at__gte=begin, happened_at__lt=end)
    made = dated.annotate(
        held_by=Subquery(of_case.values("unit")[:1]),
        leave=Subquery(of_case.filter(transition__in=("approve", "allow_private")).values("transition")[:1]),
    )
    at_once = Q(transition__in=made_at_once()) & ~Q(key__startswith=GRANTED_KEY)
    # What the ladder issues by itself is the policy's word, and nobody's.
    directly = Q(transition=ORDER) & ~Q(actor=User.objects.system())
    awaited = Q(case__facts__source__in=sorted(IN_PUBLIC)) | Q(**{f"case__facts__{FACT}": YES})
    private = (
        Q(transition__in=ANSWERS, data__public=False) & awaited & (Q(leave=None) | ~Q(leave="allow_private"))
    )
    found = made.filter(at_once | directly | private, held_by__in=list(area.units))
    known = found.filter(case__in=Case.objects.visible_to(viewer)).select_related("case", "actor")
    return known.order_by("-happened_at", "-id")


def after(found: QuerySet[Event], last: int) -> QuerySet[Event]:
    """What follows the event of this id in the list. Raises Event.DoesNotExist."""
    at = found.values_list("happened_at", flat=True).get(pk=last)
    return found.filter(Q(happened_at__lt=at) | Q(happened_at=at, pk__lt=last))


def disposals(events: Iterable[Event]) -> list[Disposal]:
    """In words; two statements for all of them."""
    found = list(events)
    held = [event.held_by for event in found]  # type: ignore[attr-defined]  # annotated by `unapproved`
    names = dict(Unit.objects.filter(pk__in=held).values_list("pk", "name"))
    return [
        Disposal(
            event, PRIVATE if event.transition in ANSWERS else event_label(event.case, event), names[unit]
        )
        for event, unit in zip(found, held, strict=True)
    ]


COLUMNS = [
    Column(header, index) for index, header in enumerate(("时间", "编号", "处置", "经手单位", "经办人"))
]
WHAT = "unapproved"


def unapproved_file(area: Area, month: date, file_format: str, *, by: User, at: datetime) -> bytes:
    """The month's list as bytes. file_format: a key of FORMATS."""
    lines = [
        (
            f"{timezone.localtime(row.event.happened_at):%Y-%m-%d %H:%M}", row.event.case.number, row.label, row.unit,
            str(row.event.actor),
        )
        for row in disposals(unapproved(by, area, month))
    ]  # fmt: skip
    return recorded_file(WHAT, lines, COLUMNS, month, file_format, by=by, at=at)
