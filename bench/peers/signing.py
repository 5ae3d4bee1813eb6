"""A reply signed on three levels in plain viewflow, as its documentation shows it: no clocks, no log, no hash chain."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import transaction
from viewflow import this
from viewflow.workflow import flow
from viewflow.workflow.lock import SelectForUpdateLock
from viewflow.workflow.models import Process, Task

from workflows.models import Case, User


@lru_cache(maxsize=8)
def _person(username: str) -> User:
    """Read once: no page to take tasks from, and no level to look anybody up in."""
    return User.objects.get(username=username)


def begin(activation: Any, case: Case) -> Any:
    activation.process.artifact = case
    return activation.process


class SignedFlow(flow.Flow):  # type: ignore[misc]  # viewflow ships no types
    """Three people one after the other; any of them may give it back."""

    process_class = Process
    # Waiting, as the product does; viewflow's own default takes no lock at all.
    lock_impl = SelectForUpdateLock(nowait=False)

    start = flow.StartHandle(begin).Next(this.one)
    one = flow.View(None).Assign(lambda activation: _person("bench_one")).Next(this.one_agreed)
    one_agreed = flow.If(this.agreed).Then(this.two).Else(this.returned)
    two = flow.View(None).Assign(lambda activation: _person("bench_two")).Next(this.two_agreed)
    two_agreed = flow.If(this.agreed).Then(this.three).Else(this.returned)
    three = flow.View(None).Assign(lambda activation: _person("bench_three")).Next(this.three_agreed)
    three_agreed = flow.If(this.agreed).Then(this.grant).Else(this.returned)
    grant = flow.Function(this.granted).Next(this.end)
    end = flow.End()
    returned = flow.End()

    def agreed(self, activation: Any) -> bool:
        return not activation.process.data.get("returned")

    def granted(self, activation: Any) -> None:
        Case.objects.filter(pk=activation.process.artifact_object_id).update(state="working")


def sign_all(case_id: int) -> None:
    """Put up and signed by all three, each in a transaction of its own, as their pages would."""
    with transaction.atomic():
        case = Case.objects.get(pk=case_id)
        Case.objects.filter(pk=case_id).update(state="waiting")
        process = SignedFlow.start.run(case=case)
    for _ in range(3):
        task = Task.objects.get(process_id=process.pk, status="ASSIGNED")
        if task.owner_id is None:
            raise RuntimeError("nobody was asked")
        with task.activation() as activation:
            activation.start(None)
            activation.execute()
