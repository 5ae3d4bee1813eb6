"""The tables, for a terminal and for `docs/benchmarks.md`."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from bench.timing import Figure, Table

PACKAGES = ("Django", "psycopg", "django-fsm-2", "django-viewflow", "holidays", "chinesecalendar")


def machine(server: str) -> str:
    """What the figures were taken on: no more than cores and versions."""
    python = platform.python_version()
    packages = [f"{name} {version(name)}" for name in PACKAGES]
    return f"{os.cpu_count()} cores · Python {python} · {' · '.join([server, *packages])}"


def plain(tables: Sequence[Table]) -> Iterator[str]:
    """Lines for a terminal."""
    for table in tables:
        yield ""
        yield f"{table.title} [{table.database}]"
        for figure in table.figures:
            yield f"  {figure.label:<46}{figure.rate:>12,.0f} {table.unit}  {_ratio(table, figure):>8}  {figure.note}".rstrip()
        for target in table.targets:
            sign = "≤" if target.at_most else "≥"
            met = "met" if target.met else "MISSED"
            yield f"  {target.what}: {target.measured:,.2f} (wanted {sign} {target.wanted:,g}: {met})"


INTRODUCTION = """\
# Figures

Written by `python -m bench --write`; run `make bench` for your own machine. All variants of a table ran in one
process, in turn, over the same tables and connection options, and left the same rows behind (the run checks
that). Figures are medians over the rounds. Machines differ and are noisy: only ratios inside one table hold.
"""
SECTION = "\n## "


def markdown(tables: Sequence[Table], server: str, at: str, before: str = "") -> str:
    """The whole of `docs/benchmarks.md`. before: what stands there; tables not measured now are kept."""
    sections = dict(section.split("\n", 1) for section in before.split(SECTION)[1:])
    for table in tables:
        sections[f"{table.title} ({table.database})"] = _section(table, f"Taken {at}: {machine(server)}.")
    kept = (f"{heading}\n\n{text.strip()}\n" for heading, text in sections.items())
    return SECTION.join([INTRODUCTION, *kept])


def _section(table: Table, taken: str) -> str:
    lines = [f"| variant | {table.unit} | beside ours | |", "|---|---:|---:|---|"]
    lines += [f"| {f.label} | {f.rate:,.0f} | {_ratio(table, f)} | {f.note} |" for f in table.figures]
    for target in table.targets:
        sign = "at most" if target.at_most else "at least"
        met = "met" if target.met else "**missed**"
        lines += ["", f"{target.what}: **{target.measured:,.2f}**, wanted {sign} {target.wanted:,g}: {met}."]
    return "\n".join([*lines, "", taken])


def _ratio(table: Table, figure: Figure) -> str:
    first = table.figures[0]
    return "" if figure is first else f"{first.rate / figure.rate:.2f} ×"
