"""The one flow of every approval: start → level → decide → join → agreed? → more levels? → report → granted.

Gateways wait for nobody and leave no row; what waits is a person's seat. Nothing here asks the database: the book of the
move has read the seats under the lock of the case and writes what changed. viewflow's own timers, pages and locks are
not used. Names of nodes are stored with seats in flight: never rename one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from viewflow import this
from viewflow.workflow import nodes
from viewflow.workflow.activation import Activation
from viewflow.workflow.base import Flow
from viewflow.workflow.nodes.end import EndActivation
from viewflow.workflow.nodes.func import FunctionActivation
from viewflow.workflow.nodes.if_gate import IfActivation
from viewflow.workflow.nodes.join import JoinActivation
from viewflow.workflow.nodes.split import SplitActivation
from viewflow.workflow.nodes.start import StartHandleActivation
from viewflow.workflow.nodes.view import ViewActivation
from viewflow.workflow.status import STATUS
from viewflow.workflow.token import Token

from workflows.models import Approval, ApprovalTask


class CaseLock:
    """The lock of an approval is that of its case, taken by the door before the flow is entered.

    viewflow's default takes none at all, and a lock of the process row besides that of the case would be taken in the
    opposite order somewhere. Raises RuntimeError outside a transaction.
    """

    @contextmanager
    def __call__(self, flow_class: type[Flow], process_pk: int | None) -> Iterator[None]:
        if not connection.in_atomic_block:
            raise RuntimeError("审批只能在案件锁内进行")
        yield


class Passing:
    """What gateways share: they leave no row, hence are told apart by identity."""

    @classmethod
    def create(
        cls, flow_task: Any, prev_activation: Any, token: Any, data: Any = None, seed: Any = None
    ) -> Any:
        task = ApprovalTask(process=prev_activation.process, flow_task=flow_task, token=token)
        return cls(task)  # type: ignore[call-arg]

    def __hash__(self) -> int:
        return id(self)

    @Activation.status.transition(source=STATUS.NEW, target=STATUS.DONE)
    def complete(self) -> None:
        """Nothing to write."""


class Beginning(Passing, StartHandleActivation):  # type: ignore[misc]
    @classmethod
    def create(
        cls, flow_task: Any, prev_activation: Any, token: Any, data: Any = None, seed: Any = None
    ) -> Any:
        # The process is made by the book; `start` puts it in place of this one.
        return cls(ApprovalTask(process=Approval(), flow_task=flow_task))

    @Activation.status.transition(source=STATUS.NEW)
    def execute(self) -> None:
        with self.flow_class.lock(self.process.pk):
            self.complete()
            self.activate_next()


class FanOut(Passing, SplitActivation):  # type: ignore[misc]
    """A seat for everybody to be asked now. The free wheel has no split over data; this is it."""

    @Activation.status.transition(source=STATUS.NEW)
    def activate(self) -> None:
        self.sitters = self.process.book.begin_level(self.process)

    @Activation.status.transition(source=STATUS.DONE)
    def create_next(self) -> Iterator[Any]:
        tokens = Token.split_token_source(self.task.token, self.process.level)
        for sitter in self.sitters:
            yield self.flow_task.decide._create(self, next(tokens), data=sitter)


class Deciding(ViewActivation):  # type: ignore[misc]
    """A person's seat."""

    @classmethod
    def create(
        cls, flow_task: Any, prev_activation: Any, token: Any, data: Any = None, seed: Any = None
    ) -> Any:
        process = prev_activation.process
        task = process.book.new_seat(process, flow_task, token, data)
        activation = cls(task)
        activation.assign(flow_task.calc_owner(activation))
        return activation

    def __hash__(self) -> int:
        return id(self)


class Joining(Passing, JoinActivation):  # type: ignore[misc]
    """Each seat that was decided comes here; the level is over when it is agreed, or given back."""

    @classmethod
    def create(
        cls, flow_task: Any, prev_activation: Any, token: Any, data: Any = None, seed: Any = None
    ) -> Any:
        return super().create(flow_task, prev_activation, token.get_base_split_token())

    def is_done(self) -> bool:
        return bool(self.process.book.level_is_over(self.process))

    @Activation.status.transition(source=STATUS.STARTED, target=STATUS.DONE, conditions=[this.is_done])
    def complete(self) -> None:
        self.process.book.close_seats(self.process)


class Choosing(Passing, IfActivation):  # type: ignore[misc]
    @Activation.status.transition(source=STATUS.NEW)
    def activate(self) -> None:
        self._condition_result = self.flow_task._condition(self)


class Reporting(Passing, FunctionActivation):  # type: ignore[misc]
    @Activation.status.transition(source=STATUS.NEW)
    def activate(self) -> None:
        self.flow_task._func(self)


class Ending(Passing, EndActivation):  # type: ignore[misc]
    @Activation.status.transition(source=STATUS.NEW)
    def activate(self) -> None:
        self.process.status = STATUS.DONE
        self.process.save()


class Split(nodes.Split):  # type: ignore[misc]
    """One outgoing path, taken once for everybody who is asked."""

    activation_class = FanOut

    @property
    def decide(self) -> Any:
        return self._branches[0][0]


class ApprovalFlow(Flow):  # type: ignore[misc]
    """审批"""

    process_class = Approval
    task_class = ApprovalTask
    lock_impl = CaseLock()

    start = nodes.StartHandle(this.begin).Next(this.level)
    level = Split().Next(this.decide)
    decide = nodes.View(None).Assign(this.owner_of).Next(this.join)
    join = nodes.Join(continue_on_condition=this.over).Next(this.agreed)
    agreed = nodes.If(this.is_agreed).Then(this.more).Else(this.returned)
    more = nodes.If(this.goes_on).Then(this.level).Else(this.report)
    report = nodes.Function(this.report_granted).Next(this.granted)
    granted = nodes.End()
    returned = nodes.End()

    start.activation_class = Beginning
    decide.activation_class = Deciding
    join.activation_class = Joining
    agreed.activation_class = more.activation_class = Choosing
    report.activation_class = Reporting
    granted.activation_class = returned.activation_class = Ending

    def begin(self, activation: Any, approval: Approval) -> Approval:
        activation.process = activation.task.process = approval
        return approval

    def owner_of(self, activation: Any) -> Any:
        return activation.task.sitter.user

    def over(self, activation: Any, active_tasks: Any) -> bool:
        return bool(activation.process.book.level_is_over(activation.process))

    def is_agreed(self, activation: Any) -> bool:
        return not activation.process.book.was_returned(activation.process)

    def goes_on(self, activation: Any) -> bool:
        return bool(activation.process.book.goes_on(activation.process))

    def report_granted(self, activation: Any) -> None:
        activation.process.book.grant(activation.process)
