"""What a user is, asked without another query: the roles held, where, and how far each looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from workflows.registry import ROLES

if TYPE_CHECKING:
    from workflows.models import User


@dataclass(frozen=True)
class Standing:
    """A user's roles, as units.

    roles: role → units in which it is held. areas: role → those units and all below them.
    sees / sees_restricted: units whose cases, or restricted cases, the user may look at.
    units: every unit the user works in.
    """

    is_system: bool = False
    roles: dict[str, frozenset[int]] = field(default_factory=dict)
    areas: dict[str, frozenset[int]] = field(default_factory=dict)
    sees: frozenset[int] = frozenset()
    sees_restricted: frozenset[int] = frozenset()
    units: frozenset[int] = frozenset()

    @cached_property
    def barred_by(self) -> frozenset[int]:
        """`units` and all above them: a complaint about one of these is closed to the user. Read when first asked."""
        from workflows.models.unit import ancestor_ids

        return ancestor_ids(self.units)

    @property
    def sight(self) -> Hashable:
        """People in whom this is equal see the same cases."""
        return (self.is_system, self.sees, self.sees_restricted, self.units)

    @property
    def sees_everything(self) -> bool:
        """Whether a role looks down on the whole tree, by what has been read anyway: all that is above the user's units,
        its top included, is looked down from. False says nothing: then `sees` does.
        """
        tops = (held for name, held in self.roles.items() if ROLES[name].sees == "area")
        return bool(self.units) and self.barred_by <= frozenset().union(*tops)

    def holds(self, role: str, unit_id: int | None) -> bool:
        """Whether the role is held in exactly this unit."""
        return unit_id is not None and unit_id in self.roles.get(role, ())

    def oversees(self, role: str, unit_id: int | None) -> bool:
        """Whether the role is held in this unit or in one above it."""
        return unit_id is not None and unit_id in self.areas.get(role, ())


def standing_of(user: User) -> Standing:
    """Read memberships (one statement) and the tree below them (one more where a role looks down)."""
    if not user.is_active and not user.is_system:
        return Standing()
    return standing_by(user, user.memberships.values_list("unit_id", "role"))


def standing_by(
    user: User,
    memberships: Iterable[tuple[int, str]],
    below: dict[frozenset[int], frozenset[int]] | None = None,
) -> Standing:
    """The same of an active user whose memberships (unit id, role) have been read.

    below: units → those and all below them, as far as they were read for others; what is read here is added.
    """
    from workflows.models.unit import subtree_ids

    roles: dict[str, set[int]] = defaultdict(set)
    for unit_id, role in memberships:
        if role in ROLES:
            roles[role].add(unit_id)
    areas: dict[str, frozenset[int]] = {}
    sees: set[int] = set()
    sees_restricted: set[int] = set()
    below = {} if below is None else below
    for name, held in roles.items():
        rule, key = ROLES[name], frozenset(held)
        if rule.sees == "area" and key not in below:
            below[key] = subtree_ids(key)
        areas[name] = below[key] if rule.sees == "area" else key
        if rule.sees != "nothing":
            sees |= areas[name]
            sees_restricted |= areas[name] if rule.confidential else set()
    units = frozenset(unit for held in roles.values() for unit in held)
    return Standing(
        is_system=user.is_system,
        roles={name: frozenset(held) for name, held in roles.items()},
        areas=areas,
        sees=frozenset(sees),
        sees_restricted=frozenset(sees_restricted),
        units=units,
    )
