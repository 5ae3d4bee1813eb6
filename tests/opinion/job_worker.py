"""A process that works on jobs, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from tests.architecture.project_files import ROOT
from tests.faults.killing import database_url


def start_worker(script: str, tmp_path: Path) -> subprocess.Popen[str]:
    """Runs `script` on this test's database, with its files in `tmp_path`."""
    var = tmp_path / "var"
    var.mkdir(exist_ok=True)
    if not (var / "files").is_symlink():
        (var / "files").symlink_to(tmp_path / "files")
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "HUIYIN_VAR": str(var),
        "HUIYIN_CONTACT_KEYS": settings.HUIYIN_CONTACT_KEYS,
        "HUIYIN_INDEX_KEY": settings.HUIYIN_INDEX_KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def kill_once(process: subprocess.Popen[str], far: Callable[[], bool]) -> None:
    """SIGKILL as soon as the work is so far, which it must be within a minute."""
    deadline = time.monotonic() + 60
    while not far():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
