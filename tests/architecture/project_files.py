"""The files of the project as git sees them: tracked, or new and not ignored."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOXES = ("config", "opinion", "notifications", "workflows")


@cache
def project_files() -> tuple[Path, ...]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def texts() -> Iterator[tuple[str, str]]:
    """(path from the root, content) of every text file but the licence, which is not ours to word."""
    for path in project_files():
        if path.name == "LICENSE":
            continue
        raw = path.read_bytes()
        if b"\0" not in raw:
            yield str(path.relative_to(ROOT)), raw.decode("utf-8")


def sources() -> Iterator[tuple[Path, str]]:
    """(path from the root, content) of the product's own Python, migrations left out."""
    for path in project_files():
        relative = path.relative_to(ROOT)
        if path.suffix == ".py" and relative.parts[0] in BOXES and "migrations" not in relative.parts:
            yield relative, path.read_text(encoding="utf-8")
