"""Levels of approval that too few people could sit in, place by place, said before a case gets stuck there.

Whoever asks or drafts never signs, and people are away: one person is too few. Counted are a level's own people and who
stands in for them; of restricted cases also the last resort, because nobody else at the desk may know of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opinion.roles import HELPING
from workflows.approvals.rules import ApprovalRulesSpec, LevelSpec
from workflows.models import ApprovalRules, Case, Definition, Membership, Unit, User
from workflows.models.unit import ancestor_ids
from workflows.published import approval_rules, lifecycle
from workflows.registry import ROLES
from workflows.spec import LifecycleSpec
from workflows.standing import standing_by

ENOUGH = 2


@dataclass(frozen=True)
class Scarcity:
    """place: the desk, or the unit that leads. levels: labels of those in which so few could sit there."""

    place: str
    restricted: bool
    count: int
    levels: tuple[str, ...]

    def __str__(self) -> str:
        what = "限制知悉的案件，" if self.restricted else ""
        there = f"只有 {self.count} 人" if self.count else "没有人"
        who = "（含专办员等兜底角色）" if self.restricted else "（含代审角色）"
        return (
            f"{what}{self.place}：{'、'.join(self.levels)}{there}可以审{who}，"
            "本人申请、拟稿或外出时无人可换，请增加人员"
        )


def scarce_now() -> list[Scarcity]:
    """By the documents in force."""
    newest = ApprovalRules.objects.newest().order_by("code").values_list("pk", flat=True)
    return [one for pk in newest for one in scarce(approval_rules(pk))]


def scarce(spec: ApprovalRulesSpec) -> list[Scarcity]:
    """By a document, for every desk and every unit that handles cases. Statements do not grow with places."""
    flows = [
        flow
        for flow in (lifecycle(pk) for pk in Definition.objects.newest().values_list("pk", flat=True))
        if flow.levels == spec.code
    ]
    if not flows:
        return []
    staff = _Staff.read(opening=frozenset(role for flow in flows for role in flow.opening.role))
    found: dict[tuple[str, bool, int], dict[str, None]] = defaultdict(dict)
    for restricted in (False, True) if any(map(_keeps_secrets, flows)) else (False,):
        for level, least in _levels(spec):
            for place, people in staff.places(spec, level, restricted=restricted):
                if len(people) < least:
                    found[place, restricted, len(people)][f"“{level.label}”"] = None
    return [
        Scarcity(place, restricted, count, tuple(labels))
        for (place, restricted, count), labels in found.items()
    ]


def _keeps_secrets(flow: LifecycleSpec) -> bool:
    return any(ROLES[role].confidential for move in flow.transitions.values() for role in move.role)


def _levels(spec: ApprovalRulesSpec) -> Iterator[tuple[LevelSpec, int]]:
    """Each that asks for other people once, with how many it takes."""
    seen = set()
    for rule in spec.approvals:
        for level in rule.levels:
            least = max(ENOUGH, level.agree if isinstance(level.agree, int) else 0)
            asked = (level.label, level.by, level.people, least)
            if asked not in seen:
                seen.add(asked)
                yield level, least


@dataclass(frozen=True)
class _Staff:
    """Everybody at work, by role and by name, and where cases are kept and handled."""

    by_role: dict[str, list[User]]
    by_name: dict[str, User]
    desks: list[Unit]
    leads: list[Unit]

    @classmethod
    def read(cls, opening: frozenset[str]) -> _Staff:
        """opening: roles that register cases. A unit that may be a desk and has none of them is none."""
        posts: dict[User, list[tuple[int, str]]] = defaultdict(list)
        rows = Membership.objects.filter(user__is_active=True).select_related("user").order_by("id")
        for row in rows:
            posts[row.user].append((row.unit_id, row.role))
        by_role: dict[str, list[User]] = defaultdict(list)
        for user, held in posts.items():
            user.__dict__["standing"] = standing_by(user, held)
            for role in dict.fromkeys(role for _, role in held):
                by_role[role].append(user)
        handling = {unit for held in posts.values() for unit, role in held if role in HELPING}
        registering = {unit for held in posts.values() for unit, role in held if role in opening}
        desks = list(Unit.objects.filter(is_desk=True, pk__in=registering).order_by("code"))
        # No desk and none of its superiors is ever given a case to handle.
        handling -= ancestor_ids([desk.pk for desk in desks])
        units = Unit.objects.filter(pk__in=handling).order_by("code")
        return cls(by_role, {user.username: user for user in posts}, desks, list(units))

    def places(
        self, spec: ApprovalRulesSpec, level: LevelSpec, *, restricted: bool
    ) -> Iterator[tuple[str, set[int]]]:
        """Name of the desk, where the lead makes no difference, or else of each lead; who could sit there."""
        roles = [role for name in level.by for role in spec.chain(name)]
        roles += spec.fallback if restricted else ()
        for desk in self.desks:
            at_desk = self._sitting(Case(desk=desk, unit=desk, restricted=restricted), roles, level)
            led = [
                (
                    lead,
                    self._sitting(Case(desk=desk, unit=lead, lead=lead, restricted=restricted), roles, level),
                )
                for lead in self.leads
            ]
            if all(people == at_desk for _, people in led):
                yield desk.name, at_desk
            else:
                yield from ((lead.name, people) for lead, people in led)

    def _sitting(self, case: Case, roles: Iterable[str], level: LevelSpec) -> set[int]:
        named = [self.by_name[name] for name in level.people if name in self.by_name]
        holding = [
            user for role in roles for user in self.by_role.get(role, ()) if ROLES[role].may(case, user)
        ]
        return {user.pk for user in [*named, *holding] if _could_know(case, user)}


def _could_know(case: Case, user: User) -> bool:
    """What `Case.objects.visible_to` would say of a case in this place that names nobody."""
    standing, here = user.standing, {case.desk_id, case.lead_id}
    if not case.restricted:
        return bool(standing.sees & here)
    return bool(standing.sees_restricted & here) or case.lead_id in standing.units
