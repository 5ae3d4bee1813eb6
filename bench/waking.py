"""From the moment a clock is due to the committed notice: how long anybody waits to be told.

Moments are strewn over the round at random, so that polling meets them anywhere in its second. Whoever measures hears
of each notice by the bell of their table; that is part of all the figures.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, connections
from django.utils import timezone

from bench.timing import Figure, Table, Target
from config.schedule import BY_NAME, Periodic
from config.ticking import run_until
from notifications.models import Notice
from opinion.contacts.book import Person
from opinion.demo.county import build
from opinion.registering import register
from workflows.ladders import next_moment
from workflows.models import Case, Clock, Event, Unit, User
from workflows.published import calendar, ladder
from workflows.triggers import CHANNEL

OURS = "ticker: asleep until due, woken by NOTIFY"
PEER = "the same jobs, each polling every second"
RAW = "driver alone: asleep until due, one notice, NOTIFY"
WOKEN: tuple[Periodic, ...] = (BY_NAME["sweep"], BY_NAME["relay"])
POLLING = tuple(replace(job, bells=(), next_path="") for job in WOKEN)
# The first deadlines of a round find cold connections and are not counted.
WARM = 4
LEAD_SECONDS, LATEST_SECONDS = 0.5, 5.0


def due_to_notice(*, quick: bool) -> list[Table]:
    """Nothing to compare on SQLite: it cannot ring, and everything there polls."""
    if connection.vendor != "postgresql":
        return []
    rounds, each, seconds = (1, 20, 4.0) if quick else (4, 64, 16.0)
    people = _county()
    # What other subjects left open comes due when nobody measures it.
    Clock.objects.filter(next_at__isnull=False).update(next_at=None)
    spent: dict[str, list[float]] = {OURS: [], PEER: [], RAW: []}
    for _ in range(rounds):
        spent[OURS] += _ticking(people, WOKEN, each, seconds)
        spent[PEER] += _ticking(people, POLLING, each, seconds)
        spent[RAW] += _raw(each, seconds)
    figures = []
    for label, waits in spent.items():
        p50, p99 = statistics.median(waits) * 1000, _p99(waits) * 1000
        figures.append(Figure(label, 1000 / p99, f"median {p50:,.1f} ms, p99 {p99:,.1f} ms of {len(waits)}"))
    targets = [Target("ms from due to notice, p99", _p99(spent[OURS]) * 1000, 100, at_most=True)]
    return [
        Table(
            title="due → notice, four deadlines a second: one over the 99th percentile of the wait", unit="/s", figures=figures,
            targets=targets,
        )
    ]  # fmt: skip


def _p99(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=100, method="inclusive")[98]


def _county() -> dict[str, User]:
    """Somebody to tell; built once in a database."""
    if not Unit.objects.filter(code="tousu").exists():
        build()
    return {user.username: user for user in User.objects.filter(username__in=["dengji", "paidan"])}


def _ticking(people: dict[str, User], jobs: tuple[Periodic, ...], count: int, seconds: float) -> list[float]:
    """One missed deadline after another, through the sweep and the relay."""
    desk = Unit.objects.get(code="tousu").pk
    at = timezone.now() - timedelta(hours=1)
    cases = [
        register(
            {"source": "12345", "type": "help", "subject": "路灯", "body": f"路灯不亮 {n} {at:%f}"},
            Person(), desk=desk, by=people["dengji"], at=at,
        )
        for n in range(count)
    ]  # fmt: skip
    Event.objects.filter(relayed_at=None).update(relayed_at=at)
    due = _strewn(count, seconds)
    for case, moment in zip(cases, due, strict=True):
        _put_on_the_brink(case, moment)
    numbers = {case.number: moment for case, moment in zip(cases, due, strict=True)}
    # As in production, whoever works and whoever looks are processes of their own.
    connections.close_all()
    loop = multiprocessing.get_context("fork").Process(target=_tick, args=(jobs,))
    loop.start()
    try:
        with _hearing() as heard:
            waits = list(_waits(heard, numbers))
    finally:
        loop.terminate()
        loop.join()
    # Whatever else of these cases comes due belongs to no later round.
    Clock.objects.filter(case__in=cases).update(next_at=None)
    return waits


def _tick(jobs: tuple[Periodic, ...]) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_until(stop, jobs, now=timezone.now)


def _put_on_the_brink(case: Case, moment: datetime) -> None:
    """Due at that moment and nothing else before or soon after it."""
    clock = Clock.objects.get(case=case, kind="assign")
    assert clock.ladder_id is not None
    spec = ladder(clock.ladder_id)
    clock.due_at, clock.rung = moment, spec.breach - 1
    clock.next_at = next_moment(clock, spec, calendar(clock.calendar_id))
    if clock.next_at != moment:
        raise RuntimeError(f"next at {clock.next_at}, due at {moment}")
    Clock.objects.filter(case=case).update(next_at=None)
    clock.save()


def _strewn(count: int, seconds: float) -> list[datetime]:
    began = timezone.now() + timedelta(seconds=count * 0.01 + LEAD_SECONDS)
    return sorted(began + timedelta(seconds=random.uniform(0, seconds)) for _ in range(count))  # no secret


@contextmanager
def _hearing() -> Iterator[Any]:
    wrapper = connections.create_connection("default")
    wrapper.connect()
    wrapper.connection.execute(f"LISTEN {CHANNEL}")
    try:
        yield wrapper.connection
    finally:
        wrapper.close()


def _waits(heard: Any, due: dict[str, datetime]) -> Iterator[float]:
    """Seconds from each moment to its first notice. What rang more than once at a time is looked up by id."""
    left, last = dict(due), _newest()
    cold = set(list(due)[:WARM])
    end = time.monotonic() + (max(due.values()) - timezone.now()).total_seconds() + LATEST_SECONDS
    while left and time.monotonic() < end:
        for told in heard.notifies(timeout=0.5):
            if told.payload != "notice":
                continue
            now = timezone.now()
            found = list(
                Notice.objects.filter(pk__gt=last)
                .order_by("pk")
                .values_list("pk", "case_number", "event__name")
            )
            last = found[-1][0] if found else last
            for _, number, _ in found:
                if number in left:
                    wait = (now - left.pop(number)).total_seconds()
                    if number not in cold:
                        yield wait
            if not left:
                break
    if left:
        raise RuntimeError(f"{len(left)} of {len(due)} deadlines told nobody")


def _newest() -> int:
    return Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _raw(count: int, seconds: float) -> list[float]:
    """A thread that sleeps until each moment and copies a notice of that kind."""
    names = ", ".join(
        connection.ops.quote_name(str(f.column))
        for f in Notice._meta.concrete_fields
        if f.column not in {"id", "case_number"}
    )
    pattern = Event.objects.filter(name="clock.missed").order_by("-pk").first()
    notice = Notice.objects.order_by("-pk").first()
    assert pattern is not None
    assert notice is not None
    due = _strewn(count, seconds)
    numbers = {f"raw{pattern.pk}-{n}-{time.monotonic_ns() % 10**9}": moment for n, moment in enumerate(due)}
    copying = names.replace('"event_id"', "%s")
    events = list(
        Event.objects.exclude(pk__in=Notice.objects.values("event"))
        .order_by("-pk")
        .values_list("pk", flat=True)[:count]
    )

    def write() -> None:
        wrapper = connections.create_connection("default")
        wrapper.connect()
        for (number, moment), event in zip(numbers.items(), events, strict=True):
            time.sleep(max(0.0, (moment - timezone.now()).total_seconds()))
            wrapper.connection.execute(
                f"INSERT INTO notifications_notice (case_number, {names}) SELECT %s, {copying}"  # our names
                " FROM notifications_notice WHERE id = %s",
                [number, event, notice.pk],
            )
        wrapper.close()

    writer = threading.Thread(target=write)
    with _hearing() as heard:
        writer.start()
        waits = list(_waits(heard, numbers))
        writer.join()
    return waits
