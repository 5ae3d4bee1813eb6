"""Approvals: a reply through three levels beside the same in plain viewflow, and the list of what waits for one person."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from bench.desk.world import BEGAN, HERE, Desk, make_desk, settle
from bench.peers.signing import sign_all
from bench.timing import Figure, Table, Target, interleave
from bench.waiting import waiting
from workflows.engine import Draft, fire, open_many
from workflows.models import Approval, Case, Membership, User
from workflows.publishing import publish_missing
from workflows.registry import role

OURS, PEER = "three levels, log and clocks", "plain viewflow, neither"
LEVELS = ("bench_one", "bench_two", "bench_three")


def _level(name: str) -> None:
    role(name, name, sees="own")(lambda case, user: user.standing.holds(name, case.desk_id))


for _name in LEVELS:
    _level(_name)


def signing(*, quick: bool) -> list[Table]:
    """End to end: put up, signed three times, granted. Each person's request reads its own user, as a page would."""
    desk, people = _seated()
    cases, rounds = (30, 3) if quick else (150, 7)
    ours, peers = _cases(desk, cases), _cases(desk, cases)
    settle()
    turn = count()

    def signed() -> int:
        at = BEGAN + timedelta(minutes=next(turn) + 1)
        for pk in ours:
            fire(pk, "submit", by=desk.clerk, at=at)
            for person in people:
                fire(pk, "sign", by=person, at=at)
        return len(ours)

    def flowed() -> int:
        for pk in peers:
            sign_all(pk)
        return len(peers)

    rates = interleave({OURS: signed, PEER: flowed}, rounds=rounds)
    done = Approval.objects.filter(case__in=ours, outcome="granted").count()
    if done != cases * (rounds + 1) or Case.objects.filter(pk__in=ours).exclude(state="working").exists():
        raise RuntimeError(f"{done} approvals were granted, {cases * (rounds + 1)} should have been")
    return [
        Table(
            title="approvals: a reply through three levels",
            unit="replies/s",
            figures=[Figure(label, rate) for label, rate in rates.items()],
            targets=[Target("× plain viewflow", rates[OURS] / rates[PEER], 0.8)],
        ),
        *waiting(desk, people, quick=quick),
    ]


def _seated() -> tuple[Desk, list[User]]:
    desk = make_desk()
    system = User.objects.system()
    for name in ("signed_limits", "signed_levels", "signed"):
        publish_missing([HERE / f"{name}.yaml"], by=system, at=BEGAN)
    people = []
    for name in LEVELS:
        person, made = User.objects.get_or_create(username=name)
        if made:
            Membership.objects.create(user=person, unit=desk.unit, role=name)
        people.append(person)
    return desk, people


def _cases(desk: Desk, number: int) -> list[int]:
    drafts = [Draft(title=f"测速第 {n} 件", desk_id=desk.unit.pk, at=BEGAN) for n in range(number)]
    return [case.pk for case in open_many("signed", drafts, by=desk.clerk)]
