"""What must exist after `migrate` alone: a root unit, the system actor, the shipped calendars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from workflows.models import Unit, User
from workflows.publishing import publish_missing

SYSTEM_USERNAME = "system"


def seed(**_: Any) -> None:
    """Runs after every `migrate`; adds what is missing and changes nothing that is there."""
    system, made = User.objects.get_or_create(
        is_system=True, defaults={"username": SYSTEM_USERNAME, "display_name": "系统", "is_active": False}
    )
    if made:
        system.set_unusable_password()
        system.save(update_fields=["password"])
    if not Unit.objects.filter(parent=None).exists():
        Unit.objects.create(code="root", name="本级", kind=Unit.Kind.TERRITORIAL, is_desk=True)
    calendars = Path(__file__).parent / "data" / "calendars"
    publish_missing(calendars.glob("*.yaml"), by=system, at=timezone.now())
