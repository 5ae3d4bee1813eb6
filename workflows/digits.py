"""Whole numbers as browsers send them: ids of rows and numbers of pages, from whoever likes to make them up."""

from __future__ import annotations

# Fits every id column, with room to spare.
MOST = 18


def digits(text: str, most: int = MOST) -> int | None:
    """The number written with 1 to `most` ASCII digits; None for anything else."""
    return int(text) if len(text) <= most and text.isascii() and text.isdecimal() else None
