"""Taking up a case and what was done away from the desk."""

from __future__ import annotations

from opinion import claims, follow_ups
from opinion.models import ClaimOutcome, Presence, Visit
from workflows.chain import text_digest
from workflows.moves import Move
from workflows.registry import effect


@effect
def claim(move: Move) -> None:
    move.set(user_id=move.by.pk)


@effect
def release(move: Move) -> None:
    move.log(user=move.case.user_id)
    move.set(user_id=None)


@effect
def record_first_contact(move: Move) -> None:
    """data: action (code), happened_at (aware), place, outcome (texts); present (role → how many), outcomes (number of
    a claim → code), view (code), view_words (text), follow_up_on (date), all of which may be missing."""
    _visit(move, first=True)


@effect
def record_visit(move: Move) -> None:
    """data as in `record_first_contact`."""
    _visit(move, first=False)


def _visit(move: Move, *, first: bool) -> None:
    said = move.data
    move.log(
        action=said["action"],
        took_place=said["happened_at"].isoformat(),
        outcome=text_digest(said["outcome"]),
    )
    visit = Visit(
        case=move.case, action=said["action"], happened_at=said["happened_at"], place=said.get("place", ""),
        outcome=said["outcome"], first_contact=first, view=said.get("view", ""), follow_up_on=said.get("follow_up_on"),
        author=move.by, unit_id=move.case.lead_id or move.held_by, written_at=move.at,
    )  # fmt: skip
    move.add(visit)
    _people(move)
    _what_came_of_the_claims(move)
    if visit.view:
        move.log(view=visit.view)
    move.note("view_words", said.get("view_words", ""))
    _follow_up(move, visit)


def _people(move: Move) -> None:
    present = {role: count for role, count in move.data.get("present", {}).items() if count}
    for role, count in present.items():
        move.add(Presence(case=move.case, role=role, count=count))
    if present:
        move.log(present=present)


def _what_came_of_the_claims(move: Move) -> None:
    """A claim struck off meanwhile has nothing to be said of it."""
    said = move.data.get("outcomes", {})
    standing = {claim.number: claim for claim in claims.standing(move.case)} if said else {}
    reached = {number: outcome for number, outcome in said.items() if outcome and number in standing}
    for number, outcome in reached.items():
        move.add(ClaimOutcome(case=move.case, claim=standing[number], outcome=outcome))
    if reached:
        move.log(outcomes={str(number): outcome for number, outcome in reached.items()})


def _follow_up(move: Move, visit: Visit) -> None:
    """Whoever has been there again has kept the promise; a record of something earlier has not."""
    promised = follow_ups.standing(move.case)
    if promised is not None and visit.happened_at >= promised.started_at:
        move.meet(follow_ups.CLOCK)
    if visit.follow_up_on is not None:
        move.begin(follow_ups.CLOCK, limit=follow_ups.limit_until(visit.follow_up_on, at=move.at))
        move.log(follow_up=visit.follow_up_on.isoformat())


@effect
def end_follow_up(move: Move) -> None:
    """data: remark (text), why nobody need come back. Neither met nor missed; a miss already logged stays."""
    move.end(follow_ups.CLOCK)
    move.note("remark", move.data["remark"])
