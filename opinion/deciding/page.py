"""All of it for one page: what is decided on, what the case is about, and the other ways to decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms

from opinion.blocks import Viewing
from opinion.casefile import CodeLabels, person_of
from opinion.deciding.asked import matters
from opinion.deciding.background import background_of
from opinion.deciding.matter import Matter, Passage
from opinion.deciding.subjects import approvals_meant, is_about_one, subjects
from opinion.deciding.ways import Way, approval_of, ways
from opinion.forms.base import MoveForm
from opinion.timeline import events_of
from workflows.declarations import TransitionSpec
from workflows.models import Approval, Case, User
from workflows.published import lifecycle


@dataclass(frozen=True)
class Deciding:
    """matters: what was asked for, the newest state of it. background: what the case is about. ways: to decide otherwise."""

    matters: Sequence[Matter]
    background: Sequence[Passage]
    ways: Sequence[Way]


def deciding_on(
    case: Case, name: str, step: TransitionSpec, form: forms.Form | None, viewer: User, *, at: datetime
) -> Deciding | None:
    """None for a move that answers nothing and leaves the case where it is. The case has come through `visible_to`.

    Texts the form itself holds to be changed are not shown twice.
    """
    kind = approval_of(lifecycle(case.definition_id), name)
    if not (kind or step.to != "stay" or is_about_one(form) or (isinstance(form, MoveForm) and form.decides)):
        return None
    codes, log = CodeLabels(), events_of(case)
    running = Approval.objects.running().filter(case=case, kind=kind).order_by("id") if kind else ()
    approvals = [*running, *approvals_meant(form)]
    standing = not is_about_one(form)
    found = [
        *subjects(case, form, log, codes, at=at), *matters(case, log, approvals, codes, standing=standing)
    ]  # fmt: skip
    held = _held(form)
    shown = [matter.without(held) for matter in found]
    read = held | {passage.text.strip() for matter in shown for passage in matter.passages}
    background = background_of(Viewing(case, viewer, codes, person_of(case), at))
    return Deciding(
        shown,
        [passage for passage in background if passage.text.strip() not in read],
        ways(case, name, form, viewer, at=at),
    )


def _held(form: forms.Form | None) -> set[str]:
    """The texts that stand in the form's own fields."""
    values = [field.value() for field in form] if form is not None else []
    return {"\n".join(text.strip().splitlines()) for text in values if isinstance(text, str) and text.strip()}
