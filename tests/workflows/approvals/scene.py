"""A small office in which plans are signed, level by level, by whoever a test puts there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.workflows.toy import parts  # noqa: F401  # registers
from workflows.engine import Draft, fire, open_case
from workflows.models import Absence, Approval, ApprovalTask, Case, Event, Membership, Unit, User
from workflows.publishing import publish, publish_file

HERE = Path(__file__).parent
CHIEFS = {"name": "chiefs", "label": "负责人", "by": "toy_chief"}
BOSSES = {"name": "bosses", "label": "领导", "by": "toy_boss"}


def document(*levels: dict[str, Any], **more: Any) -> str:
    """An approval document in which a plan passes these levels; `more` overrides its parts."""
    said = {
        "code": "signed",
        "label": "玩具审批层级",
        "stand_ins": {"toy_chief": "toy_deputy"},
        "fallback": ["toy_watcher"],
        "approvals": [
            {"row": "plan", "approval": "plan", "levels": list(levels), "source": "测试"},
            {"row": "leave", "approval": "leave", "levels": [BOSSES], "source": "测试"},
        ],
    }
    return yaml.safe_dump({**said, **more}, allow_unicode=True, sort_keys=False)


@dataclass
class Signing:
    """An office below the root, its clerk who drafts, and a watcher over all, who is the last resort."""

    at: datetime
    root: Unit
    desk: Unit
    clerk: User
    watcher: User

    def person(self, name: str, *roles: str, unit: Unit | None = None, **more: Any) -> User:
        user = User.objects.create_user(username=name, display_name=name, **more)
        Membership.objects.bulk_create(
            Membership(user=user, unit=unit or self.desk, role=role) for role in roles
        )
        return user

    def trusted(self) -> User:
        """A drafter who may know restricted cases."""
        return self.person("信", "toy_clerk", "toy_watcher")

    def away(self, user: User, deputy: User, **more: Any) -> None:
        Absence.objects.create(
            user=user, deputy=deputy, starts_at=more.get("starts_at", self.at), ends_at=more.get("ends_at")
        )

    def levels(self, *levels: dict[str, Any], **more: Any) -> None:
        publish(document(*levels, **more), "signed.yaml", by=User.objects.system(), at=self.at)

    def case(self, **draft: Any) -> Case:
        said = {"title": "一个方案", "desk_id": self.desk.pk, "at": self.at, **draft}
        return open_case("signed", Draft(**said), by=self.clerk)

    def asked(self, *levels: dict[str, Any], by: User | None = None, **draft: Any) -> Case:
        """A case whose plan has just been put up for these levels."""
        if levels:
            self.levels(*levels)
        case = self.case(**draft)
        self.do(case, "ask", by or self.clerk)
        return case

    def do(self, case: Case, name: str, by: User, *, minutes: int = 0, **data: Any) -> Event:
        """Roles are read anew, as in a request of its own."""
        actor = User.objects.get(pk=by.pk)
        return fire(case.pk, name, by=actor, at=self.at + timedelta(minutes=minutes), data=data)


def make_signing(at: datetime) -> Signing:
    system = User.objects.system()
    publish_file(HERE / "policy.yaml", by=system, at=at)
    publish(document(CHIEFS), "signed.yaml", by=system, at=at)
    publish_file(HERE / "signed.yaml", by=system, at=at)
    root = Unit.objects.root()
    desk = Unit.objects.create(code="office", name="甲办", parent=root)
    scene = Signing(at, root, desk, system, system)
    scene.clerk = scene.person("拟", "toy_clerk")
    scene.watcher = scene.person("督", "toy_watcher", unit=root)
    return scene


def waiting(case: Case, kind: str = "plan") -> list[str]:
    """Who is asked now, in the order of asking."""
    seats = ApprovalTask.objects.waiting().filter(case=case, process__kind=kind)
    return [str(seat.owner) for seat in seats.select_related("owner").order_by("id")]


def state(case: Case) -> str:
    return str(Case.objects.values_list("state", flat=True).get(pk=case.pk))


def outcomes(case: Case, kind: str = "plan") -> list[tuple[int, str]]:
    """Round and outcome of each approval of a kind."""
    found = Approval.objects.filter(case=case, kind=kind).order_by("round")
    return list(found.values_list("round", "outcome"))


def decisions(case: Case) -> list[tuple[str, str, str]]:
    """Each seat: whose, what was decided, and where it stands."""
    seats = ApprovalTask.objects.filter(case=case).select_related("owner").order_by("id")
    return [(str(seat.owner), seat.decision, seat.status) for seat in seats]


def names(case: Case) -> list[str]:
    """Names of the events of a case, in order."""
    return list(Event.objects.filter(case=case).order_by("seq").values_list("name", flat=True))
