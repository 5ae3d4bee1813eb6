"""Answering everybody whose message was merged into one case: one text, a copy for each, nothing of one to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opinion.merging import REPLY, is_duplicate, reading_ahead
from opinion.models import Link, Reply
from opinion.publishing import must_stay_private
from opinion.screening.looking import opening_once
from opinion.templating import fill
from workflows.engine import fire_many
from workflows.errors import MoveRefused
from workflows.models import Case, Event, User
from workflows.published import lifecycle
from workflows.rows import parts

# How many are answered under one lock.
BATCH = 50


@dataclass(frozen=True)
class LinkedReply:
    """A case merged into the master. waits: its person is still to be answered. answered_at: when they were."""

    case: Case
    state: str
    waits: bool
    answered_at: datetime | None


@dataclass(frozen=True)
class Outcome:
    """What came of one case: answered, or in `refused` why not."""

    case: Case
    refused: str


def linked_replies(master: Case, viewer: User) -> list[LinkedReply]:
    """Those this person may know of, by number. Two statements."""
    merged = Link.objects.merged().filter(to_case=master).values("from_case")
    cases = Case.objects.visible_to(viewer).filter(pk__in=merged).select_related("lead", "desk")
    found = list(cases.order_by("number"))
    replies = Reply.objects.filter(case__in=found, kind=Reply.Kind.FINAL).order_by("seq")
    answered = dict(replies.values_list("case", "written_at"))
    rows = []
    for case in found:
        spec = lifecycle(case.definition_id)
        waits = is_duplicate(case)
        rows.append(
            LinkedReply(case, spec.states[case.state].label, waits, None if waits else answered.get(case.pk))
        )
    return rows


def answer_all(
    master: Case, cases: Sequence[Case], said: dict[str, Any], *, by: User, at: datetime, key: str
) -> list[Outcome]:
    """said: text and public_text, which may have placeholders, and the rest of what `reply_merged` takes.

    Sent twice with one key it answers once. A refused case harms no other. Raises TemplateError.
    """
    outcomes: list[Outcome] = []
    for batch in parts(cases, BATCH):
        copies = [_copy(master, case, said, at=at) for case in batch]
        with reading_ahead(batch), opening_once():
            events = fire_many(
                [case.pk for case in batch], REPLY, by=by, at=at, keys=[key] * len(batch), data=copies
            )
        outcomes += [_outcome(case, event) for case, event in zip(batch, events, strict=True)]
    return outcomes


def _copy(master: Case, case: Case, said: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """The text as this case's person gets it. Until then the master's unit handles it."""
    lead = case.lead or master.lead
    texts = {
        name: fill(said[name], case, at=at, unit=lead) if said.get(name) else ""
        for name in ("text", "public_text")
    }
    return {**said, **texts, "public": bool(said.get("public")) and not must_stay_private(case)}


def _outcome(case: Case, event: Event | MoveRefused) -> Outcome:
    return Outcome(case, "" if isinstance(event, Event) else str(event))
