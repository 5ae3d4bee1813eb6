"""What must exist after `migrate` alone: code lists, the ladders, the deadlines, the lifecycles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from opinion.codes import seed_codes
from workflows.models import User
from workflows.publishing import publish_missing

HERE = Path(__file__).parent


def seed(**_: Any) -> None:
    """Runs after every `migrate`; adds what is missing and changes nothing that is there.

    In this order: a policy names codes and ladders, a lifecycle its policy and its approval levels.
    """
    seed_codes()
    system, at = User.objects.system(), timezone.now()
    publish_missing((HERE / "ladders").glob("*.yaml"), by=system, at=at)
    publish_missing((HERE / "policies").glob("*.yaml"), by=system, at=at)
    publish_missing((HERE / "levels").glob("*.yaml"), by=system, at=at)
    publish_missing((HERE / "lifecycles").glob("*.yaml"), by=system, at=at)
