"""Who sits in a level: holders of its roles and those named, never the requester, absent ones by their deputies.

Where a level has too few, the roles that stand in are asked, then the fallback; where that gives nobody either, the level
begins without anybody, which its event says and an alert shows, until somebody is added (加签).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef

from workflows.approvals.rules import ALL, ANY, SEQUENCE, ApprovalRulesSpec, LevelSpec
from workflows.models import Absence, ApprovalTask, Case, Membership, User
from workflows.models.unit import at_or_above
from workflows.registry import ROLES
from workflows.standing import standing_by

Decision = ApprovalTask.Decision


@dataclass(frozen=True)
class Sitter:
    """Somebody to be asked. stands_for: id of the absent person whose deputy this is."""

    user: User
    stands_for: int | None = None


@dataclass(frozen=True)
class Seating:
    """sitters: in order. fallen_back: the level's own people were too few. short: so were all others."""

    sitters: tuple[Sitter, ...]
    fallen_back: bool = False
    short: bool = False


def needed(level: LevelSpec, there: int) -> int:
    """How many have to agree, of so many who sit there."""
    if level.agree == ANY:
        return 1
    if level.agree in {ALL, SEQUENCE}:
        return max(there, 1)
    return int(level.agree)


def agreed(level: LevelSpec, seats: Sequence[ApprovalTask], gone: Collection[int] = ()) -> bool:
    """Whether a level's own people have agreed, as many as it takes, and everybody who was added (加签) with them.

    Somebody added signs besides the others, and for them only where they are too few. gone: ids of people who left
    after they were asked, and whom nobody waits for.
    """
    sitting = [s for s in seats if s.decision not in {Decision.HANDED, Decision.REMOVED, Decision.LEFT}]
    sitting = [s for s in sitting if not (s.is_open and s.owner_id in gone)]
    own = [s for s in sitting if not s.extra]
    asked = len(own) or (1 if sitting else 0)
    enough = needed(level, asked)
    signed = [s for s in sitting if s.decision == Decision.AGREED]
    return (
        len(signed) >= enough
        and sum(not s.extra for s in signed) >= min(enough, len(own))
        and not any(s.extra and s.is_open for s in sitting)
    )


@dataclass
class Finder:
    """Finds people for one case at one moment; asks the database once a question."""

    case: Case
    at: datetime
    barred: Collection[int]
    _asked: dict[str, list[User]] = field(default_factory=dict)
    _offices: dict[int, int] = field(default_factory=dict)
    _seeing: dict[Hashable, bool] = field(default_factory=dict)
    _here: set[int] = field(default_factory=set)
    _deputies: dict[int, User] = field(default_factory=dict)
    _subtrees: dict[frozenset[int], frozenset[int]] = field(default_factory=dict)

    def seat(
        self,
        level: LevelSpec,
        rules: ApprovalRulesSpec,
        *,
        earlier: Collection[int] = (),
        below: Collection[int] = (),
    ) -> Seating:
        """earlier: ids of people who decided in earlier rounds, whom a `fresh` level leaves out. below: of those who
        agreed on a level below, who sign again only where they are named, or where there is nobody else."""
        unfit = {*self.barred, *(earlier if level.fresh else ())}
        left_out = {*unfit, *below}
        own = self._sitters(self._named(level.people), unfit)
        own += self._sitters(self._holders(level.by), left_out | {sitter.user.pk for sitter in own})
        wanted = needed(level, len(own))
        if len(own) >= wanted:
            return Seating(tuple(own))
        spare = [role for name in level.by for role in list(rules.chain(name))[1:]]
        # Better somebody who has decided before than nobody at all, but anybody else first.
        last_resort = [(role, {*self.barred}) for role in rules.fallback]
        for role, but in [*((role, left_out) for role in [*spare, *rules.fallback]), *last_resort]:
            own += self._sitters(self._holders([role]), but | {sitter.user.pk for sitter in own})
            if len(own) >= wanted:
                return Seating(tuple(own), fallen_back=role in rules.fallback and role not in spare)
        return Seating(tuple(own), fallen_back=True, short=True)

    def may_sit(self, user: User) -> bool:
        """Whether somebody picked by hand can be asked: works here, may know the case, and is not left out."""
        return user.is_active and user.pk not in self.barred and self.sees(user)

    def may_take_over(self, user: User, owner: User, level: LevelSpec, rules: ApprovalRulesSpec) -> bool:
        """Whether a seat can be handed to somebody (委派): who could sit in the level, or a colleague of the same office."""
        own = [role for name in level.by for role in rules.chain(name)]
        if user.username in level.people or user in self.holders(own):
            return True
        return bool(user.standing.units & owner.standing.units)

    def belongs(self, user: User, level: LevelSpec, rules: ApprovalRulesSpec) -> bool:
        """Whether somebody has, now, what a level asks people for: the name, its role, or one that stands in or comes last."""
        return user.username in level.people or user in self.holders(rules.sitting(level))

    def now(self, user: User, *, left_out: Collection[int] = ()) -> Sitter | None:
        """Who sits for somebody whose turn has come: the same person, a deputy, or nobody."""
        return next(iter(self._sitters([user], {*self.barred, *left_out})), None)

    def sees(self, user: User) -> bool:
        """Whether somebody could open the case at all; looked up once for all who look at the same units."""
        alike = user.standing.sight
        if alike not in self._seeing:
            self._seeing[alike] = self.case.seen_by(user)
        return self._seeing[alike]

    def candidates(self) -> list[User]:
        """Whom somebody may pick to sign or to be told: people in, or above, an office that has to do with the case.

        Each holds a role that sees cases, and may see this one. As many statements for many as for few.
        """
        seeing = [name for name, role in ROLES.items() if role.sees != "nothing"]
        posts = Membership.objects.filter(unit__in=at_or_above(_units_of(self.case)), role__in=seeing)
        users = User.objects.filter(pk__in=posts.values("user"), is_active=True).exclude(pk__in=self.barred)
        found = list(users.prefetch_related("memberships__unit").order_by("display_name", "username"))
        for user in found:
            held = [(post.unit_id, post.role) for post in user.memberships.all()]
            user.__dict__["standing"] = standing_by(user, held, self._subtrees)
        return [user for user in found if self.sees(user)]

    def away(self, users: Iterable[User]) -> dict[int, User]:
        """Id of whoever is away → the deputy; one statement for those not asked about before."""
        wanted = [user.pk for user in users]
        new = [pk for pk in wanted if pk not in self._here and pk not in self._deputies]
        rows = Absence.objects.at(self.at).filter(user__in=new).select_related("deputy") if new else ()
        self._deputies |= {row.user_id: row.deputy for row in rows}
        self._here.update(pk for pk in new if pk not in self._deputies)
        return {pk: self._deputies[pk] for pk in wanted if pk in self._deputies}

    def office_of(self, sitter: Sitter) -> int | None:
        """The unit somebody sits for: where the role is held; of one named or picked, the unit that has the case or
        has to do with it, else the first place of work."""
        for user_id in (sitter.stands_for, sitter.user.pk):
            if user_id in self._offices:
                return self._offices[user_id]
        works_in = Membership.objects.filter(user=sitter.stands_for or sitter.user.pk).order_by("id")
        units = list(works_in.values_list("unit_id", flat=True))
        return nearest(units, self.case, holder=self.case.unit_id)

    def holders(self, roles: Iterable[str]) -> list[User]:
        """Those who hold a role for this case."""
        return [user for user in self._holders(roles) if self._knows(user)]

    def _sitters(self, users: Iterable[User], left_out: Collection[int]) -> list[Sitter]:
        found: dict[int, Sitter] = {}
        fit = [user for user in users if user.is_active and user.pk not in left_out and self._knows(user)]
        away = self.away(fit)
        for user in fit:
            sitter = self._sitter(user, away, left_out)
            if sitter is not None:
                found.setdefault(sitter.user.pk, sitter)
        return list(found.values())

    def _sitter(self, user: User, away: dict[int, User], left_out: Collection[int]) -> Sitter | None:
        """The person, or, while away, the deputy; None where deputies lead round in a ring or to nobody who may."""
        now, seen = user, {user.pk}
        while now.pk in away:
            now = away[now.pk]
            if now.pk in seen:
                return None
            seen.add(now.pk)
            away |= self.away([now])
        if now is user:
            return Sitter(user)
        fit = now.is_active and now.pk not in left_out and self.sees(now)
        return Sitter(now, stands_for=user.pk) if fit else None

    def _named(self, usernames: Iterable[str]) -> Iterator[User]:
        names = list(usernames)
        found = {user.username: user for user in User.objects.filter(username__in=names)} if names else {}
        yield from (found[name] for name in names if name in found and self.sees(found[name]))

    def _holders(self, roles: Iterable[str]) -> Iterator[User]:
        wanted = [role for role in roles if role not in self._asked]
        if wanted:
            self._ask(wanted)
        for role in roles:
            yield from self._asked[role]

    def _ask(self, roles: list[str]) -> None:
        """Whoever holds them in a unit that has to do with the case, or above one, and may act on it in that role.

        One statement: all posts of those people, so that none has to be asked for a standing of their own, and who of
        them is not away.
        """
        here = at_or_above(_units_of(self.case))
        posted = Membership.objects.filter(role__in=roles, unit__in=here, user__is_active=True)
        away = Absence.objects.at(self.at).filter(user=OuterRef("user"))
        theirs = Membership.objects.filter(user__in=posted.values("user")).annotate(away=Exists(away))
        posts: dict[int, list[Membership]] = defaultdict(list)
        for post in theirs.select_related("user").order_by("id"):
            posts[post.user_id].append(post)
            if not post.away:
                self._here.add(post.user_id)
        self._asked |= {role: [] for role in roles}
        for own in posts.values():
            user = own[0].user
            user.__dict__["standing"] = standing_by(
                user, [(post.unit_id, post.role) for post in own], self._subtrees
            )
            for role in dict.fromkeys(post.role for post in own if post.role in roles):
                if ROLES[role].may(self.case, user):
                    self._asked[role].append(user)
                    self._offices.setdefault(user.pk, self._office(own, role))

    def _office(self, posts: list[Membership], role: str) -> int:
        """Where the role is held: in a unit of the case rather than above it."""
        held = [post.unit_id for post in posts if post.role == role]
        return next((pk for pk in held if pk in _units_of(self.case)), held[0])

    def _knows(self, user: User) -> bool:
        """Of a role's holders, who act on an ordinary case by their role alone."""
        return not self.case.restricted or self.sees(user)


def nearest(units: Sequence[int], case: Case, *, holder: int) -> int | None:
    """Of the units somebody works in: the one that has the case (`holder`), or has to do with it, else the first."""
    near = [pk for pk in (holder, case.desk_id, case.lead_id) if pk in units]
    return next(iter([*near, *units]), None)


def _units_of(case: Case) -> list[int]:
    """Units that have to do with a case now."""
    return [pk for pk in (case.desk_id, case.unit_id, case.lead_id) if pk is not None]
