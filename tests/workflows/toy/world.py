"""A small world in which the toy lifecycle runs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.workflows.toy import parts  # noqa: F401  # registers
from workflows.engine import Draft, open_case
from workflows.models import Case, Membership, Unit, User
from workflows.publishing import publish_file

HERE = Path(__file__).parent


@dataclass
class ToyWorld:
    """A desk with a clerk, two offices with a worker each, and a watcher over all."""

    desk: Unit
    office: Unit
    other: Unit
    clerk: User
    worker: User
    other_worker: User
    watcher: User

    def case(self, at: datetime, **draft: object) -> Case:
        draft.setdefault("title", "一件事")
        return open_case("toy", Draft(desk_id=self.desk.pk, at=at, **draft), by=self.clerk)  # type: ignore[arg-type]


def make_world(at: datetime) -> ToyWorld:
    system = User.objects.system()
    publish_file(HERE / "policy.yaml", by=system, at=at)
    publish_file(HERE / "toy.yaml", by=system, at=at)
    desk = Unit.objects.root()
    office = Unit.objects.create(code="office", name="甲办", parent=desk)
    other = Unit.objects.create(code="other", name="乙办", parent=desk)

    def person(name: str, unit: Unit, role: str) -> User:
        user = User.objects.create_user(username=name, display_name=name)
        Membership.objects.create(user=user, unit=unit, role=role)
        return user

    return ToyWorld(
        desk, office, other,
        person("clerk", desk, "toy_clerk"), person("worker", office, "toy_worker"),
        person("other_worker", other, "toy_worker"), person("watcher", desk, "toy_watcher"),
    )  # fmt: skip
