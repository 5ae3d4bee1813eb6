"""Keeping reply templates: who may change which, and changes that do not run over each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from opinion.models import ReplyTemplate
from opinion.models.reply_template import ReplyTemplateQuerySet
from workflows.models import Unit, User

# Whoever holds one of these at a desk keeps the county's; a unit's head keeps the unit's own.
COUNTY_ROLES = ("desk_clerk", "dispatcher", "reviewer")
UNIT_ROLE = "unit_head"
COUNTY = "county"
COUNTY_LABEL = "全县通用"


class Stale(Exception):
    """Somebody else changed the template meanwhile; says who and when."""


class NameTaken(Exception):
    """Another template in use has this name in this scope."""


def may_keep_templates(user: User) -> bool:
    """Whether there is any template this user may add or change."""
    return keeps_county(user) or bool(user.standing.roles.get(UNIT_ROLE))


def keeps_county(user: User) -> bool:
    return any(user.standing.roles.get(role) for role in COUNTY_ROLES)


def scopes_of(user: User) -> list[tuple[str, str]]:
    """Where this user may add templates, as a form offers it: code, label."""
    units = Unit.objects.filter(pk__in=user.standing.roles.get(UNIT_ROLE, ())).order_by("name")
    county = [(COUNTY, COUNTY_LABEL)] if keeps_county(user) else []
    return [*county, *((str(unit.pk), unit.name) for unit in units)]


def known_to(user: User) -> ReplyTemplateQuerySet:
    """What this user sees on the page: the county's, and those of the own units."""
    return ReplyTemplate.objects.filter(
        Q(unit=None) | Q(unit__in=user.standing.roles.get(UNIT_ROLE, ()))
    ).select_related("unit", "edited_by")


def editable_by(user: User) -> ReplyTemplateQuerySet:
    """What this user may change, retire and bring back."""
    own = Q(unit__in=user.standing.roles.get(UNIT_ROLE, ()))
    return known_to(user).filter(own | Q(unit=None) if keeps_county(user) else own)


def add(scope: str, name: str, text: str, *, by: User, at: datetime) -> ReplyTemplate:
    """scope: of `scopes_of(by)`. Raises NameTaken."""
    unit_id = None if scope == COUNTY else int(scope)
    try:
        with transaction.atomic():
            return ReplyTemplate.objects.create(
                unit_id=unit_id, name=name, text=text, edited_by=by, edited_at=at
            )
    except IntegrityError:
        raise NameTaken(name) from None


def change(
    template: ReplyTemplate, *, name: str, text: str, version: int, by: User, at: datetime
) -> ReplyTemplate:
    """version: as the page showed it. Raises Stale, NameTaken."""
    return _write(template, version, by=by, at=at, name=name, text=text)


def retire(template: ReplyTemplate, *, version: int, by: User, at: datetime) -> ReplyTemplate:
    """No longer offered; replies begun from it stay. Raises Stale."""
    return _write(template, version, by=by, at=at, retired_at=at)


def bring_back(template: ReplyTemplate, *, version: int, by: User, at: datetime) -> ReplyTemplate:
    """Raises Stale; NameTaken where another has taken its name."""
    return _write(template, version, by=by, at=at, retired_at=None)


def _write(
    template: ReplyTemplate, version: int, *, by: User, at: datetime, **values: object
) -> ReplyTemplate:
    """One statement decides whose change it is: the version must still be the one that was seen."""
    seen = ReplyTemplate.objects.filter(pk=template.pk, version=version)
    try:
        with transaction.atomic():
            changed = seen.update(version=version + 1, edited_by=by, edited_at=at, **values)
    except IntegrityError:
        raise NameTaken(template.name) from None
    template.refresh_from_db()
    if not changed:
        raise Stale(f"{template.edited_by} 已修改过这个模板，请看过新的内容再改")
    return template


def by_scope(templates: Sequence[ReplyTemplate]) -> list[tuple[str, list[ReplyTemplate]]]:
    """For a page: label of the scope, its templates; the county's first."""
    groups: dict[str, list[ReplyTemplate]] = {}
    for template in sorted(templates, key=lambda each: (each.unit_id is not None, str(each.unit), each.name)):
        groups.setdefault(template.unit.name if template.unit else COUNTY_LABEL, []).append(template)
    return list(groups.items())
