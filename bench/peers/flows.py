"""The lifecycle as two viewflow flows that go round: with and without a change of clocks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from viewflow import this
from viewflow.workflow import flow
from viewflow.workflow.lock import SelectForUpdateLock
from viewflow.workflow.models import Process

from workflows.models import Case, User


@lru_cache(maxsize=1)
def _clerk() -> User:
    return User.objects.get(username="bench")


def clerk(activation: Any) -> User:
    """Tasks go straight to the one clerk, read once: no page to take them from."""
    return _clerk()


def begin(activation: Any, case: Case) -> Any:
    activation.process.artifact = case
    return activation.process


class SubmitFlow(flow.Flow):  # type: ignore[misc]  # viewflow ships no types
    """working ⇄ checking."""

    process_class = Process
    # Waiting, as the others do; viewflow's own default takes no lock at all.
    lock_impl = SelectForUpdateLock(nowait=False)

    start = flow.StartHandle(begin).Next(this.submit)
    submit = flow.View(None).Assign(clerk).Next(this.back)
    back = flow.View(None).Assign(clerk).Next(this.submit)


class DraftFlow(flow.Flow):  # type: ignore[misc]
    """working ⇄ drafting."""

    process_class = Process
    lock_impl = SelectForUpdateLock(nowait=False)

    start = flow.StartHandle(begin).Next(this.draft)
    draft = flow.View(None).Assign(clerk).Next(this.revise)
    revise = flow.View(None).Assign(clerk).Next(this.draft)
