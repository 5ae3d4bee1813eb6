"""The sweep: a thousand clocks due among very many open ones, against set-based SQL and the ORM's own bulk writes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from bench.helpdesk.peer import LABEL, helpdesk
from bench.timing import Figure, Table, Target, interleave
from workflows.climbing import MISSED
from workflows.ladders import next_moment
from workflows.models import (
    CalendarVersion,
    Case,
    Clock,
    Definition,
    Event,
    LadderVersion,
    PolicyVersion,
    Unit,
)
from workflows.published import calendar, ladder
from workflows.recording import append, missed_key, system_id
from workflows.sweeper import sweep

OURS, RAW, BULK = "sweep", "one set-based statement, same rows", "ORM bulk_update, same rows"
DUE = 1000
# Clocks come due a second after one another from here on, so that every run finds its own thousand.
FIRST_DUE = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
OPEN, FEW, MANY = 1_000_000, 100_000, 5_000_000
RUNG = 2
TICKETS = 100_000
NOTES = {LABEL: f"the same number due, of {TICKETS:,} open; nobody is mailed"}


def among_a_million(*, quick: bool) -> list[Table]:
    """Sweeping what is due of a million open clocks."""
    opened = 20_000 if quick else OPEN
    fill(opened)
    turn = Turn()
    variants: dict[str, Callable[[], int]] = {OURS: turn.of(_ours), BULK: turn.of(_bulk)}
    if connection.vendor == "postgresql":
        variants[RAW] = turn.of(_raw)
    rounds = 3 if quick else 9
    with helpdesk(opened=TICKETS if not quick else 20_000, due=DUE, rounds=rounds + 1) as peer:
        variants[LABEL] = peer
        rates = interleave(variants, rounds=rounds)
    _same_rows(turn)
    idle = _idle(turn.now)
    targets = [
        Target("× ORM bulk_update", rates[OURS] / rates[BULK], 8),
        Target("× django-helpdesk", rates[OURS] / rates[LABEL], 200),
        Target("ms with nothing due", idle, 2, at_most=True),
    ]
    if RAW in rates:
        targets.insert(0, Target("of set-based SQL", rates[OURS] / rates[RAW], 0.4))
    return [
        Table(
            title=f"sweep: {DUE:,} due of {opened:,} open", unit="clocks/s",
            figures=[Figure(label, rate, NOTES.get(label, "")) for label, rate in rates.items()], targets=targets,
        )
    ]  # fmt: skip


def by_size(*, quick: bool) -> list[Table]:
    """Cost follows what is due: the same thousand among few and among very many."""
    few, many = (10_000, 40_000) if quick else (FEW, MANY)
    rates = {}
    for opened in (few, many):
        fill(opened)
        rates[opened] = interleave({OURS: Turn().of(_ours)}, rounds=3 if quick else 9)[OURS]
    return [
        Table(
            title=f"sweep: {DUE:,} due, by how many are open", unit="clocks/s",
            figures=[Figure(f"{opened:,} open", rate) for opened, rate in rates.items()],
            targets=[Target("× the time among few", rates[few] / rates[many], 1.7, at_most=True)],
        )
    ]  # fmt: skip


class Turn:
    """Hands each run the next thousand clocks, by moving on the moment of the sweep."""

    def __init__(self) -> None:
        self.now = FIRST_DUE - timedelta(seconds=1)

    def of(self, variant: Callable[[datetime], int]) -> Callable[[], int]:
        def run() -> int:
            self.now += timedelta(seconds=DUE)
            swept = variant(self.now)
            if swept != DUE:
                raise RuntimeError(f"{swept} clocks swept, {DUE} were due")
            return swept

        return run


def fill(opened: int) -> None:
    """So many open cases with a running clock each, on the second rung of ladder a, made by the database itself."""
    definition = Definition.objects.latest_of("message")
    with connection.cursor() as cursor:
        _empty(cursor)
        if connection.vendor == "postgresql":
            series = "generate_series(1, %s) AS n"
            moment = "%s::timestamptz + n * interval '1 second'"
        else:
            series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %s) SELECT n FROM s) AS s"
            moment = "strftime('%%Y-%%m-%%d %%H:%%M:%%S', %s, '+' || n || ' seconds')"
        root, start = Unit.objects.root().pk, FIRST_DUE - timedelta(seconds=1)
        text = start.isoformat() if connection.vendor == "postgresql" else f"{start:%Y-%m-%d %H:%M:%S}"
        opened_at = text
        cursor.execute(
            "INSERT INTO workflows_case (id, number, kind, title, state, parked, definition_id, policy_id, rev, head,"
            " desk_id, unit_id, facts, restricted, rung, due_at, provisional, opened_at, state_since)"
            f" SELECT n, 'B' || n, 'message', 'x', 'registered', '', %s, %s, 1, 'sha256:' || n, %s, %s, '{{}}', %s, 1,"
            f" {moment}, %s, %s, %s FROM {series}",
            [
                definition.pk, PolicyVersion.objects.latest_of(definition.parsed.policy).pk, root, root, False, text,
                False, opened_at, opened_at, opened,
            ],
        )  # fmt: skip
        cursor.execute(
            'INSERT INTO workflows_clock (id, case_id, kind, cycle, state, "limit", rule, policy_id, calendar_id,'
            " ladder_id, started_at, due_at, original_due_at, next_at, consumed_seconds, rung, repeats, provisional)"
            " SELECT id, id, 'assign', 1, 'running', '5wd', 'assign', policy_id, %s, %s, opened_at, due_at, due_at,"
            " due_at, 0, %s, 0, %s FROM workflows_case",
            [
                CalendarVersion.objects.latest_of("china").pk,
                LadderVersion.objects.latest_of("a").pk,
                RUNG,
                False,
            ],
        )
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _empty(cursor: object) -> None:
    """Throw away what an earlier fill left; the log's triggers stand aside, this is no log of anything."""
    run = cursor.execute  # type: ignore[attr-defined]
    if connection.vendor == "postgresql":
        run("ALTER TABLE workflows_event DISABLE TRIGGER USER")
        run("TRUNCATE workflows_case CASCADE")
        run("ALTER TABLE workflows_event ENABLE TRIGGER USER")
        return
    run("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'workflows_event'")
    triggers = [row[0] for row in cursor.fetchall()]  # type: ignore[attr-defined]
    run("DROP TRIGGER wf_event_no_delete")
    for table in ("workflows_event", "workflows_clock", "workflows_case"):
        run(f"DELETE FROM {table}")  # our own names
    for trigger in triggers:
        if "wf_event_no_delete" in trigger:
            run(trigger)


def _ours(at: datetime) -> int:
    return sweep(at=at).missed


def _raw(at: datetime) -> int:
    """The same claim, lock, rows and digests, by the database alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RAW_SQL, {"at": at, "recorded_at": timezone.now(), "actor": system_id(), "due": DUE})
        return int(cursor.rowcount)


RAW_SQL = """
WITH due AS MATERIALIZED (
  SELECT id, case_id FROM workflows_clock
  WHERE state = 'running' AND next_at IS NOT NULL AND next_at <= %(at)s ORDER BY next_at, id LIMIT %(due)s
), locked AS MATERIALIZED (
  SELECT c.id, c.rev, c.head, c.unit_id, c.state FROM workflows_case c
  WHERE c.id IN (SELECT case_id FROM due) ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED
), climbed AS (
  UPDATE workflows_clock k SET rung = 3, repeats = 0, missed_at = k.due_at, next_at = k.due_at + interval '1 day'
  FROM due d JOIN locked l ON l.id = d.case_id WHERE k.id = d.id AND k.state = 'running'
  RETURNING k.case_id, k.kind, k.cycle, k.due_at, k.ladder_id, l.rev + 1 AS seq, l.head, l.unit_id, l.state
), said AS (
  SELECT *, jsonb_build_object('clock', kind, 'cycle', cycle, 'ladder', ladder_id, 'rung', 'breach', 'colour', 'blue') AS data,
    'missed:' || kind || ':' || cycle AS key,
    'sha256:' || encode(sha256(convert_to(head || ' [' || case_id || ',' || seq || ',"clock.missed","",' || %(actor)s::bigint
      || ',' || unit_id || ',"' || state || '","' || state || '",{"clock":"' || kind || '","colour":"blue","cycle":' || cycle
      || ',"ladder":' || ladder_id || ',"rung":"breach"},"'
      || to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00","'
      || to_char(%(recorded_at)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00","missed:'
      || kind || ':' || cycle || '"]', 'UTF8')), 'hex') AS digest
  FROM climbed
), logged AS (
  INSERT INTO workflows_event (case_id, seq, name, transition, actor_id, unit_id, source, target, data, happened_at,
    recorded_at, key, digest)
  SELECT case_id, seq, 'clock.missed', '', %(actor)s, unit_id, state, state, data, due_at, %(recorded_at)s, key, digest FROM said
)
UPDATE workflows_case c SET rev = s.seq, head = s.digest, rung = 1 FROM said s WHERE c.id = s.case_id
"""


def _bulk(at: datetime) -> int:
    """As one would write it with the ORM: few statements, every value through the fields."""
    recorded_at = timezone.now()
    with transaction.atomic():
        due = list(Clock.objects.due(at=at)[:DUE])
        found = Case.objects.select_for_update(skip_locked=True, no_key=True).in_bulk(
            [k.case_id for k in due]
        )
        clocks, log = [], []
        for clock in due:
            case, spec = found[clock.case_id], ladder(clock.ladder_id or 0)
            rung = spec.rungs[RUNG]
            data = {
                "clock": clock.kind, "cycle": clock.cycle, "ladder": clock.ladder_id, "rung": rung.name,
                "colour": rung.colour,
            }  # fmt: skip
            log.append(
                append(
                    case, name=MISSED, transition="", actor_id=system_id(), source=case.state, target=case.state,
                    data=data, happened_at=clock.due_at, recorded_at=recorded_at, key=missed_key(clock),
                )
            )  # fmt: skip
            clock.rung, clock.repeats, clock.missed_at, case.rung = RUNG + 1, 0, clock.due_at, 1
            clock.next_at = next_moment(clock, spec, calendar(clock.calendar_id))
            clocks.append(clock)
        Event.objects.bulk_create(log)
        Clock.objects.bulk_update(clocks, ["rung", "repeats", "missed_at", "next_at"])
        Case.objects.bulk_update(found.values(), ["rev", "head", "rung"])
    return len(clocks)


def _same_rows(turn: Turn) -> None:
    """No variant may be fast by doing less: every clock swept stands alike and has one event."""
    swept = Clock.objects.filter(due_at__lte=turn.now)
    strays = swept.exclude(rung=RUNG + 1).count() + swept.exclude(case__rung=1).count()
    strays += swept.exclude(case__rev=2).count() + abs(swept.count() - Event.objects.filter(seq=2).count())
    if strays:
        raise RuntimeError(f"the variants left {strays} different rows behind")


def _idle(at: datetime) -> float:
    """Milliseconds of a sweep that finds nothing, median."""
    spent = []
    for _ in range(50):
        began = time.perf_counter()
        done = sweep(at=at)
        spent.append(time.perf_counter() - began)
        if done:
            raise RuntimeError("something was due")
    return statistics.median(spent) * 1000
