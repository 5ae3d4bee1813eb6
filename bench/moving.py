"""Transitions: one case at a time and in batches, against django-fsm, viewflow and the driver alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count

from django.db import connection

from bench.desk.world import BEGAN, Desk, make_desk, settle
from bench.peers.orm import flow_move, fsm_move, start_flows
from bench.peers.raw import Postgres, Sqlite, raw_move
from bench.timing import Figure, Table, Target, interleave
from workflows.engine import fire, fire_many
from workflows.models import Event

OURS, FSM, FLOW, RAW = "fire", "django-fsm, same rows", "viewflow flow, same rows", "driver alone, same rows"
BATCH_OURS = "fire_many of 1,000"


def fire_one(*, quick: bool) -> list[Table]:
    """Both kinds of move: without a change of clocks, and with one clock stopped and another started."""
    desk = make_desk()
    return [
        _fire(desk, "a move without a change of clocks", "draft", "revise", quick=quick),
        _fire(desk, "a move that stops one clock and starts another", "submit", "back", quick=quick),
    ]


def _fire(desk: Desk, title: str, there: str, back: str, *, quick: bool) -> Table:
    cases, rounds = (50, 3) if quick else (200, 9)
    raw = Postgres() if connection.vendor == "postgresql" else Sqlite()
    clerk = desk.clerk
    names = (there, back)
    ours, fsm, lean = (desk.cases(cases) for _ in range(3))
    flows = start_flows(there, desk.cases(cases))
    settle()
    rates = interleave(
        {
            OURS: _all(ours, names, lambda pk, name, at: fire(pk, name, by=clerk, at=at)),
            FSM: _all(fsm, names, lambda pk, name, at: fsm_move(pk, name, clerk, at)),
            FLOW: _all(flows, names, lambda pk, name, at: flow_move(pk, name, clerk, at)),
            RAW: _all(lean, names, lambda pk, name, at: raw_move(raw, pk, name, clerk.pk, at)),
        },
        rounds=rounds,
    )
    raw.connection.close()
    _same_rows(ours, fsm, lean)
    return Table(
        title=f"fire: {title}",
        unit="moves/s",
        figures=[Figure(label, rate) for label, rate in rates.items()],
        targets=[
            Target("× django-fsm", rates[OURS] / rates[FSM], 1.5),
            Target("× viewflow", rates[OURS] / rates[FLOW], 4.0),
        ],
    )


def batch(*, quick: bool) -> list[Table]:
    """The set-based door against one case after the other, for the harder of the two moves."""
    desk = make_desk()
    size, one_by_one, rounds = (1000, 50, 3) if quick else (1000, 200, 7)
    clerk = desk.clerk
    many, fsm = desk.cases(size), desk.cases(one_by_one)
    settle()
    tables = []
    for title, names in (
        ("moves without a change of clocks", ("draft", "revise")),
        ("moves that stop one clock and start another", ("submit", "back")),
    ):
        turn = count()

        def all_at_once(names: tuple[str, str] = names, turn: count[int] = turn) -> int:
            number = next(turn)
            at = BEGAN + timedelta(minutes=number + 1)
            return len(_made(fire_many(many, names[number % 2], by=clerk, at=at)))

        rates = interleave(
            {
                BATCH_OURS: all_at_once,
                f"{FSM}, one by one": _all(fsm, names, lambda pk, name, at: fsm_move(pk, name, clerk, at)),
            },
            # An even number of runs, so that every case is back where the next table expects it.
            rounds=rounds,
        )
        ours, peer = rates.values()
        tables.append(
            Table(
                title=f"fire_many: {title}",
                unit="moves/s",
                figures=[Figure(label, rate) for label, rate in rates.items()],
                targets=[Target("× django-fsm one by one", ours / peer, 15.0)],
            )
        )
    return tables


def _made(outcome: Sequence[object]) -> list[Event]:
    refused = [found for found in outcome if not isinstance(found, Event)]
    if refused:
        raise RuntimeError(f"{len(refused)} moves refused, such as: {refused[0]}")
    return [found for found in outcome if isinstance(found, Event)]


def _all(
    ids: list[int], names: tuple[str, str], move: Callable[[int, str, datetime], object]
) -> Callable[[], int]:
    """Each run takes every case one move on: there, back, there …"""
    turn = count()

    def run() -> int:
        number = next(turn)
        at = BEGAN + timedelta(minutes=number + 1)
        for pk in ids:
            move(pk, names[number % 2], at)
        return len(ids)

    return run


def _same_rows(*groups: list[int]) -> None:
    """No variant may be fast by doing less: all leave the same events, clocks and intervals."""
    left = []
    for ids in groups:
        marks = ", ".join(str(pk) for pk in ids)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT (SELECT count(*) FROM workflows_event WHERE case_id IN ({marks})),"
                f" (SELECT sum(rev) FROM workflows_case WHERE id IN ({marks})),"
                f" (SELECT count(*) FROM workflows_clock WHERE case_id IN ({marks})),"
                " (SELECT count(*) FROM workflows_clockinterval i JOIN workflows_clock k ON k.id = i.clock_id"
                f"  WHERE i.ended_at IS NULL AND k.case_id IN ({marks})),"
                f" (SELECT count(*) FROM workflows_clock WHERE state = 'met' AND case_id IN ({marks})),"
                f" (SELECT sum(consumed_seconds) FROM workflows_clock WHERE case_id IN ({marks}))"
            )
            left.append(cursor.fetchone())
    if len(set(left)) != 1:
        raise RuntimeError(f"the variants left different rows behind: {left}")
