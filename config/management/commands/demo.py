"""manage.py demo: a made-up county on one machine, or with DEMO_CHECK=1 a drive through it that ends by itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from config.env import BASE_DIR
from opinion.demo.county import PASSWORD, build, logins
from opinion.demo.journey import drive
from opinion.demo.lives import populate
from opinion.demo.visitor import VisitFailed, Visitor
from workflows.models import Case, Unit, User

HOST = "127.0.0.1"
START_SECONDS = 60


class Command(BaseCommand):
    help = "启动演示：虚构的县、单位、人员和 200 件留言；DEMO_CHECK=1 时自动走完一件后退出"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT", "8000")), help="端口，默认 8000"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENV.production:
            raise CommandError("生产环境（HUIYIN_ENV=production）不能运行演示，以免混入虚构数据")
        checking = os.environ.get("DEMO_CHECK") == "1"
        port = _free_port() if checking else options["port"]
        if not checking and not _is_free(port):
            raise CommandError(f"端口 {port} 已被占用，请先停用占用它的程序，或改用 PORT=8001 make demo")
        self._prepare()
        with _running(port) as processes:
            self._introduce(port)
            if checking:
                self._drive(port)
            else:
                self._stay(processes)

    def _prepare(self) -> None:
        self.stdout.write("正在准备数据库……")
        call_command("migrate", verbosity=0)
        if Unit.objects.filter(code="tousu").exists():
            self.stdout.write("沿用上次的演示数据（要重新开始，请删除演示数据目录）。")
            return
        if Case.objects.exists() or User.objects.filter(is_system=False).exists():
            raise CommandError(
                f"数据库 {connection.settings_dict['NAME']} 已有数据，演示只在空库上进行，请另设 HUIYIN_VAR 或 DATABASE_URL"
            )
        self.stdout.write("正在虚构一个县和 200 件留言（约半分钟）……")
        with transaction.atomic():
            populate(build(), at=timezone.now())

    def _introduce(self, port: int) -> None:
        self.stdout.write(f"\n回音 Huiyin 演示：http://{HOST}:{port}\n所有账号的密码：{PASSWORD}\n")
        for login in logins():
            self.stdout.write(f"  {login.username:<20} {login.name}")
        self.stdout.write("\n时限检查等定时工作已启动。\n")

    def _stay(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self.stdout.write("按 Ctrl+C 停止。")
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        raise CommandError("有进程意外退出，演示已停止，请查看上方的错误信息")

    def _drive(self, port: int) -> None:
        try:
            drive(f"http://{HOST}:{port}", self.stdout.write)
        except VisitFailed as failed:
            raise CommandError(f"演示检查未通过：{failed}") from failed
        call_command("verify_log", stdout=self.stdout)
        self.stdout.write(self.style.SUCCESS("演示检查通过。"))


@contextmanager
def _running(port: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The web server and the ticker, ended together."""
    signal.signal(signal.SIGTERM, _interrupt)
    connection.close()
    manage = [sys.executable, str(BASE_DIR / "manage.py")]
    serve = [
        sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"{HOST}:{port}", "--threads", "8",
        "--log-level", "warning", "--chdir", str(BASE_DIR),
    ]  # fmt: skip
    environment = {"HUIYIN_BASE_URL": f"http://{HOST}:{port}", **os.environ}
    processes = [subprocess.Popen(command, env=environment) for command in (serve, [*manage, "ticker"])]  # noqa: S603  # our own programs
    try:
        _wait_until_up(port, processes[0])
        yield processes
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _wait_until_up(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if not _is_free(port):
            Visitor(f"http://{HOST}:{port}").get("/healthz")
            return
        time.sleep(0.2)
    raise CommandError("网页服务没有启动，请查看上方的错误信息")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
