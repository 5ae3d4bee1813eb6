"""The limit: the same rows by hand-written SQL on a driver's own connection, a statement each, no ORM, no checks.

Digest and due moment are computed as everywhere; the state is not looked at, nobody is asked for permission.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import psycopg
from django.conf import settings
from django.utils import timezone

from bench.peers.orm import EVENTS, TARGETS, TURNS
from workflows import chain
from workflows.dues import consumed
from workflows.limits import Limit
from workflows.published import calendar, policy

LOCK = "SELECT state, rev, head, unit_id, policy_id FROM workflows_case WHERE id = %s"
CLOCKS = (
    'SELECT k.id, k.kind, k.cycle, k.state, k."limit", k.calendar_id, k.due_at, k.provisional, k.consumed_seconds,'
    " i.id, i.started_at FROM workflows_clock k LEFT JOIN workflows_clockinterval i"
    " ON i.clock_id = k.id AND i.ended_at IS NULL WHERE k.case_id = %s"
)
END_INTERVAL = "UPDATE workflows_clockinterval SET ended_at = %s WHERE id = %s"
END_CLOCK = "UPDATE workflows_clock SET state = 'met', finished_at = %s, next_at = NULL, consumed_seconds = %s WHERE id = %s"
NEW_CLOCK = (
    'INSERT INTO workflows_clock (case_id, kind, cycle, state, "limit", rule, policy_id, calendar_id, started_at,'
    " due_at, original_due_at, next_at, consumed_seconds, rung, provisional)"
    " VALUES (%s, %s, %s, 'running', %s, %s, %s, %s, %s, %s, %s, %s, 0, 0, %s) RETURNING id"
)
NEW_INTERVAL = (
    "INSERT INTO workflows_clockinterval (clock_id, kind, started_at, reason) VALUES (%s, 'run', %s, '')"
)
EVENT = (
    "INSERT INTO workflows_event (case_id, seq, name, transition, actor_id, unit_id, source, target, data, happened_at,"
    " recorded_at, digest) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '{}', %s, %s, %s)"
)
CASE = "UPDATE workflows_case SET state = %s, state_since = %s, rev = %s, head = %s WHERE id = %s"
CASE_DUE = (
    "UPDATE workflows_case SET state = %s, state_since = %s, rev = %s, head = %s, due_at = %s, provisional = %s"
    " WHERE id = %s"
)


class Postgres:
    """psycopg, every statement prepared at its first use."""

    def __init__(self) -> None:
        database: dict[str, Any] = dict(settings.DATABASES["default"])
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        given = {keyword: database[name] for name, keyword in names.items() if database.get(name)}
        self.connection = psycopg.connect(**given, prepare_threshold=0)
        self.cursor = self.connection.cursor()

    def begin(self) -> None:
        """psycopg begins by itself."""

    def run(self, sql: str, values: list[Any]) -> Any:
        return self.cursor.execute(sql + " FOR NO KEY UPDATE" if sql is LOCK else sql, values)

    def moment(self, value: datetime) -> Any:
        return value

    def read(self, value: Any) -> datetime:
        found: datetime = value
        return found

    def commit(self) -> None:
        self.connection.commit()


class Sqlite:
    """The standard library's sqlite3 with the product's pragmas."""

    def __init__(self) -> None:
        database = settings.DATABASES["default"]
        self.connection = sqlite3.connect(database["NAME"], isolation_level=None)
        self.connection.executescript(database["OPTIONS"]["init_command"])
        self.cursor = self.connection.cursor()

    def begin(self) -> None:
        self.cursor.execute("BEGIN IMMEDIATE")

    def run(self, sql: str, values: list[Any]) -> Any:
        return self.cursor.execute(sql.replace("%s", "?"), values)

    def moment(self, value: datetime) -> Any:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")

    def read(self, value: Any) -> datetime:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)

    def commit(self) -> None:
        self.cursor.execute("COMMIT")


def raw_move(on: Postgres | Sqlite, case_id: int, name: str, actor_id: int, at: datetime) -> None:
    """One move."""
    on.begin()
    source, rev, head, unit_id, policy_id = on.run(LOCK, [case_id]).fetchone()
    target, seq = TARGETS[name], rev + 1
    recorded_at = timezone.now()
    row = SimpleNamespace(
        case_id=case_id, seq=seq, name=EVENTS[name], transition=name, actor_id=actor_id, unit_id=unit_id,
        source=source, target=target, data={}, happened_at=at, recorded_at=recorded_at, key=None,
    )  # fmt: skip
    digest = chain.digest_of(row, head, "sha256")  # type: ignore[arg-type]  # reads only these attributes
    moment = on.moment(at)
    due = _turn(on, case_id, policy_id, *TURNS[name], at) if name in TURNS else None
    on.run(
        EVENT,
        [
            case_id,
            seq,
            EVENTS[name],
            name,
            actor_id,
            unit_id,
            source,
            target,
            moment,
            on.moment(recorded_at),
            digest,
        ],
    )
    if due:
        on.run(CASE_DUE, [target, moment, seq, digest, *due, case_id])
    else:
        on.run(CASE, [target, moment, seq, digest, case_id])
    on.commit()


def _turn(
    on: Postgres | Sqlite, case_id: int, policy_id: int, ends: str, begins: str, at: datetime
) -> tuple[Any, bool]:
    """Stop one clock and start another. Returns the case's due moment, and whether it is provisional."""
    cycle, running, moment = 0, [], on.moment(at)
    for pk, kind, number, state, limit, calendar_id, due_at, provisional, spent, interval, since in on.run(
        CLOCKS, [case_id]
    ).fetchall():
        if kind == begins:
            cycle = max(cycle, number)
        if state != "running":
            continue
        if kind != ends:
            running.append((due_at, provisional))
            continue
        used = spent + consumed(calendar(calendar_id), limit, on.read(since), at)
        on.run(END_INTERVAL, [moment, interval])
        on.run(END_CLOCK, [moment, used, pk])
        on_calendar = calendar_id
    rule = policy(policy_id).rule(begins, {})
    due = calendar(on_calendar).due(at, Limit.parse(rule.limit))
    due_at = on.moment(due.at)
    clock = on.run(
        NEW_CLOCK,
        [
            case_id, begins, cycle + 1, rule.limit, rule.row, policy_id, on_calendar, moment, due_at, due_at, due_at,
            due.provisional,
        ],
    ).fetchone()  # fmt: skip
    on.run(NEW_INTERVAL, [clock[0], moment])
    return min([*running, (due_at, due.provisional)])
