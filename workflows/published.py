"""Published documents, read once per process: they never change, so what is cached is never stale."""

from __future__ import annotations

from functools import lru_cache

from django.db.models import QuerySet

from workflows.approvals.rules import ApprovalRulesSpec
from workflows.calendars import WorkingCalendar
from workflows.ladders import LadderSpec
from workflows.models import ApprovalRules, CalendarVersion, Definition, LadderVersion, PolicyVersion
from workflows.policy import PolicySpec
from workflows.spec import LifecycleSpec


@lru_cache(maxsize=64)
def lifecycle(definition_id: int) -> LifecycleSpec:
    return Definition.objects.get(pk=definition_id).parsed


@lru_cache(maxsize=64)
def earlier(definition_id: int) -> tuple[int, ...]:
    """Ids of the versions before this one, newest first."""
    this = Definition.objects.only("code", "version").get(pk=definition_id)
    before = Definition.objects.filter(code=this.code, version__lt=this.version)
    return tuple(before.order_by("-version").values_list("id", flat=True))


@lru_cache(maxsize=64)
def policy(policy_id: int) -> PolicySpec:
    return PolicyVersion.objects.get(pk=policy_id).parsed


@lru_cache(maxsize=64)
def ladder(ladder_id: int) -> LadderSpec:
    return LadderVersion.objects.get(pk=ladder_id).parsed


@lru_cache(maxsize=64)
def approval_rules(rules_id: int) -> ApprovalRulesSpec:
    return ApprovalRules.objects.get(pk=rules_id).parsed


@lru_cache(maxsize=16)
def calendar(calendar_id: int) -> WorkingCalendar:
    return CalendarVersion.objects.get(pk=calendar_id).compiled


def newest_calendar_id(code: str) -> int:
    """Id of the newest published version; not cached, for it changes. Raises CalendarVersion.DoesNotExist."""
    return _newest_id(CalendarVersion.objects.filter(code=code))


def newest_ladder_id(code: str) -> int:
    """The same of a ladder. Raises LadderVersion.DoesNotExist."""
    return _newest_id(LadderVersion.objects.filter(code=code))


def _newest_id(versions: QuerySet[CalendarVersion] | QuerySet[LadderVersion]) -> int:
    return versions.order_by("-version").values_list("id", flat=True)[:1].get()


def forget() -> None:
    """Empty the caches of documents: their ids mean nothing in another database."""
    from workflows.machine import machine
    from workflows.recording import system_id, system_user

    for cached in (
        lifecycle,
        earlier,
        policy,
        ladder,
        calendar,
        approval_rules,
        machine,
        system_id,
        system_user,
    ):
        cached.cache_clear()


def forget_database() -> None:
    """Also forget how values and statements look to the database: for a process that changes to another kind."""
    from workflows import rows, shapes, sheaf

    forget()
    for module in (rows, shapes, sheaf):
        for made in vars(module).values():
            if hasattr(made, "cache_clear"):
                made.cache_clear()
