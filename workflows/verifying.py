"""Does the log still say what it said? Every chain recomputed, in constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Exists, F, Func, OuterRef, Subquery

from workflows import chain
from workflows.models import Case, Event, Note
from workflows.models.case import CaseQuerySet

CHUNK = 2000
# A log full of holes needs no longer list than this.
MOST_PROBLEMS = 50

_CASE = ("id", "number", "rev", "head")
# In the order the digest takes them, then the digest itself.
_EVENT = (
    "case_id", "seq", "name", "transition", "actor_id", "unit_id", "source", "target", "data", "happened_at",
    "recorded_at", "key", "digest",
)  # fmt: skip
_FIRST, _SEQ, _RECORDED = len(_CASE), 1, 10


class MomentText(Func):
    """`chain.moment_text` in SQL: a third faster than to parse every moment and print it again."""

    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Stored as text in UTC, with or without a fraction of a second.
        template = (
            "substr(%(expressions)s, 1, 10) || 'T' || substr(%(expressions)s, 12, 8)"
            " || '.' || substr(substr(%(expressions)s, 21) || '000000', 1, 6) || '+00:00'"
        )
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True)
class Problem:
    """The first thing wrong with a case's log. seq: the event where it shows."""

    number: str
    seq: int
    reason: str

    def __str__(self) -> str:
        return f"{self.number} 第 {self.seq} 条：{self.reason}"


@dataclass
class Report:
    """What was checked. problems: the first of each bad case, at most `MOST_PROBLEMS`; bad: how many there are.

    anchor: one digest over all heads as they were at `as_of`: written down elsewhere, it shows later whether
    anything recorded before that moment was changed, even by someone who rewrote whole chains.
    """

    cases: int = 0
    events: int = 0
    notes: int = 0
    anchor: str = ""
    problems: list[Problem] = field(default_factory=list)
    _bad: set[str] = field(default_factory=set)

    @property
    def bad(self) -> int:
        return len(self._bad)

    def add(self, problem: Problem) -> None:
        """Take it up, unless something earlier is known of its case."""
        if problem.number not in self._bad and len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        self._bad.add(problem.number)


def verify(*, as_of: datetime, number: str | None = None) -> Report:
    """Check every case, or the one with this number. Raises Case.DoesNotExist for a number there is not."""
    cases = Case.objects.all()
    if number is not None:
        cases = cases.filter(pk=Case.objects.get(number=number).pk)
    # Inside a transaction PostgreSQL's cursor streams; outside it would be stored whole at COMMIT. On SQLite, where
    # statements stream anyway, a transaction would lock writers out.
    with transaction.atomic() if connection.vendor == "postgresql" else nullcontext():
        return _verify(cases, as_of, number)


def _verify(cases: CaseQuerySet, as_of: datetime, number: str | None) -> Report:
    report, anchor = Report(), hashlib.sha256()
    # One statement, hence one snapshot: a case and its events are seen at the same moment.
    rows = cases.order_by("id", "events__seq").values_list(*_CASE, *(_column(name) for name in _EVENT))
    for (case_id, *case), events in groupby(rows.iterator(chunk_size=CHUNK), key=itemgetter(*range(_FIRST))):
        report.cases += 1
        _verify_case(report, anchor, (case_id, *case), events, chain.moment_text(as_of))
    _verify_notes(report, number)
    if number is None:
        _find_strays(report)
    report.anchor = f"sha256:{anchor.hexdigest()}"
    return report


def _column(name: str) -> Any:
    return MomentText(F(f"events__{name}")) if name.endswith("_at") else F(f"events__{name}")


def _verify_case(
    report: Report, anchor: Any, case: tuple[Any, ...], events: Iterable[tuple[Any, ...]], as_of: str
) -> None:
    _, number, rev, head = case
    before, last, noted = "", 0, (0, "")
    problem: Problem | None = None
    for whole in events:
        row = whole[_FIRST:]
        if row[_SEQ] is None:  # the outer join of a case that has no event left
            break
        report.events += 1
        if problem is None:
            reason = _wrong(row, before, last)
            problem = (
                Problem(number, row[_SEQ] if row[_SEQ] == last + 1 else last + 1, reason) if reason else None
            )
        before, last = row[-1], row[_SEQ]
        if row[_RECORDED] <= as_of:
            noted = (last, before)
    if problem is None and last != rev:
        problem = Problem(
            number, min(last, rev) + 1, f"案件记有 {rev} 条，日志只有 {last} 条，末尾有缺失或多余"
        )
    elif problem is None and before != head:
        problem = Problem(number, last, "案件上的链首与最后一条的摘要不符")
    if problem:
        report.add(problem)
    if noted[0]:
        anchor.update(f"{number} {noted[0]} {noted[1]}\n".encode())


def _wrong(row: tuple[Any, ...], before: str, last: int) -> str | None:
    """What is wrong with an event that follows `last`, whose digest is `before`."""
    if row[_SEQ] != last + 1:
        return f"序号应为 {last + 1}，实为 {row[_SEQ]}，中间有缺失"
    hash_name, _, _ = row[-1].partition(":")
    if reason := chain.unreadable(hash_name):
        return reason
    return None if chain.chained(list(row[:-1]), before, hash_name) == row[-1] else "内容与摘要不符，已被改动"


def _verify_notes(report: Report, number: str | None) -> None:
    """Texts kept beside the log: each is the one its event names. Erased ones, emptied or gone, are allowed."""
    event = Event.objects.filter(case=OuterRef("case"), seq=OuterRef("seq"))
    notes = Note.objects.annotate(said=Subquery(event.values("data")[:1]), number=F("case__number"))
    if number is not None:
        notes = notes.filter(case__number=number)
    rows = notes.order_by("case_id", "seq", "kind").values_list("number", "seq", "kind", "text", "said")
    for problem in _note_problems(report, rows.iterator(chunk_size=CHUNK)):
        report.add(problem)


def _note_problems(report: Report, rows: Iterable[tuple[Any, ...]]) -> Iterator[Problem]:
    for number, seq, kind, text, said in rows:
        report.notes += 1
        if said is None:
            yield Problem(number, seq, f"文字“{kind}”没有对应的事件")
        elif text and said.get(kind) != chain.text_digest(text):
            yield Problem(number, seq, f"文字“{kind}”与事件中的摘要不符，已被改动")


def _find_strays(report: Report) -> None:
    """Events of a case that is gone: possible only where foreign keys were switched off."""
    gone = Event.objects.filter(~Exists(Case.objects.filter(pk=OuterRef("case_id"))))
    for case_id, seq in gone.order_by("case_id", "seq").values_list("case_id", "seq")[:MOST_PROBLEMS]:
        report.add(Problem(f"案件 {case_id}", seq, "案件已被删除，日志仍在"))
