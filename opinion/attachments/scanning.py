"""The virus scanner that a county has, if any: clamd, or any command that reads a file from its input.

Where one is set and does not answer, nothing is taken: a scanner that is switched off by its own failure is none.
"""

from __future__ import annotations

import logging
import shlex
import socket
import struct
import subprocess
from typing import IO

from django.conf import settings

from opinion.attachments.kinds import FileRefused

logger = logging.getLogger("huiyin.scan")

CHUNK = 64 * 1024
SECONDS = 30
CLAMD, COMMAND = "clamd:", "command:"


class ScannerDown(FileRefused):
    """Nobody can say whether the file is clean."""

    def __init__(self) -> None:
        super().__init__("暂时不能上传：查毒服务没有应答，请稍后再试或联系系统管理员")


def scanner() -> str:
    """What files are scanned by, in words; empty where by nothing."""
    said: str = settings.HUIYIN_SCAN
    if said.startswith(CLAMD):
        return f"clamd（{said.removeprefix(CLAMD)}）"
    return f"命令（{shlex.split(said.removeprefix(COMMAND))[0]}）" if said else ""


def scan(stream: IO[bytes]) -> None:
    """Raises FileRefused for a file found bad, ScannerDown where the scanner gave no verdict."""
    said: str = settings.HUIYIN_SCAN
    if not said:
        return
    stream.seek(0)
    try:
        bad = (
            _clamd(stream, said.removeprefix(CLAMD))
            if said.startswith(CLAMD)
            else _command(stream, said.removeprefix(COMMAND))
        )
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        # By its type alone: what it says may hold more than belongs in a log.
        logger.error("scanner gave no verdict: %s", type(error).__name__)
        raise ScannerDown from error
    finally:
        stream.seek(0)
    if bad:
        raise FileRefused("没有通过查毒，已拒收，请检查来源设备")


def _command(stream: IO[bytes], line: str) -> bool:
    """Exit code 0: clean, 1: bad, as clamdscan and others have it; anything else is no verdict."""
    done = subprocess.run(  # noqa: S603  # the administrator's own command, no part of it from a request
        shlex.split(line), input=stream.read(), capture_output=True, timeout=SECONDS, check=False
    )
    if done.returncode not in {0, 1}:
        raise ValueError(done.returncode)
    return done.returncode == 1


def _clamd(stream: IO[bytes], address: str) -> bool:
    """INSTREAM of clamd's protocol: length and bytes of each chunk, zero to end."""
    with _connected(address) as line:
        line.sendall(b"zINSTREAM\0")
        while chunk := stream.read(CHUNK):
            line.sendall(struct.pack("!I", len(chunk)) + chunk)
        line.sendall(struct.pack("!I", 0))
        answer = b""
        while part := line.recv(1024):
            answer += part
    verdict = answer.rstrip(b"\0\n ")
    if verdict.endswith(b"FOUND"):
        return True
    if verdict != b"stream: OK":
        raise ValueError("clamd")
    return False


def _connected(address: str) -> socket.socket:
    """A path, or host:port."""
    if address.startswith("/"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(SECONDS)
        try:
            line.connect(address)
        except OSError:
            line.close()
            raise
        return line
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=SECONDS)
