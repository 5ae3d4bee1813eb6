"""A small county for page tests: one desk, three offices, one person per role and case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from opinion.contacts.book import Person
from opinion.registering import register
from workflows.engine import fire
from workflows.models import Case, Membership, Unit, User

# Where somebody in each role works: at the desk, in the office that handles, or above both.
SEATS = {
    "desk_clerk": "desk",
    "dispatcher": "desk",
    "reviewer": "desk",
    "caller": "desk",
    "confidential_officer": "desk",
    "leader": "root",
    "supervisor": "root",
    "exporter": "root",
    "unit_handler": "roads",
    "unit_head": "roads",
    "sysadmin": "root",
    "secadmin": "root",
    "auditadmin": "root",
}


@dataclass
class County:
    """Units by code, people by role; `other_handler` works in the water office, `accused_head` in the one complained about."""

    units: dict[str, Unit]
    people: dict[str, User]
    made: int = field(default=0)

    def person(self, username: str, unit: str, role: str) -> User:
        user = User.objects.create(username=username, display_name=f"{username}某")
        Membership.objects.create(user=user, unit=self.units[unit], role=role)
        self.people[username] = user
        return user

    def message(
        self, at: datetime, *, person: Person | None = None, by: str = "desk_clerk", **said: Any
    ) -> Case:
        """Registered, and nothing else yet."""
        self.made += 1
        draft = {"restricted": said.pop("restricted", False), "barred": said.pop("barred", ())}
        message = {
            "source": "letter",
            "subject": f"第{self.made}件：路灯不亮",
            "body": f"南街路灯坏了，第 {self.made} 次反映。",
            **said,
        }
        return register(
            message, person or Person(), desk=self.units["desk"].pk, by=self.people[by], at=at, **draft
        )

    def do(self, case: Case, name: str, by: str, at: datetime, **data: Any) -> Case:
        """One move; returns the case as it then is."""
        fire(case.pk, name, by=self.people[by], at=at, data=data)
        return Case.objects.get(pk=case.pk)

    def assigned(self, at: datetime, unit: str = "roads", **said: Any) -> Case:
        case = self.message(at, **said)
        by = "confidential_officer" if case.restricted else "dispatcher"
        return self.do(case, "assign", by, at, lead=self.units[unit].pk)

    def handled(self, at: datetime, unit: str = "roads", handler: str = "unit_handler", **said: Any) -> Case:
        """Accepted and the person contacted: the office is at work."""
        case = self.assigned(at, unit, **said)
        case = self.do(case, "accept", handler, at)
        return self.do(case, "contact", handler, at, action="phone", happened_at=at, outcome="已电话联系")

    def replied(self, at: datetime, **said: Any) -> Case:
        case = self.handled(at, **said)
        case = self.do(case, "draft_reply", "unit_handler", at, text="路灯已修复。", result="solved")
        case = self.do(case, "approve", "reviewer", at, text="路灯已修复，感谢反映。")
        return self.do(case, "reply", "reviewer", at, public=False)

    def archived(self, at: datetime, **said: Any) -> Case:
        case = self.replied(at, **said)
        case = self.do(case, "call_back", "caller", at, happened_at=at, record="满意")
        case = self.do(case, "rate", "caller", at, satisfaction="good")
        return self.do(case, "archive", "desk_clerk", at + timedelta(hours=1))


def make_county() -> County:
    root = Unit.objects.root()
    made = {"root": root}
    for code, name, parent, desk in (
        ("desk", "群众留言办", "root", True),
        ("roads", "道路管理处", "root", False),
        ("water", "供水管理处", "root", False),
        ("accused", "城管执法队", "root", False),
    ):
        made[code] = Unit.objects.create(code=code, name=name, parent=made[parent], is_desk=desk)
    county = County(made, {})
    for role, seat in SEATS.items():
        county.person(role, seat, role)
    county.person("other_handler", "water", "unit_handler")
    county.person("accused_head", "accused", "unit_head")
    return county
