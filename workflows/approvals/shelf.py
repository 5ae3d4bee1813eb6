"""The rows of approvals: read under the lock of their cases, remembered while the flow changes them, written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from django.db import models

from workflows.approvals.under_way import take_over
from workflows.models import Approval, ApprovalTask, Case
from workflows.moves import Move
from workflows.sheaf import Sheaf


@dataclass
class Shelf:
    """running: (case id, kind) → approval. seats: of its present level, by the identity of the approval, in order of making."""

    running: dict[tuple[int, str], Approval] = field(default_factory=dict)
    seats: dict[int, list[ApprovalTask]] = field(default_factory=lambda: defaultdict(list))
    _move: Move | None = None
    _kept: dict[int, models.Model] = field(default_factory=dict)
    _dated: list[tuple[Move, Approval | ApprovalTask]] = field(default_factory=list)

    @classmethod
    def of(cls, cases: Iterable[Case]) -> Self:
        """Take over what is running in locked cases; one statement at most."""
        book = cls()
        for one in take_over(cases):
            book._take(one.approval)
            book.seats[id(one.approval)] = one.seats
        return book

    def keep(self, row: Approval | ApprovalTask) -> None:
        """Remember a row that changed. Gateways wait for nobody and leave none."""
        if isinstance(row, ApprovalTask):
            if row.owner_id is None:
                return
            if row.finished is not None:
                row.finished = self.move.at
            if row.started is not None:
                row.started = self.move.at
        self._kept[id(row)] = row

    def dated(self, move: Move, seq: int) -> None:
        """Write down which event of the case it was."""
        for other, row in self._dated:
            if other is move:
                row.seq = seq

    def write(self, sheaf: Sheaf) -> None:
        """With the rest of the moves. New seats go behind what they replace."""
        kept = list(self._kept.values())
        approvals = [row for row in kept if isinstance(row, Approval)]
        seats = [row for row in kept if isinstance(row, ApprovalTask)]
        sheaf.update([a for a in approvals if a.pk is not None], _APPROVAL_CHANGES)
        changed = [s for s in seats if s.pk is not None]
        sheaf.update(changed, _SEAT_CHANGES)
        new = [a for a in approvals if a.pk is None]
        fresh = [s for s in seats if s.pk is None]
        if {(s.process_id, s.owner_id) for s in changed} & {(s.process.pk, s.owner_id) for s in fresh}:
            sheaf.barrier()
        sheaf.insert(new)
        known = [s for s in fresh if s.process.pk is not None]
        for seat in known:
            seat.process_id = seat.process.pk
        sheaf.insert(known)
        unknown = [s for s in fresh if s.process.pk is None]
        sheaf.insert(unknown, link="process_id", owners=[s.process for s in unknown])
        self._kept, self._dated = {}, []

    @property
    def move(self) -> Move:
        assert self._move is not None
        return self._move

    def _take(self, approval: Approval) -> None:
        approval.__dict__["book"] = self
        self.running[approval.case_id, approval.kind] = approval


_APPROVAL_CHANGES = ("status", "finished", "outcome", "level", "queue", "said")
_SEAT_CHANGES = ("status", "started", "finished", "decision", "seq")
