"""A duplicate's deadline presses on its master: whoever has the master is told when one that waits for it climbs its ladder.

The duplicate's own people were told to leave it alone, and the master's may not see it; so the master's own log says that
a case merged into it stands on a rung, and of which number and person it says nothing. Run from time to time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from opinion.merged_waiting import waits_for_master
from opinion.merging import MASTERS_CLOCKS, taken_up_again
from opinion.models import Link
from workflows.engine import fire
from workflows.errors import MoveRefused
from workflows.ladders import Rung
from workflows.models import Case, Clock, Definition, Event, User
from workflows.published import ladder, lifecycle

logger = logging.getLogger("huiyin.merges")
PRESS = "press"


@dataclass(frozen=True)
class Pressure:
    """The gravest rung on which a duplicate of this master stands. clock: of the duplicate."""

    master: Case
    clock: Clock
    key: str
    rung: Rung


def press_masters(*, at: datetime) -> int:
    """Say to every master the gravest rung reached by those that wait for it, once a rung however many they are.

    Returns how many were told. A master that somebody has just moved is looked at again in the next run.
    """
    pressures = {
        (each.master.pk, each.key): each
        for each in _pressures()
        if PRESS in lifecycle(each.master.definition_id).transitions
    }
    if not pressures:
        return 0
    said = set(
        Event.objects.filter(
            case__in={pk for pk, _ in pressures}, key__in={key for _, key in pressures}
        ).values_list("case", "key")
    )
    system = User.objects.system()
    return sum(_press(each, system, at) for slot, each in pressures.items() if slot not in said)


def _pressures() -> list[Pressure]:
    """One a master. Four statements."""
    definitions = list(Definition.objects.values_list("pk", flat=True))
    waiting = Case.objects.filter(waits_for_master(definitions)).values("pk")
    going = Clock.objects.going().filter(case__in=waiting, kind__in=MASTERS_CLOCKS, rung__gt=0)
    clocks = sorted(going.exclude(ladder=None), key=_gravity)
    links = Link.objects.merged().filter(from_case__in={clock.case_id for clock in clocks})
    masters = {link.from_case_id: link.to_case for link in links.select_related("to_case")}
    again = taken_up_again({master.pk: master for master in masters.values()}.values())
    gravest: dict[int, Pressure] = {}
    for clock in clocks:
        if clock.case_id not in masters:
            continue  # Un-merged between the two statements.
        master, rung = masters[clock.case_id], _rung(clock)
        gravest[master.pk] = Pressure(master, clock, f"pressed:{again[master.pk]}:{rung.name}", rung)
    return list(gravest.values())


def _rung(clock: Clock) -> Rung:
    return ladder(clock.ladder_id or 0).rungs[clock.rung - 1]


def _gravity(clock: Clock) -> tuple[int, int, int]:
    """By colour, then by how far past the deadline; ladders differ in how many rungs they have."""
    return ladder(clock.ladder_id or 0).level(clock.rung), _rung(clock).stage, clock.rung


def _press(pressure: Pressure, system: User, at: datetime) -> bool:
    master, clock = pressure.master, pressure.clock
    data = {"ladder": clock.ladder_id, "rung": pressure.rung.name, "duplicate": clock.case_id}
    try:
        fire(master.pk, PRESS, by=system, at=at, key=pressure.key, data=data, rev=master.rev)
    except MoveRefused as refused:
        logger.info("主案件 %s 尚未提醒：%s", master.pk, refused)
        return False
    return True
