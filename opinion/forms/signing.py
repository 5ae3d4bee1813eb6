"""Agreeing to what was asked for, with what was said for it in view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from opinion.codes import choices
from opinion.forms.base import RemarkForm
from opinion.models import Reply
from opinion.timeline import CODED, NOTE_LABELS
from opinion.wordings import latest
from workflows.models import Approval, Case, Note, Unit
from workflows.registry import form


@dataclass(frozen=True)
class AskedView:
    """What was asked for, by whom and when. facts: label, words."""

    approval: Approval
    facts: list[tuple[str, str]]


def asked_for(case: Case, kind: str) -> AskedView | None:
    """What the running approval of a kind is about; three statements at most."""
    approval = Approval.objects.running().filter(case=case, kind=kind).select_related("requester").first()
    if approval is None:
        return None
    notes = Note.objects.filter(case=case, seq=approval.seq).order_by("id")
    return AskedView(
        approval, [*_coded(approval), *((NOTE_LABELS.get(n.kind, "说明"), n.text) for n in notes)]
    )


class SignForm(RemarkForm):
    """An optional word of whoever agrees. kind: the approval."""

    kind: ClassVar[str]
    beside = "opinion/parts/asked_beside.html"

    @cached_property
    def asked(self) -> AskedView | None:
        return asked_for(self.case, self.kind)


def _coded(approval: Approval) -> list[tuple[str, str]]:
    label, lists = CODED["reason"]
    code = approval.said.get("reason", "")
    known: dict[str, str] = {}
    for name in reversed(lists):
        known |= dict(choices(name))
    found = [(label, known[code])] if code in known else []
    for name, label in (("unit", "单位"), ("suggested", "建议承办")):
        if approval.said.get(name):
            found.append((label, Unit.objects.get(pk=approval.said[name]).name))
    return found


@form("sign_decline")
class SignDeclineForm(SignForm):
    """The unit declines with it."""

    kind = "decline"


@form("sign_closing")
class SignClosingForm(SignForm):
    """The message ends without a reply with the last of these."""

    kind = "closing"


@form("sign_private")
class SignPrivateForm(SignForm):
    """The reply need not be published."""

    kind = "private_reply"


@form("sign_suspension")
class SignSuspensionForm(SignForm):
    """The clocks stand still with the last of these."""

    kind = "suspension"


@form("sign_order")
class SignOrderForm(SignForm):
    """The order is issued with it."""

    kind = "order"


@form("sign_silence")
class SignSilenceForm(SignForm):
    """The public is not answered."""

    kind = "silence"


@form("sign_final")
class SignFinalForm(SignForm):
    """The last word, which reaches the person and ends the case."""

    kind = "final"

    @cached_property
    def asked(self) -> AskedView | None:
        found, draft = asked_for(self.case, self.kind), latest(self.case, Reply.Kind.DRAFT)
        if found is not None and draft is not None:
            found.facts.append(("最终答复", draft.text))
        return found
