"""Lengths of time a rule allows: ``15wd``, ``0.5wd``, ``30min``, ``48h``, ``60d``.

A limit only says how much; ``workflows.calendars`` says until when.
"""

import enum
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self


class LimitError(ValueError):
    """A limit that cannot be read; the message (Chinese) names the text and the accepted forms."""


class LimitUnit(enum.Enum):
    """The value is the suffix in documents and on the command line."""

    WORKING_DAY = "wd"
    WORKING_MINUTE = "min"
    HOUR = "h"
    DAY = "d"


LABELS = {
    LimitUnit.WORKING_DAY: "个工作日",
    LimitUnit.WORKING_MINUTE: "工作分钟",
    LimitUnit.HOUR: "小时",
    LimitUnit.DAY: "个自然日",
}
ACCEPTED = "写成 15wd（工作日）、0.5wd（半个工作日）、30min（工作分钟）、48h（小时）或 60d（自然日）"
LARGEST = Decimal(999_999)
DECIMALS = 4
"""Four decimals keep every fraction of an hour or of a working day exact in microseconds."""

_FORM = re.compile(r"(\d{1,6}(?:\.\d{1,4})?)(wd|min|h|d)", re.ASCII)
_WHOLE_ONLY = {LimitUnit.WORKING_MINUTE, LimitUnit.DAY}


@dataclass(frozen=True, slots=True)
class Limit:
    """How much time a rule allows: ``0 < amount <= 999999``, at most four decimals.

    ``min`` and ``d`` are whole numbers. ``whole_days`` is the number of working days when the limit is a
    whole number of them, else 0: the calendar's fast path reads it instead of the Decimal.
    Raises LimitError.
    """

    amount: Decimal
    unit: LimitUnit
    whole_days: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or not 0 < self.amount <= LARGEST:
            raise LimitError(f"期限“{self.amount}{self.unit.value}”应大于 0 且不超过 {LARGEST}；{ACCEPTED}。")
        if self.amount != round(self.amount, DECIMALS):
            raise LimitError(f"期限“{self.amount}{self.unit.value}”最多 {DECIMALS} 位小数；{ACCEPTED}。")
        whole = self.amount == self.amount.to_integral_value()
        if self.unit in _WHOLE_ONLY and not whole:
            raise LimitError(f"期限“{self.amount}{self.unit.value}”应为整数；{ACCEPTED}。")
        days = int(self.amount) if whole and self.unit is LimitUnit.WORKING_DAY else 0
        object.__setattr__(self, "whole_days", days)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a limit as documents and the command line write it. Raises LimitError."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise LimitError(f"看不懂期限“{text}”；{ACCEPTED}。")
        return cls(Decimal(match[1]), LimitUnit(match[2]))

    def __str__(self) -> str:
        return f"{self._plain()}{self.unit.value}"

    @property
    def label(self) -> str:
        """As people read it: ``15个工作日``."""
        return f"{self._plain()}{LABELS[self.unit]}"

    def _plain(self) -> str:
        """The amount without exponent or trailing zeros: 15.0 and 1.5E+1 both read 15."""
        text = format(self.amount, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
