"""How much of a stranger's file we are willing to read, and the refusal when it asks for more."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds on one uploaded file. Past any of them the whole file is refused, with one exception:
    a cell longer than `max_cell_characters` only spoils its row."""

    max_bytes: int = 50 * MEBIBYTE
    """Size of the file as uploaded."""
    max_uncompressed_bytes: int = 500 * MEBIBYTE
    """Sum of all parts of an xlsx once inflated."""
    max_entries: int = 1000
    """Parts in the zip directory of an xlsx."""
    max_ratio: int = 200
    """Inflated to compressed size of one part; looked at only for parts above 16 MiB."""
    max_rows: int = 500_000
    """Rows with anything in them, title and header included."""
    max_columns: int = 200
    max_cell_characters: int = 50_000
    memory_bytes: int = 1024 * MEBIBYTE
    """Address space of the process that parses a workbook."""
    cpu_seconds: int = 60
    wall_seconds: int = 90


class SheetRefused(Exception):
    """The file as a whole cannot be read; nothing of it has been handed out.

    `code` is stable and for programs; `reason` is one Chinese sentence that names the fix.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return self.reason
