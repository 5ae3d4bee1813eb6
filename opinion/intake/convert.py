"""Have a workbook parsed in a process that may die, and get its rows back as plain lines."""

import json
import logging
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from opinion.intake.cells import Cell, FlawedCell, NumberedRow
from opinion.intake.limits import ReadLimits, SheetRefused

logger = logging.getLogger(__name__)

_ROOT = str(Path(__file__).resolve().parents[2])
_WORKER = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from opinion.intake.workbook import main; sys.exit(main(sys.argv[1:]))"
)


@dataclass(frozen=True, slots=True)
class ConvertedWorkbook:
    """Rows of one sheet, in a nameless temporary file that goes when `spool` is closed."""

    spool: IO[str]
    sheet_name: str
    other_sheets: tuple[str, ...]
    """Visible sheets that were not read."""
    row_count: int

    def close(self) -> None:
        """Let go of the file."""
        self.spool.close()

    def rows(self) -> Iterator[NumberedRow]:
        """From the top again each time; one iterator at a time, they share the file position."""
        self.spool.seek(0)
        for line in self.spool:
            number, cells = json.loads(line)
            yield number, tuple([c if c is None or c.__class__ is str else _thaw(c) for c in cells])


def _thaw(cell: list[str]) -> Cell:
    if cell[0] == "d":
        return datetime.fromisoformat(cell[1])
    return FlawedCell(cell[1], cell[2])


def convert_workbook(path: Path, limits: ReadLimits, sheet_name: str | None) -> ConvertedWorkbook:
    """Parse an xlsx or xls completely, in a separate process under `limits`.

    Raises SheetRefused: what the worker found wrong, or too_heavy (time, memory) or damaged (crash).
    """
    spool = tempfile.TemporaryFile(  # noqa: SIM115 -- lives as long as the rows are wanted
        "w+", encoding="utf-8", newline="\n", prefix="intake-"
    )
    try:
        outcome = _run_worker(path, limits, sheet_name or "", spool.fileno())
        refused = outcome.get("refused")
        if refused:
            raise SheetRefused(*refused)
        return ConvertedWorkbook(spool, outcome["sheet"], tuple(outcome["others"]), outcome["rows"])
    except BaseException:
        spool.close()
        raise


def _run_worker(path: Path, limits: ReadLimits, sheet_name: str, descriptor: int) -> dict[str, Any]:
    # -I: no environment, no current directory, no user packages. The file is passed as an absolute path
    # after the program, where no name can be taken for an option.
    command = [sys.executable, "-I", "-X", "utf8", "-c", _WORKER, _ROOT]
    command += [str(path.resolve()), json.dumps(asdict(limits)), sheet_name, str(descriptor)]
    try:
        ended = subprocess.run(  # noqa: S603 -- our own interpreter and program; only data comes from outside
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=(descriptor,),
            timeout=limits.wall_seconds,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_heavy("时间") from error
    if ended.returncode == 0:
        outcome: dict[str, Any] = json.loads(ended.stdout)
        return outcome
    said = ended.stderr.decode("utf-8", "replace")
    # What a parser says when it fails can quote the file, and logs must not name people.
    logger.warning("workbook worker ended with status %s", ended.returncode)
    if ended.returncode == -signal.SIGXCPU:
        raise _too_heavy("时间")
    if "MemoryError" in said or "memory allocation" in said or ended.returncode == -signal.SIGKILL:
        raise _too_heavy("内存")
    raise SheetRefused("damaged", "读取工作簿的程序中途出错，文件可能已损坏，请另存为 .csv 后再上传")


def _too_heavy(what: str) -> SheetRefused:
    return SheetRefused("too_heavy", f"读取文件用的{what}超过上限，请拆分成几个文件，或另存为 .csv 后再上传")
