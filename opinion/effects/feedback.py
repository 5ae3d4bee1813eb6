"""Call-back, rating and the ways a case ends."""

from __future__ import annotations

from opinion.calling import attempts
from opinion.codes import DISSATISFIED, GRADES, SATISFIED
from opinion.drawing import draw
from opinion.models import CallBack, Link, Rating
from opinion.redoing import FACT, next_time
from workflows.models import Event
from workflows.moves import Move
from workflows.registry import effect

WITHDRAWN_BY_PERSON = "c5"
ANSWERED = "c1"
UNREACHABLE = "unreachable"
# The newest of these says whether the person was reached after the last reply.
CALLED = ("reply", "reply_merged", "call_back", "record_unreachable")


def _call(move: Move, *, reached: bool) -> None:
    move.log(reached=reached, took_place=move.data["happened_at"].isoformat())
    call = CallBack(
        case=move.case, reached=reached, happened_at=move.data["happened_at"], record=move.data.get("record", ""),
        caller=move.by, written_at=move.at,
    )  # fmt: skip
    move.add(call)


@effect
def record_call_back(move: Move) -> None:
    """data: happened_at (aware), record (text)."""
    _call(move, reached=True)


@effect
def record_unreached(move: Move) -> None:
    """data as in `record_call_back`."""
    _call(move, reached=False)


@effect
def record_unreachable(move: Move) -> None:
    """data: remark (text). The attempts are on record already."""
    tried = attempts(move.case)
    move.log(attempts=tried.made, satisfaction=UNREACHABLE)
    move.note("remark", move.data.get("remark", ""))


@effect
def draw_for_call_back(move: Move) -> None:
    """What is not drawn goes on to the rating, without a call-back and its clock."""
    result = draw(move.case)
    move.log(
        drawn=result.drawn, share=result.share, lot=result.lot, **({"row": result.row} if result.row else {})
    )
    if not result.drawn:
        move.divert()


@effect
def count_redo(move: Move) -> None:
    """The case fact `redo`: policies and approval levels may ask it."""
    times = next_time(move.case)
    move.set(facts={**move.case.facts, FACT: times})
    move.log(redo=times)


def _rate(move: Move, satisfaction: str) -> None:
    """What nobody said himself is kept, and no rate counts it."""
    automatic = satisfaction not in {*SATISFIED, *DISSATISFIED}
    grades = {name: move.data.get(name) for name in GRADES}
    move.log(satisfaction=satisfaction, **{name: grade for name, grade in grades.items() if grade})
    rating = Rating(
        case=move.case,
        satisfaction=satisfaction,
        automatic=automatic,
        rated_at=move.at,
        recorder=move.by,
        **grades,
    )
    move.add(rating)


@effect
def record_rating(move: Move) -> None:
    """data: satisfaction (code), solved, manner, speed (1 to 5 or None), remark."""
    _rate(move, move.data["satisfaction"])
    if move.name == "rate":
        move.log(reason=ANSWERED)
    move.note("remark", move.data.get("remark", ""))


@effect
def record_no_rating(move: Move) -> None:
    """Nobody rated in time, or nobody could be reached. That is not a good rating, and no rate counts it."""
    called = Event.objects.filter(case=move.case, transition__in=CALLED).order_by("-seq")
    unreached = called.values_list("transition", flat=True).first() == "record_unreachable"
    _rate(move, UNREACHABLE if unreached else "unrated")
    move.log(reason=ANSWERED)


@effect
def record_close(move: Move) -> None:
    """data: reason (code), satisfaction (code or empty), solved, manner, speed, remark."""
    move.log(reason=move.data["reason"])
    if move.data.get("satisfaction"):
        _rate(move, move.data["satisfaction"])
    move.note("remark", move.data.get("remark", ""))


@effect
def record_referral(move: Move) -> None:
    """data: reason (c2 or c4), told (what the person was told)."""
    move.log(reason=move.data["reason"])
    move.note("told", move.data["told"])


@effect
def record_withdrawal(move: Move) -> None:
    """data: remark. A merge ends with it."""
    move.log(reason=WITHDRAWN_BY_PERSON)
    if move.source == "merged":
        Link.objects.merged().filter(from_case=move.case).update(ended_at=move.at)
    move.note("remark", move.data["remark"])
