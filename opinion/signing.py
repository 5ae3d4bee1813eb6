"""Whom the events of approvals are for: those who are asked, those a copy goes to, those who asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from notifications.directory import Directory, Pair
from opinion.awaiting import signed_now
from workflows.models import Approval, ApprovalTask, Event, User
from workflows.published import lifecycle

# Clocks of approvals: whoever is asked has to meet them.
SIGNED = (
    "review", "decline_review", "extension_review", "suspension_review", "closing_review", "private_review",
    "order_review", "final_review", "silence_review", "information_review",
)  # fmt: skip


def _named(events: Sequence[Event], part: str) -> Iterator[Pair]:
    wanted = {int(pk) for event in events for pk in event.data.get(part, ())}
    users = User.objects.in_bulk(wanted)
    for event in events:
        for pk in event.data.get(part, ()):
            if int(pk) in users:
                yield event, users[int(pk)]


def asked(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Those who are asked with this very event."""
    yield from _named(events, "asked")


def copied(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Those who are told and asked nothing (抄送)."""
    yield from _named(events, "copied")


def signers(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Those whose agreement the case waits for now; one statement.

    Of a clock's event, those of the approvals that run by that clock.
    """
    waiting: dict[int, list[ApprovalTask]] = defaultdict(list)
    seats = ApprovalTask.objects.waiting().filter(case__in={event.case_id for event in events})
    for seat in seats.select_related("owner", "process").order_by("id"):
        waiting[seat.case_id].append(seat)
    for event in events:
        clock = event.data.get("clock")
        for seat in waiting[event.case_id]:
            if clock is None or clock in _clocks_of(event, seat):
                yield event, seat.owner


def holding_signers(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Those whose signature the case is waiting for while an approval has it; one statement, none where none can have it."""
    with_signers = signed_now(event.case for event in events)
    of_case: dict[int, list[User]] = defaultdict(list)
    if with_signers:
        seats = (
            ApprovalTask.objects.waiting().filter(case__in=with_signers).select_related("owner", "process")
        )
        for seat in seats.order_by("id"):
            if seat.process.kind in with_signers[seat.case_id]:
                of_case[seat.case_id].append(seat.owner)
    for event in events:
        for user in of_case[event.case_id]:
            yield event, user


def _clocks_of(event: Event, seat: ApprovalTask) -> set[str]:
    declared = lifecycle(event.case.definition_id).approvals.get(seat.process.kind)
    own = {level["clock"] for level in seat.process.levels if level.get("clock")}
    return own | ({declared.clock} if declared is not None and declared.clock else set())


def requesters(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Those who put up what is being approved; one statement."""
    found = Approval.objects.running().filter(case__in={event.case_id for event in events})
    of_case: dict[int, list[User]] = defaultdict(list)
    for approval in found.select_related("requester"):
        of_case[approval.case_id].append(approval.requester)
    for event in events:
        for user in of_case[event.case_id]:
            yield event, user


def nobody(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Nobody in particular: an alert is raised."""
    yield from ()


def still_asked(events: Sequence[Event]) -> set[int]:
    """Somebody whom the event asked has not decided yet. One statement."""
    open_seats = _open_seats(events)
    return {
        event.pk
        for event in events
        if any(_waits_for(int(pk), event, open_seats) for pk in event.data.get("asked", ()))
    }


def still_asked_of(pairs: Sequence[Pair]) -> set[tuple[int, int]]:
    """Whom the event asked, until their own word; whoever is only told of it, for as long as it asks anybody. One statement."""
    open_seats = _open_seats([event for event, _ in pairs])
    return {
        (event.pk, user.pk)
        for event, user in pairs
        if user.pk not in {int(pk) for pk in event.data.get("asked", ())}
        or _waits_for(user.pk, event, open_seats)
    }


def still_running(events: Sequence[Event]) -> set[int]:
    """The approval the event is about has not ended. One statement."""
    running = Approval.objects.running().filter(case__in={event.case_id for event in events})
    known = set(running.values_list("case_id", "kind", "round"))
    return {e.pk for e in events if (e.case_id, e.data.get("approval"), e.data.get("round")) in known}


def _open_seats(events: Sequence[Event]) -> set[tuple[int, str, int, str, int]]:
    """Case id, matter, round, name of the level, id of who is asked."""
    seats = ApprovalTask.objects.waiting().filter(case__in={event.case_id for event in events})
    found = seats.values_list(
        "case_id", "process__kind", "process__round", "process__levels", "level", "owner_id"
    )
    return {
        (case, kind, turn, levels[level - 1]["name"], owner)
        for case, kind, turn, levels, level, owner in found
    }


def _waits_for(user_id: int, event: Event, open_seats: set[tuple[int, str, int, str, int]]) -> bool:
    """Whether the very seat that the event gave this person is still open."""
    said = event.data
    level = said.get("next") or said.get("level")
    return (event.case_id, said.get("approval"), said.get("round"), level, user_id) in open_seats


def matter(event: Event) -> str:
    """What is being approved, in the lifecycle's word."""
    declared = lifecycle(event.case.definition_id).approvals.get(str(event.data.get("approval")))
    return declared.label if declared else "审批"
