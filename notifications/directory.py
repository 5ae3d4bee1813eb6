"""Who holds which role where, and who may know of which case: read once for a batch of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from workflows.models import Case, Event, Membership, User
from workflows.models.unit import ancestor_ids

Pair = tuple[Event, User]


class Directory:
    """One `User` object per person, so that roles and units are read once a batch, however often they are asked."""

    def __init__(self) -> None:
        self._people: dict[int, User] = {}
        self._posts: dict[tuple[str, int], list[User]] = {}
        self._above: dict[int, frozenset[int]] = {}
        self._known: dict[tuple[int, int], bool] = {}

    def holders(self, posts: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[User]]:
        """(role, unit id) → the active people who hold it there; one statement for those not asked before."""
        missing = {post for post in posts if post not in self._posts}
        if missing:
            held = (
                Membership.objects.filter(
                    role__in={role for role, _ in missing}, unit__in={unit for _, unit in missing}
                )
                .filter(user__is_active=True, user__is_system=False)
                .select_related("user")
                .order_by("id")
            )
            self._posts.update({post: [] for post in missing})
            for membership in held:
                if (membership.role, membership.unit_id) in missing:
                    user = self._people.setdefault(membership.user_id, membership.user)
                    self._posts[membership.role, membership.unit_id].append(user)
        return {post: self._posts[post] for post in posts}

    def units_above(self, unit_id: int) -> frozenset[int]:
        """The unit and every one above it."""
        if unit_id not in self._above:
            self._above[unit_id] = ancestor_ids([unit_id])
        return self._above[unit_id]

    def knowing(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Those pairs in which the person may see the case, each once; one statement a person.

        Asked of `Case.objects.visible_to` itself: there is one rule of who sees what.
        """
        wanted = list({(event.pk, user.pk): (event, user) for event, user in pairs}.values())
        unknown: dict[int, set[int]] = defaultdict(set)
        people: dict[int, User] = {}
        for event, user in wanted:
            people.setdefault(user.pk, self._people.setdefault(user.pk, user))
            if (user.pk, event.case_id) not in self._known:
                unknown[user.pk].add(event.case_id)
        for user_id, case_ids in unknown.items():
            visible = set(
                Case.objects.visible_to(people[user_id]).filter(pk__in=case_ids).values_list("pk", flat=True)
            )
            self._known.update({(user_id, case_id): case_id in visible for case_id in case_ids})
        return [(event, user) for event, user in wanted if self._known[user.pk, event.case_id]]
