"""Approvers who left while they were asked: their seats are closed, and somebody else is asked in their place.

Left has whoever works here no more, may know the case no more, or has no post any more that the level asks for. Run
from time to time, and at once where a case becomes one that few may know. Nobody makes this move: the event says what
the machinery did, under the lock of the case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from datetime import datetime
from itertools import chain, islice

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone

from workflows.approvals.book import ApprovalBook
from workflows.approvals.rules import LevelSpec
from workflows.declarations import TransitionSpec
from workflows.errors import UnknownCase
from workflows.locking import lock
from workflows.models import Approval, ApprovalTask, Case, Membership, User
from workflows.moves import Move
from workflows.published import approval_rules, lifecycle
from workflows.recording import append, system_id, system_user, unmanned_event
from workflows.sheaf import Sheaf
from workflows.standing import standing_by

EVENT = "approval.reseated"
BATCH = 200


def replace_departed(*, at: datetime) -> int:
    """Cases in which somebody was still asked who is to be asked no more; how many were mended. The next run takes the rest.

    Costs two statements and one for each group of people who see the same cases.
    """
    found = dict.fromkeys(chain(_of_nobody_here(), _out_of_post(), _out_of_sight()))
    return sum(replace_in(case_id, at=at) for case_id in list(islice(found, BATCH)))


def _of_nobody_here() -> Iterator[int]:
    """Ids of cases in which somebody is asked who has gone, or has no post at all."""
    posts = Membership.objects.filter(user=OuterRef("owner"))
    gone = ApprovalTask.objects.waiting().filter(Q(owner__is_active=False) | ~Exists(posts))
    yield from gone.order_by("case_id").values_list("case_id", flat=True).distinct()[:BATCH]


def _out_of_post() -> Iterator[int]:
    """Ids of cases in which somebody is asked for a role that is theirs no more, anywhere."""
    own = ApprovalTask.objects.waiting().filter(extra=False, handed_by=None, stands_for=None)
    alike = ("owner_id", "level", "process__rules_id", "process__rule")
    groups = list(own.values(*alike).annotate(one=Min("process_id")).order_by())
    approvals = Approval.objects.in_bulk({group["one"] for group in groups})
    asked = {group["owner_id"]: set[str]() for group in groups}
    for user_id, role in Membership.objects.filter(user__in=asked).values_list("user", "role"):
        asked[user_id].add(role)
    names = dict(User.objects.filter(pk__in=asked).values_list("pk", "username"))
    for group in groups:
        approval, owner = approvals[group["one"]], group["owner_id"]
        level = LevelSpec.model_validate(approval.levels[group["level"] - 1])
        sitting = approval_rules(approval.rules_id).sitting(level)
        if names[owner] not in level.people and asked[owner].isdisjoint(sitting):
            seats = own.filter(**{name: group[name] for name in alike})
            yield from seats.order_by("case_id").values_list("case_id", flat=True)[:BATCH]


def _out_of_sight() -> Iterator[int]:
    """Ids of cases in which somebody is asked who may not know of them any more."""
    waiting = ApprovalTask.objects.waiting()
    owners = User.objects.filter(pk__in=waiting.values("owner"), is_active=True)
    alike: dict[Hashable, list[User]] = defaultdict(list)
    below: dict[frozenset[int], frozenset[int]] = {}
    for user in owners.prefetch_related("memberships"):
        posts = [(post.unit_id, post.role) for post in user.memberships.all()]
        user.__dict__["standing"] = standing_by(user, posts, below)
        alike[user.standing.sight].append(user)
    for users in alike.values():
        seen = Case.objects.visible_to(users[0]).filter(pk=OuterRef("case"))
        seats = waiting.filter(~Exists(seen), owner__in=users)
        yield from seats.order_by("case_id").values_list("case_id", flat=True)[:BATCH]


def replace_in(case_id: int, *, at: datetime) -> bool:
    """The same for one case; whether anybody was replaced."""
    recorded_at = timezone.now()
    with transaction.atomic():
        try:
            case, _ = lock(case_id)
        except UnknownCase:
            return False
        spec = lifecycle(case.definition_id)
        staying = TransitionSpec(
            label="审批人离岗", sources=(case.state,), to="stay", role=("system",), event=EVENT
        )
        move = Move(case, "", staying, spec, system_user(), at, {}, case.state)
        book = ApprovalBook.of([case])
        if not book.replace_departed(move):
            return False
        event = append(
            case, name=EVENT, transition="", actor_id=system_id(), source=case.state, target=case.state,
            data=move.logged, happened_at=at, recorded_at=recorded_at,
        )  # fmt: skip
        book.dated(move, event.seq)
        log = [event, *(unmanned_event(move, one, recorded_at, again=True) for one in book.unmanned_in(move))]
        sheaf = Sheaf()
        book.write(sheaf)
        sheaf.insert(log)
        sheaf.update([case], ["rev", "head", *move.changed])
        sheaf.write()
    return True
