"""Labels a file uses, turned into codes of our lists; what a list does not know is reported, never guessed."""

from __future__ import annotations

from collections.abc import Iterator

from opinion.intake.headers import HeaderMapping
from opinion.intake.problems import RowProblem
from opinion.intake.rows import ParsedRow
from opinion.models import Code

LISTS = {"type": "类型", "domain": "领域", "urgency": "紧急程度"}
"""Field of a row → name of its code list, which the list shares."""


class LabelCodes:
    """The active codes of the three lists, by label and by code. Read once; an import sees one state of them."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {name: {} for name in LISTS}
        for found in Code.objects.filter(list__in=LISTS, active=True):
            self._codes[found.list][found.code.casefold()] = found.code
            self._codes[found.list][found.label] = found.code

    def of(self, row: ParsedRow) -> dict[str, str]:
        """type, domain, urgency as codes; empty where the row says nothing or nothing we know."""
        return {
            name: codes.get(label, codes.get(label.casefold(), "")) if (label := getattr(row, name)) else ""
            for name, codes in self._codes.items()
        }

    def unknown(self, row: ParsedRow, codes: dict[str, str], mapping: HeaderMapping) -> Iterator[RowProblem]:
        """A warning for each label that no list knows. It quotes no cell: cells can name people."""
        for name, label in LISTS.items():
            if getattr(row, name) and not codes[name]:
                reason = f"这个{label}不在代码表中，{label}留空登记；请改用代码表中的名称，或先在代码表中增加"
                yield RowProblem(row.row_number, mapping.heading_of(name), name, "warning", reason)
