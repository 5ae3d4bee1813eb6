"""What a cell can be once a file of any kind has been read."""

from collections.abc import Sequence
from datetime import datetime


class FlawedCell(str):
    """A cell whose content cannot be trusted (error value, over-long, digits lost).

    Behaves as the text that could be saved; `reason` says in Chinese what is wrong and how to fix it.
    """

    reason: str
    __slots__ = ("reason",)

    def __new__(cls, text: str, reason: str) -> "FlawedCell":
        cell = super().__new__(cls, text)
        cell.reason = reason
        return cell


Cell = str | datetime | None
"""Text, a real date cell (naive, as Excel stores it), or nothing. Text is not cleaned yet."""

Row = tuple[Cell, ...]
NumberedRow = tuple[int, Row]
"""Row number as a spreadsheet program shows it (from 1), and the cells."""


def overlong(text: str, max_characters: int) -> FlawedCell:
    """The start of a text that exceeds the limit, marked so that its row is reported."""
    return FlawedCell(text[:100], f"单元格超过 {max_characters} 字，请删减或改用附件")


def flag_overlong(cells: Sequence[str | None], max_characters: int) -> Row:
    """The same row with every over-long cell replaced by its marked beginning."""
    return tuple(
        overlong(cell, max_characters) if cell is not None and len(cell) > max_characters else cell
        for cell in cells
    )
