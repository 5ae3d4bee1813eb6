"""How each kind of value is written: once in Python, once in PostgreSQL's SQL, to the same text.

SQL writes CSV inside the database (`copying`), Python everything else (`writing`); a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum
from typing import Any

from opinion.exports.formula import escape_formula

YES, NO = "是", "否"

# What `escape_formula` does, for PostgreSQL's ~ operator. The two are compared by a test.
FORMULA = "^(?:[\\t\\r\\n]|[ \\t\\r\\n\\f\\v\\u00a0\\u3000\\ufeff\\u200b]*[-=+@＝＋－＠])"


class Kind(Enum):
    """What a value is, hence how it is written."""

    TEXT = "text"
    MOMENT = "moment"
    FLAG = "flag"
    NUMBER = "number"
    LABEL = "label"
    JSON = "json"


@dataclass(frozen=True)
class Column:
    """One column. expression: what the query selects for it. labels: for LABEL, key → text (unknown keys stay)."""

    header: str
    expression: Any
    kind: Kind = Kind.TEXT
    labels: Mapping[str, str] | None = None

    def value(self, raw: Any) -> Any:
        """The value with its meaning: labelled, still typed. Nothing becomes None."""
        if raw is None or raw == "":
            return None
        if self.kind is Kind.LABEL:
            return (self.labels or {}).get(str(raw), str(raw)) or None
        return raw

    def text(self, raw: Any, zone: tzinfo) -> str:
        """As a cell of a CSV file, formula-safe, times local."""
        value = self.value(raw)
        if value is None:
            return ""
        if self.kind is Kind.MOMENT:
            return local_text(value, zone)
        if self.kind is Kind.FLAG:
            return YES if value else NO
        if self.kind is Kind.NUMBER:
            return str(value)
        return escape_formula(value)

    def plain(self, raw: Any, zone: tzinfo) -> Any:
        """As a value of a JSON object."""
        value = self.value(raw)
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat(timespec="seconds")
        if self.kind is Kind.FLAG:
            return bool(value)
        if self.kind is Kind.JSON and value is not None:
            return json.loads(value)
        return value

    def sql(self, name: str, zone: str) -> str:
        """`text` as a PostgreSQL expression over the column `name`; empty becomes NULL, which CSV leaves empty."""
        match self.kind:
            case Kind.MOMENT:
                return f"date_trunc('second', {name} AT TIME ZONE '{zone}')::text"
            case Kind.FLAG:
                return f"CASE WHEN {name} THEN '{YES}' WHEN NOT {name} THEN '{NO}' END"
            case Kind.NUMBER:
                return name
            case Kind.LABEL:
                labels = {key: escape_formula(label) for key, label in (self.labels or {}).items()}
                table = literal(json.dumps(labels, ensure_ascii=False))
                return f"NULLIF(COALESCE({table}::jsonb ->> {name}::text, {_escaped(f'{name}::text')}), '')"
            case _:
                return _escaped(name)


def local_text(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def literal(text: str) -> str:
    """A PostgreSQL string constant; standard_conforming_strings is on by default and psycopg relies on it too."""
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return f"CASE WHEN {text} ~ {literal(FORMULA)} THEN '''' || {text} ELSE NULLIF({text}, '') END"
