"""What an export asks for, and which cases that is for the person who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from workflows.models import Case, Event, Unit, User
from workflows.models.case import CaseQuerySet
from workflows.models.unit import subtree_ids

WHAT = {"cases": "案件", "events": "办理日志"}
# What the chain of records may name; these two are made at once, without a request of this kind.
RECORDED = {**WHAT, "figures": "统计", "unapproved": "未经审批的处置"}
FORMATS = {"csv": "CSV", "xlsx": "Excel", "jsonl": "JSON 行"}
EXPORTER = "exporter"


class ExportRefused(Exception):
    """An export that cannot be made as asked; `str()` is a Chinese sentence that names the fix."""


@dataclass(frozen=True)
class ExportRequest:
    """what: cases | events. format: csv | xlsx | jsonl. since, until: local dates, both included: of registration for
    cases, of happening for events. unit: code of a unit; it and those below it. states: codes, any of them."""

    what: str
    format: str
    since: date | None = None
    until: date | None = None
    unit: str = ""
    states: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.what not in WHAT:
            raise ExportRefused(f"不能导出“{self.what}”，可导出的有：{'、'.join(WHAT)}")
        if self.format not in FORMATS:
            raise ExportRefused(f"没有“{self.format}”格式，可用的有：{'、'.join(FORMATS)}")
        if self.since and self.until and self.since > self.until:
            raise ExportRefused("起始日期晚于截止日期，请更正")

    def as_options(self) -> dict[str, Any]:
        """Codes and ISO dates only, for a job or a record; what was not asked for is left out."""
        said = {
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "unit": self.unit,
            "states": list(self.states),
        }
        return {
            "what": self.what,
            "format": self.format,
            **{name: value for name, value in said.items() if value},
        }

    @classmethod
    def of_options(cls, options: dict[str, Any]) -> Self:
        """The opposite of `as_options`."""
        return cls(
            what=options["what"],
            format=options["format"],
            since=date.fromisoformat(options["since"]) if "since" in options else None,
            until=date.fromisoformat(options["until"]) if "until" in options else None,
            unit=options.get("unit", ""),
            states=tuple(options.get("states", ())),
        )

    @property
    def file_name(self) -> str:
        """What a browser should call the file."""
        days = "".join(f"_{day:%Y%m%d}" for day in (self.since, self.until) if day)
        return f"{WHAT[self.what]}{days}.{self.format}"


def check_may_export(user: User) -> None:
    """Raises ExportRefused unless the user is the system or holds the exporter's role somewhere."""
    if not user.standing.is_system and EXPORTER not in user.standing.roles:
        raise ExportRefused(f"{user} 没有导出员角色，不能导出")


def cases_of(request: ExportRequest, user: User) -> CaseQuerySet:
    """The cases asked for among those the user may know of, in the order of registration."""
    found = Case.objects.visible_to(user)
    if request.what == "cases":
        if request.since:
            found = found.filter(opened_at__gte=_midnight(request.since))
        if request.until:
            found = found.filter(opened_at__lt=_midnight(request.until + timedelta(days=1)))
    if request.unit:
        units = _units(request.unit)
        found = found.filter(Q(unit__in=units) | Q(lead__in=units))
    if request.states:
        found = found.filter(state__in=request.states)
    return found.order_by("id")


def events_of(request: ExportRequest, user: User) -> Any:
    """The events of those cases. A queryset, in the order they were entered."""
    events = Event.objects.order_by("id")
    if request.since:
        events = events.filter(happened_at__gte=_midnight(request.since))
    if request.until:
        events = events.filter(happened_at__lt=_midnight(request.until + timedelta(days=1)))
    if user.standing.is_system and not request.unit and not request.states:
        return events
    cases = cases_of(request, user).order_by()
    return events.filter(Exists(cases.filter(pk=OuterRef("case"))))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _units(code: str) -> frozenset[int]:
    unit = Unit.objects.filter(code=code).first()
    if unit is None:
        raise ExportRefused(f"没有代码为“{code}”的单位")
    return subtree_ids([unit.pk])
