"""The other ways to decide: the other answer of an approval, and whatever else would settle the same deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms

from opinion.forms.base import MoveForm
from workflows.models import Case, User
from workflows.permits import refused
from workflows.published import lifecycle
from workflows.spec import LifecycleSpec


@dataclass(frozen=True)
class Way:
    """Another move this person can make instead."""

    move: str
    label: str


def approval_of(spec: LifecycleSpec, name: str) -> str:
    """The kind of approval that a move signs or returns; empty for others."""
    found = (kind for kind, declared in spec.approvals.items() if name in (declared.signs, declared.returns))
    return next(found, "")


def ways(case: Case, name: str, form: forms.Form | None, viewer: User, *, at: datetime) -> list[Way]:
    """Those open to this person now, in the order of the lifecycle."""
    spec = lifecycle(case.definition_id)
    wanted = {*_others(case, spec, name), *(form.otherwise if isinstance(form, MoveForm) else ())} - {name}
    return [
        Way(other, step.label)
        for other, step in spec.transitions.items()
        if other in wanted and not step.hidden and refused(case, other, by=viewer, at=at) is None
    ]


def _others(case: Case, spec: LifecycleSpec, name: str) -> Sequence[str]:
    if kind := approval_of(spec, name):
        return spec.approvals[kind].signs, spec.approvals[kind].returns
    kinds = (spec.clocks[kind] for kind in spec.states[case.state].clocks)
    return [other for c in kinds if c.counts == "step" and name in c.met_by for other in c.met_by]
