"""What units did with a message and to whom each act is charged, read from its log in order.

A decline and what came of it are charged to the unit that declined; a transfer to the unit that handed on; being
given a case, replying, redoing and call-backs to the lead unit of that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opinion.models import Act
from opinion.reports.spans import Moment

Kind = Act.Kind
Charge = tuple[int, Act.Kind, datetime]

# Moves that settle a decline, and how.
SETTLED = {
    "uphold_decline": Kind.UPHELD, "reassign": Kind.UPHELD, "reject_decline": Kind.REJECTED,
    "designate": Kind.DESIGNATED, "arbitrate": Kind.DESIGNATED,
}  # fmt: skip
# Moves that are simply charged to the lead unit.
OF_THE_LEAD = {
    "raise_dispute": (Kind.DISPUTED,), "refer_dispute": (Kind.DISPUTED,), "transfer": (Kind.TRANSFERRED,),
    "redo": (Kind.REDONE,), "reopen": (Kind.REDONE, Kind.REOPENED), "call_back": (Kind.CALLED, Kind.REACHED),
    "record_unreached": (Kind.CALLED,), "reply": (Kind.REPLIED,), "reply_merged": (Kind.REPLIED,),
}  # fmt: skip
REPLIES = ("reply", "reply_merged")
LET_GO = ("uphold_decline", "recall")


@dataclass
class _Docket:
    """lead: the unit that handles the message. decliner: whose decline is still to be settled."""

    lead: int | None = None
    decliner: int | None = None


def charges(events: Iterable[tuple[Moment, str, Any]]) -> Iterator[Charge]:
    """events: of one message, in the order of its log, each with its transition and data."""
    docket = _Docket()
    for moment, transition, data in events:
        for unit, kind in _of(docket, transition, data):
            yield unit, kind, moment.at


def _of(docket: _Docket, transition: str, data: Any) -> Iterator[tuple[int, Act.Kind]]:
    if transition == "decline":
        docket.decliner = data.get("unit") or docket.lead
        if docket.decliner is not None:
            yield docket.decliner, Kind.DECLINED
    elif transition in SETTLED and docket.decliner is not None:
        yield docket.decliner, SETTLED[transition]
        docket.decliner = None
    before = docket.lead
    if transition != "transfer":
        docket.lead = None if transition in LET_GO else data.get("lead", docket.lead)
    if docket.lead is not None:
        for kind in OF_THE_LEAD.get(transition, ()):
            yield docket.lead, kind
        # Messages from before there was a draw were all to be called back.
        if transition in REPLIES and data.get("drawn", True):
            yield docket.lead, Kind.DRAWN
    docket.lead = data.get("lead", docket.lead) if transition == "transfer" else docket.lead
    if docket.lead is not None and docket.lead != before:
        yield docket.lead, Kind.ASSIGNED
