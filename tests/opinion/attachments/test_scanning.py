"""The virus scanner: a verdict is followed, and no verdict is a refusal."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from opinion.attachments.scanning import scanner
from opinion.models import Upload
from tests.factories.world import World, photo
from tests.opinion.attachments.making import refusal
from workflows.models import Case

DOWN = "暂时不能上传：查毒服务没有应答，请稍后再试或联系系统管理员"
BAD = "没有通过查毒，已拒收，请检查来源设备"


@pytest.fixture
def case(county: World, at: datetime) -> Case:
    return county.walk("handling", at)


def _read(line: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (part := line.recv(count - len(got))):
        got += part
    return got


@pytest.fixture
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], str]]:
    """Starts a clamd that says the same of every file; returns its address."""
    server = socket.socket(socket.AF_UNIX)
    path = tmp_path_factory.mktemp("clamd") / "s"

    def start(verdict: bytes) -> str:
        server.bind(str(path))
        server.listen()

        def answer() -> None:
            line, _ = server.accept()
            with line:
                assert _read(line, 10) == b"zINSTREAM\0"
                while size := struct.unpack("!I", _read(line, 4))[0]:
                    assert len(_read(line, size)) == size
                line.sendall(verdict)

        threading.Thread(target=answer, daemon=True).start()
        return f"clamd:{path}"

    yield start
    server.close()


@pytest.mark.parametrize(
    ("verdict", "said"),
    [(b"stream: OK\0", ""), (b"stream: Eicar-Test FOUND\0", BAD), (b"INSTREAM size limit exceeded. ERROR\0", DOWN), (b"", DOWN)],
)  # fmt: skip
def test_clamd_decides(
    county: World, case: Case, at: datetime, settings: Any, clamd: Any, verdict: bytes, said: str
):
    settings.HUIYIN_SCAN = clamd(verdict)
    assert refusal(county, case, "a.jpg", photo(), at) == said
    assert Upload.objects.exists() == (said == "")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'cat >/dev/null'", ""),
        ("sh -c 'cat >/dev/null; exit 1'", BAD),
        ("sh -c 'cat >/dev/null; exit 2'", DOWN),
        ("/no/such/scanner", DOWN),
    ],
)
def test_command_decides(county: World, case: Case, at: datetime, settings: Any, command: str, said: str):
    settings.HUIYIN_SCAN = f"command:{command}"
    assert refusal(county, case, "a.jpg", photo(), at) == said


def test_scanner_that_is_not_there_lets_nothing_through(
    county: World, case: Case, at: datetime, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    settings.HUIYIN_SCAN = f"clamd:{tmp_path}/nobody"
    assert refusal(county, case, "何晓枫.jpg", photo(), at) == DOWN
    assert "何晓枫" not in caplog.text
    assert not Upload.objects.exists()


def test_scanner_is_named_for_the_health_page(settings: Any):
    assert scanner() == ""
    settings.HUIYIN_SCAN = "clamd:/run/clamav/clamd.ctl"
    assert scanner() == "clamd（/run/clamav/clamd.ctl）"
    settings.HUIYIN_SCAN = "command:clamdscan --no-summary -"
    assert scanner() == "命令（clamdscan）"
