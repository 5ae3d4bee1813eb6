"""The people and cases that a measurement needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import connection

from workflows.engine import Draft, open_many
from workflows.models import Case, Membership, Unit, User
from workflows.publishing import publish_missing
from workflows.registry import role

HERE = Path(__file__).parent
BEGAN = datetime(2026, 11, 24, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
BATCH = 1000


@role("bench_clerk", "测速员", sees="area")
def bench_clerk(case: Case, user: User) -> bool:
    return user.standing.holds("bench_clerk", case.desk_id)


@dataclass(frozen=True)
class Desk:
    """One office and the person in it who may do everything."""

    unit: Unit
    clerk: User

    def cases(self, count: int) -> list[int]:
        """Open that many cases; returns their ids."""
        ids: list[int] = []
        for start in range(0, count, BATCH):
            drafts = [
                Draft(title=f"测速第 {n} 件", desk_id=self.unit.pk, at=BEGAN)
                for n in range(start, min(start + BATCH, count))
            ]
            ids += [case.pk for case in open_many("bench", drafts, by=self.clerk)]
        return ids


def make_desk() -> Desk:
    """Publish the lifecycle and seat the clerk, unless that was done in this database before."""
    publish_missing([HERE / "limits.yaml"], by=User.objects.system(), at=BEGAN)
    publish_missing([HERE / "desk.yaml"], by=User.objects.system(), at=BEGAN)
    unit = Unit.objects.root()
    clerk, made = User.objects.get_or_create(username="bench", defaults={"display_name": "测速员"})
    if made:
        Membership.objects.create(user=clerk, unit=unit, role="bench_clerk")
    return Desk(unit, clerk)


def settle() -> None:
    """Let the planner know what was loaded; an installation's autovacuum does the same."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
