"""Moments as commands are given them."""

from datetime import datetime

from django.core.management.base import CommandError
from django.utils import timezone


def moment_of(text: str, option: str) -> datetime:
    """The moment an option names; without a zone it is local. Raises CommandError naming the option and the form."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise CommandError(f"{option}：看不懂时刻“{text}”，写成 2026-11-24T09:00+08:00。") from error
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
