"""Triggers that keep the log append-only and published documents as they were, and those that wake the ticker.

Migrations install them. A guard refuses DELETE, and UPDATE of anything outside `except_columns`; on PostgreSQL
TRUNCATE too. A bell rings when rows are added; SQLite has nothing to ring with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# What LISTEN names; the payload is a bell's topic.
CHANNEL = "huiyin"
# First half of the advisory locks that keep bells from being rung twice at once; the second is the bell's number.
_RINGING = 480_173


class Trigger(Protocol):
    """What `install` and `remove` run."""

    def install(self, vendor: str) -> Iterator[str]: ...

    def remove(self, vendor: str) -> Iterator[str]: ...


@dataclass(frozen=True)
class Guard:
    """A table whose rows stay. columns: those an UPDATE may not change."""

    table: str
    short: str
    columns: tuple[str, ...]
    message: str

    def install(self, vendor: str) -> Iterator[str]:
        changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in self.columns)
        if vendor == "postgresql":
            yield (
                f"CREATE OR REPLACE FUNCTION {self.short}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{self.message}' USING ERRCODE = 'restrict_violation'; END $$"
            )
            yield (
                f"CREATE TRIGGER {self.short}_no_update BEFORE UPDATE ON {self.table} FOR EACH ROW"
                f" WHEN ({changed}) EXECUTE FUNCTION {self.short}_refuse()"
            )
            for action, each in (("delete", "ROW"), ("truncate", "STATEMENT")):
                yield (
                    f"CREATE TRIGGER {self.short}_no_{action} BEFORE {action.upper()} ON {self.table}"
                    f" FOR EACH {each} EXECUTE FUNCTION {self.short}_refuse()"
                )
            return
        # SQLite spells it IS NOT.
        changed = changed.replace("IS DISTINCT FROM", "IS NOT")
        refuse = f"BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
        yield f"CREATE TRIGGER {self.short}_no_update BEFORE UPDATE ON {self.table} WHEN {changed} {refuse}"
        yield f"CREATE TRIGGER {self.short}_no_delete BEFORE DELETE ON {self.table} {refuse}"

    def remove(self, vendor: str) -> Iterator[str]:
        if vendor == "postgresql":
            for action in ("update", "delete", "truncate"):
                yield f"DROP TRIGGER IF EXISTS {self.short}_no_{action} ON {self.table}"
            yield f"DROP FUNCTION IF EXISTS {self.short}_refuse()"
            return
        for action in ("update", "delete"):
            yield f"DROP TRIGGER IF EXISTS {self.short}_no_{action}"


@dataclass(frozen=True)
class Bell:
    """NOTIFY once a transaction has added rows to a table, told when it commits. number: unlike any other bell's.

    PostgreSQL lets one transaction at a time commit with a NOTIFY, disk and all. So only one of those that are under
    way at a moment rings: the others would wait for it, and whoever is woken by it looks once more shortly after.
    """

    table: str
    short: str
    topic: str
    number: int

    def install(self, vendor: str) -> Iterator[str]:
        if vendor != "postgresql":
            return
        yield (
            f"CREATE OR REPLACE FUNCTION {self.short}_ring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF pg_try_advisory_xact_lock({_RINGING}, {self.number}) THEN"
            f" PERFORM pg_notify('{CHANNEL}', '{self.topic}'); END IF; RETURN NULL; END $$"
        )
        yield (
            f"CREATE TRIGGER {self.short}_ring AFTER INSERT ON {self.table} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {self.short}_ring()"
        )

    def remove(self, vendor: str) -> Iterator[str]:
        if vendor == "postgresql":
            yield f"DROP TRIGGER IF EXISTS {self.short}_ring ON {self.table}"
            yield f"DROP FUNCTION IF EXISTS {self.short}_ring()"


_DOCUMENT = ("id", "code", "version", "label", "spec", "source", "published_at", "published_by_id")
GUARDS = (
    Guard(
        "workflows_event",
        "wf_event",
        (
            "id", "case_id", "seq", "name", "transition", "actor_id", "unit_id", "source", "target", "data",
            "happened_at", "recorded_at", "key", "digest",
        ),
        "办理日志只能追加，不能修改或删除",
    ),
    Guard("workflows_definition", "wf_definition", _DOCUMENT, "已发布的流程不能修改或删除，请发布新版本"),
    Guard("workflows_policyversion", "wf_policy", _DOCUMENT, "已发布的时限规则不能修改或删除，请发布新版本"),
    Guard("workflows_calendarversion", "wf_calendar", _DOCUMENT, "已发布的工作日历不能修改或删除，请发布新版本"),
)  # fmt: skip
LADDER_GUARDS = (
    Guard("workflows_ladderversion", "wf_ladder", _DOCUMENT, "已发布的催督阶梯不能修改或删除，请发布新版本"),
)
APPROVAL_GUARDS = (
    Guard(
        "workflows_approvalrules",
        "wf_approvalrules",
        _DOCUMENT,
        "已发布的审批层级不能修改或删除，请发布新版本",
    ),
)
# Every change of a clock comes with an event, so that this one bell wakes the sweep, too.
EVENT_BELL = Bell("workflows_event", "wf_event", "event", 1)


def install(schema_editor: BaseDatabaseSchemaEditor, guards: Sequence[Trigger] = GUARDS) -> None:
    for guard in guards:
        for statement in guard.install(schema_editor.connection.vendor):
            schema_editor.execute(statement)


def remove(schema_editor: BaseDatabaseSchemaEditor, guards: Sequence[Trigger] = GUARDS) -> None:
    for guard in guards:
        for statement in guard.remove(schema_editor.connection.vendor):
            schema_editor.execute(statement)
