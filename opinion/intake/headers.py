"""Find the header row of a sheet and say which column holds what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opinion.intake.cells import Cell, NumberedRow
from opinion.intake.fields import EXPECTED, FIELDS, FIELDS_BY_NAME, REQUIRED, normalise_heading

_Rank = tuple[str, int]


def _synonym_ranks() -> dict[str, _Rank]:
    """Normalised heading → (field, rank); rank 0 is the best name of the field."""
    ranks: dict[str, _Rank] = {}
    for field in FIELDS:
        for rank, synonym in enumerate((field.label, *field.synonyms, field.name)):
            known = ranks.setdefault(normalise_heading(synonym), (field.name, rank))
            if known[0] != field.name:
                raise ValueError(f"heading {synonym} is claimed by {known[0]} and {field.name}")
    return ranks


_RANKS = _synonym_ranks()


class UnknownHeading(ValueError):
    """An override names a field or a column that does not exist; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Several columns fit one field; `headings[0]` was taken."""

    field: str
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeaderMapping:
    """Which column (from 0) each field is read from."""

    headers: tuple[str, ...]
    """As written in the file, without surrounding white space; empty for an untitled column."""
    columns: Mapping[str, int]
    repeats: Mapping[str, tuple[int, ...]]
    """Further columns with the very same heading: rows where they disagree are errors."""
    unknown: tuple[str, ...]
    """Headings that no field is read from, in file order."""
    missing_required: tuple[str, ...]
    missing_expected: tuple[str, ...]
    ambiguous: tuple[Ambiguity, ...]

    @property
    def usable(self) -> bool:
        """Whether rows can be read with this mapping."""
        return not self.missing_required

    def heading_of(self, field: str) -> str:
        """The heading as written, or the field's own label when the file has no such column."""
        column = self.columns.get(field)
        return FIELDS_BY_NAME[field].label if column is None else self.headers[column]


def map_headers(headers: Sequence[str], overrides: Mapping[str, str | int] | None = None) -> HeaderMapping:
    """Match headings to fields by synonym; `overrides` {field: heading or column from 0} win.

    An override with an empty heading leaves the field unread. Raises UnknownHeading.
    """
    written = tuple(heading.strip() for heading in headers)
    forced = _forced_columns(written, overrides or {})
    taken = {column for column in forced.values() if column is not None}
    candidates: dict[str, list[tuple[int, int]]] = {}
    for column, heading in enumerate(written):
        known = _RANKS.get(normalise_heading(heading)) if heading else None
        if known and column not in taken and known[0] not in forced:
            candidates.setdefault(known[0], []).append((known[1], column))
    columns = {field: column for field, column in forced.items() if column is not None}
    repeats: dict[str, tuple[int, ...]] = {}
    ambiguous: list[Ambiguity] = []
    for field, found in candidates.items():
        found.sort()
        rank, column = found[0]
        columns[field] = column
        if len(found) > 1:
            ambiguous.append(Ambiguity(field, tuple(written[other] for _, other in found)))
            same = tuple(other for other_rank, other in found[1:] if other_rank == rank)
            if same:
                repeats[field] = same
    used = set(columns.values()).union(*repeats.values())
    return HeaderMapping(
        headers=written,
        columns=columns,
        repeats=repeats,
        unknown=tuple(h for column, h in enumerate(written) if h and column not in used),
        missing_required=tuple(field for field in REQUIRED if field not in columns),
        missing_expected=tuple(field for field in EXPECTED if field not in columns),
        ambiguous=tuple(ambiguous),
    )


def _forced_columns(written: Sequence[str], overrides: Mapping[str, str | int]) -> dict[str, int | None]:
    forced: dict[str, int | None] = {}
    for field, wanted in overrides.items():
        if field not in FIELDS_BY_NAME:
            raise UnknownHeading(f"没有名为“{field}”的字段，可用的有：{'、'.join(FIELDS_BY_NAME)}")
        forced[field] = _column_of(written, wanted)
    return forced


def _column_of(written: Sequence[str], wanted: str | int) -> int | None:
    if isinstance(wanted, int):
        if 0 <= wanted < len(written):
            return wanted
        raise UnknownHeading(f"没有第 {wanted + 1} 列，文件只有 {len(written)} 列")
    if not wanted.strip():
        return None
    if wanted.strip() in written:
        return written.index(wanted.strip())
    normal = normalise_heading(wanted)
    for column, heading in enumerate(written):
        if normalise_heading(heading) == normal:
            return column
    raise UnknownHeading(f"表头里没有“{wanted}”这一列")


def locate_header(rows: Sequence[NumberedRow]) -> int:
    """Index in `rows` of the header row: the one with the most distinct known fields.

    Title rows and notes name no or one field. If no row names two, the first row with two or more
    filled cells is taken (its columns must then be mapped by hand), else the first row.
    """
    best, best_score = -1, 1
    for index, (_, cells) in enumerate(rows):
        score = len({known[0] for cell in cells if (known := _known(cell))})
        if score > best_score:
            best, best_score = index, score
    if best >= 0:
        return best
    wide = (index for index, (_, cells) in enumerate(rows) if sum(1 for cell in cells if cell) > 1)
    return next(wide, 0)


def _known(cell: Cell) -> _Rank | None:
    # A heading is short; the cells of message rows need not be normalised to know they are none.
    if not isinstance(cell, str) or len(cell) > 40:
        return None
    return _RANKS.get(normalise_heading(cell))
