"""What can be measured, by name."""

from __future__ import annotations

from typing import Protocol

from bench import board, days, files, moving, redating, signing, sweeping, waking
from bench.timing import Table


class Subject(Protocol):
    """Measures on the default database. quick: a rough answer within seconds."""

    def __call__(self, *, quick: bool) -> list[Table]: ...


SUBJECTS: dict[str, Subject] = {
    "fire": moving.fire_one,
    "batch": moving.batch,
    "files": files.in_and_out,
    "days": days.adding,
    "sweep": sweeping.among_a_million,
    "sweep_sizes": sweeping.by_size,
    "redating": redating.running,
    "board": board.supervising,
    "signing": signing.signing,
    "waking": waking.due_to_notice,
}
