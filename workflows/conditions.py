"""Rows that hold for some cases only: what policies and approval documents share.

Rows about one subject (a clock, a quantity, a matter to approve) are tried from the top; the first that fits decides, so a
row without conditions ends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from workflows.documents import Document, Name
from workflows.registry import FACTS


def _codes(value: Any) -> Any:
    return [value] if isinstance(value, str | int) else value


Codes = Annotated[tuple[str, ...], BeforeValidator(_codes), Field(min_length=1)]


class Row(Document):
    """A named row, for cases whose facts fit every entry of `when`."""

    row: Name
    when: dict[Name, Codes] = {}

    def fits(self, facts: Mapping[str, str]) -> bool:
        return all(facts.get(fact) in codes for fact, codes in self.when.items())


R = TypeVar("R", bound=Row)


def by_subject(rows: Iterable[R], subject: Callable[[R], str]) -> dict[str, list[R]]:
    """Subject → its rows in order."""
    found: dict[str, list[R]] = {}
    for row in rows:
        found.setdefault(subject(row), []).append(row)
    return found


def odd_rows(part: str, rows: Sequence[R], subject: Callable[[R], str], names: set[str]) -> Iterable[str]:
    """Names used twice, rows that never come to be asked, facts and codes nobody registered.

    part: of the document, for paths. names: of the rows read before, to which these are added.
    """
    settled: set[str] = set()
    for index, row in enumerate(rows):
        at = f"{part}.{index}"
        if row.row in names:
            yield f"{at}.row: “{row.row}” 重复，请改名"
        names.add(row.row)
        if subject(row) in settled:
            yield f"{at}: {subject(row)} 的兜底条目在它之前，本条永远不会用到，请移到前面"
        if not row.when:
            settled.add(subject(row))
        yield from _unknown_facts(at, row.when)


def _unknown_facts(at: str, when: Mapping[str, Sequence[str]]) -> Iterable[str]:
    for fact, codes in when.items():
        if fact not in FACTS:
            yield f"{at}.when: 案件属性 “{fact}” 未登记；可用的有：{'、'.join(FACTS)}"
            continue
        known = FACTS[fact]()
        for code in codes:
            if code not in known:
                yield f"{at}.when.{fact}: “{code}” 不是可用的代码：{'、'.join(known)}"
