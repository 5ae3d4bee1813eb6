"""LISTEN: hearing from PostgreSQL that there is something to do, on a connection of its own.

Only ever a reason to look sooner. What is not heard, while the connection is down or through a pooler that knows no
LISTEN, is found by whoever looks every second anyway.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from workflows.triggers import CHANNEL

logger = logging.getLogger("huiyin.ticker")

# How long to wait before a lost connection is tried again: doubled from the first to the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# How often a quiet connection is asked whether it is still there, and a busy one whether to stop.
HEARTBEAT_SECONDS, LOOK_UP_SECONDS = 10.0, 0.5


def can_listen() -> bool:
    return connections[DEFAULT_DB_ALIAS].vendor == "postgresql"


def listen(ring: Callable[[str], None], stop: threading.Event, topics: Iterable[str]) -> None:
    """Call `ring(topic)` for what the database says, until told to stop. Never raises for a lost connection.

    Every (re)connection rings for all topics: something may have been said before.
    """
    failures = 0
    while not stop.is_set():
        wrapper = connections.create_connection(DEFAULT_DB_ALIAS)
        try:
            wrapper.connect()
            wrapper.connection.execute(f"LISTEN {CHANNEL}")
            if failures:
                logger.info("已重新连上数据库，恢复即时唤醒")
            failures = 0
            for topic in topics:
                ring(topic)
            _hear(wrapper.connection, ring, stop)
        except (psycopg.Error, DatabaseError) as lost:
            pause = min(FIRST_PAUSE * 2.0**failures, LONGEST_PAUSE)
            failures = min(failures + 1, 16)
            logger.warning("与数据库的唤醒连接中断，%.1f 秒后重连（其间按周期检查）：%s", pause, lost)
            stop.wait(pause)
        finally:
            wrapper.close()


def _hear(connection: Any, ring: Callable[[str], None], stop: threading.Event) -> None:
    quiet = 0.0
    while not stop.is_set():
        heard = False
        for notice in connection.notifies(timeout=LOOK_UP_SECONDS):
            heard = True
            ring(notice.payload)
            if stop.is_set():
                return
        quiet = 0.0 if heard else quiet + LOOK_UP_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            connection.execute("SELECT 1")
            quiet = 0.0
