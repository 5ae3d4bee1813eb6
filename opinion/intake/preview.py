"""What a file looks like before it is imported: columns, the first rows with identities masked, first problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.files import File
from django.utils import timezone

from opinion.contacts.masking import mask_address, mask_email, mask_name, mask_phone
from opinion.intake.fields import FIELDS_BY_NAME
from opinion.intake.headers import HeaderMapping, map_headers
from opinion.intake.labels import LabelCodes
from opinion.intake.problems import RowProblem
from opinion.intake.rows import ParsedRow, read_messages
from opinion.intake.sheets import Sheet, open_sheet

ROWS = 20
_LOOKED_AT = 500
_PROBLEMS = 200
_CELL = 200


@dataclass(frozen=True)
class PreviewRow:
    """One message as it would be registered: field → text, identities masked, long texts cut."""

    row_number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Preview:
    """mapping: which column each field is read from. fields: (name, label) of the fields read, in the file's order.

    rows: the first 20 messages. problems: of the file and of the rows looked at (the first 500). row_count: rows with
    content in the whole file. usable: whether it can be imported with this mapping.
    """

    mapping: HeaderMapping
    fields: tuple[tuple[str, str], ...]
    rows: tuple[PreviewRow, ...]
    problems: tuple[RowProblem, ...]
    row_count: int
    looked_at: int
    sheet_name: str
    other_sheets: tuple[str, ...]

    @property
    def usable(self) -> bool:
        return self.mapping.usable

    @property
    def missing(self) -> list[str]:
        """Labels of required columns the file lacks."""
        return [FIELDS_BY_NAME[name].label for name in self.mapping.missing_required]


def preview_sheet(sheet: Sheet, overrides: Mapping[str, str | int], *, at: datetime) -> Preview:
    """Read the head of the sheet. Raises UnknownHeading for an override that names no column."""
    mapping = map_headers(sheet.headers, overrides)
    rows: list[PreviewRow] = []
    problems: list[RowProblem] = []
    looked_at = 0
    names = sorted(mapping.columns, key=lambda name: mapping.columns[name])
    if mapping.usable:
        labels = LabelCodes()
        for item in read_messages(sheet, mapping, at=at):
            if isinstance(item, RowProblem):
                problems.append(item)
                continue
            looked_at += 1
            problems += [*item.problems, *labels.unknown(item, labels.of(item), mapping)]
            if len(rows) < ROWS:
                rows.append(PreviewRow(item.row_number, {name: _shown(item, name) for name in names}))
            if looked_at == _LOOKED_AT or len(problems) >= _PROBLEMS:
                break
    return Preview(
        mapping=mapping,
        fields=tuple((name, FIELDS_BY_NAME[name].label) for name in names),
        rows=tuple(rows),
        problems=tuple(problems[:_PROBLEMS]),
        row_count=sheet.row_count,
        looked_at=looked_at,
        sheet_name=sheet.sheet_name,
        other_sheets=sheet.other_sheets,
    )


def _shown(row: ParsedRow, name: str) -> str:
    value = getattr(row, name)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "是" if value else "否"
    mask = {"author": mask_name, "phone": mask_phone, "address": mask_address, "email": mask_email}.get(name)
    text = mask(str(value)) if mask else str(value)
    return text if len(text) <= _CELL else text[:_CELL] + "…"


@contextmanager
def stored_sheet(stored: File[bytes]) -> Iterator[Sheet]:
    """Open a file of Django's storage, by its path where it has one. Raises SheetRefused."""
    try:
        path = Path(stored.path)  # type: ignore[attr-defined]  # only stored files have one
    except NotImplementedError:
        # A storage elsewhere: bring it here first.
        with NamedTemporaryFile() as local:
            for part in stored.chunks():
                local.write(part)
            local.flush()
            with open_sheet(Path(local.name)) as sheet:
                yield sheet
        return
    with open_sheet(path) as sheet:
        yield sheet
