"""What the processes of a race run. A process of its own, because threads of one share what they should not."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from django.db import connection

PATIENCE_SECONDS = 60


class Runner:
    """A process on the test's database, and what it says.

    Its function lives in this module, which can be imported before Django is set up.
    """

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        # Each is forked from one server that has imported Django and has no connection: eight start within a second.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.workflows.racing_start"])
        self._here, there = context.Pipe()
        name = connection.settings_dict["NAME"]
        self.process = context.Process(target=_run, args=(there, name, function, args), daemon=True)
        self.process.start()
        # Ours would keep `hear` waiting for a process that is gone.
        there.close()

    def hear(self) -> Any:
        """What it says next. Raises what went wrong in it; EOFError when it died, TimeoutError when it hangs."""
        if not self._here.poll(PATIENCE_SECONDS):
            self.process.kill()
            raise TimeoutError(f"nothing heard within {PATIENCE_SECONDS} s")
        said = self._here.recv()
        if isinstance(said, BaseException):
            raise said
        return said

    def start(self) -> None:
        self._here.send("go")

    def ended(self) -> int | None:
        """Its exit code: negative for a signal."""
        self.process.join(PATIENCE_SECONDS)
        return self.process.exitcode


def race(runs: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
    """Run each in a process of its own, all from one start signal; returns what they returned, in that order."""
    runners = [Runner(function, *args) for function, args in runs]
    for runner in runners:
        assert runner.hear() == "ready"
    for runner in runners:
        runner.start()
    found = [runner.hear() for runner in runners]
    assert [runner.ended() for runner in runners] == [0] * len(runners)
    return found


def _run(pipe: Connection, name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        join(name)
        connection.ensure_connection()
        pipe.send("ready")
        pipe.recv()
        pipe.send(function(*args))
    except Exception as error:  # noqa: BLE001  # handed over: the test raises it
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))
    finally:
        connection.close()


def join(name: str) -> None:
    """Set Django up in a fresh process, on the test's database."""
    from tests.workflows import racing_start  # noqa: F401  # sets up, unless the fork server has

    connection.settings_dict["NAME"] = name


def user(pk: int) -> Any:
    from workflows.models import User

    return User.objects.get(pk=pk)


def claim_all(
    case_ids: Sequence[int], transition: str, by: int, at: datetime, data: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    """Fire at every case in turn; for each the outcome's class and its sentence."""
    from workflows.engine import fire
    from workflows.errors import MoveRefused

    actor = user(by)
    outcomes = []
    for case_id in case_ids:
        try:
            fire(case_id, transition, by=actor, at=at, data=data)
            outcomes.append(("Event", ""))
        except MoveRefused as refused:
            outcomes.append((type(refused).__name__, str(refused)))
    return outcomes


def fire_keyed(case_ids: Sequence[int], transition: str, by: int, at: datetime) -> list[int]:
    """Fire with one key a case, whoever calls; the ids of the events."""
    from workflows.engine import fire

    actor = user(by)
    return [fire(case_id, transition, by=actor, at=at, key=f"once-{case_id}").pk for case_id in case_ids]


def fire_in_batches(case_ids: Sequence[int], transition: str, by: int, at: datetime, rounds: int) -> int:
    """`fire_many` over all cases, again and again; how many moves were made."""
    from workflows.engine import fire_many
    from workflows.models import Event

    actor = user(by)
    made = 0
    for number in range(rounds):
        outcome = fire_many(
            case_ids, transition, by=actor, at=at + timedelta(minutes=number), data={"remark": "批量"}
        )
        made += sum(isinstance(one, Event) for one in outcome)
    return made


def fire_singly(case_ids: Sequence[int], transition: str, by: int, at: datetime, rounds: int) -> int:
    """`fire` at one case after the other, from the last to the first; how many moves were made."""
    from workflows.engine import fire

    actor = user(by)
    for number in range(rounds):
        for case_id in reversed(case_ids):
            fire(case_id, transition, by=actor, at=at + timedelta(minutes=number), data={"remark": "逐件"})
    return rounds * len(case_ids)


def sweep_often(at: datetime, rounds: int) -> int:
    """Sweep again and again; how many misses were logged."""
    from workflows.sweeper import sweep

    return sum(sweep(at=at).missed for _ in range(rounds))


def open_batches(desk_id: int, by: int, at: datetime, batches: int, size: int) -> list[str]:
    """Open cases in batches; their numbers."""
    from workflows.engine import Draft, open_many

    actor = user(by)
    drafts = [Draft(title="一件事", desk_id=desk_id, at=at) for _ in range(size)]
    return [case.number for _ in range(batches) for case in open_many("toy", drafts, by=actor)]


def half_a_batch(case_ids: Sequence[int], transition: str, by: int, at: datetime) -> None:
    """A batch whose process dies by SIGKILL when most of its rows are written and none is committed."""
    from workflows import recording
    from workflows.engine import fire_many

    def die(new: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    recording.add_rows = die
    fire_many(case_ids, transition, by=user(by), at=at)


def sign_and_die(case_id: int, transition: str, by: int, at: datetime, written: bool) -> None:
    """A last agreement whose process dies by SIGKILL before, or after, what it grants is written."""
    from workflows import engine

    carry_out, made = engine.carry_out, []

    def carry_out_once(moves: Any) -> Any:
        made.append(moves)
        if len(made) == 2 and not written:
            os.kill(os.getpid(), signal.SIGKILL)
        events = carry_out(moves)
        if len(made) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return events

    engine.carry_out = carry_out_once
    engine.fire(case_id, transition, by=user(by), at=at)


def lock_with_key(case_id: int, key: str) -> tuple[str, int | None]:
    """Lock a case as the door does; its state, and the event found to carry the key."""
    from django.db import transaction

    from workflows.locking import lock

    with transaction.atomic():
        case, seen = lock(case_id, key)
        return case.state, seen
