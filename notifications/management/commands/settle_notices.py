"""`manage.py settle_notices`: look again at every unread notice, once, after an upgrade from a version that did not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications.settling import settle_all


class Command(BaseCommand):
    """From then on each event does it for its own case."""

    help = "重新核对全部未读的站内信：已无需处理的不再计入未读"

    def handle(self, *args: Any, **options: Any) -> None:
        changed = settle_all(at=timezone.now())
        self.stdout.write(f"已重新核对，{changed} 条的状态有变。")
