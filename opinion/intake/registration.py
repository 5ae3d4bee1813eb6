"""From a row as the file tells it to a message as the desk registers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from opinion.contacts.book import Person
from opinion.intake.headers import HeaderMapping
from opinion.intake.problems import RowProblem
from opinion.intake.rows import ParsedRow
from opinion.models import Message
from opinion.registering import Incoming
from workflows.models import Unit, User

Clocks = Literal["registered", "received"]

ROOM = {
    name: int(getattr(Message._meta.get_field(name), "max_length", 0))
    for name in ("subject", "place", "board")
}


@dataclass(frozen=True)
class ImportPlan:
    """Where the messages come from and who registers them.

    clocks: whether deadlines run from `at`, the moment of registration, or from when each message was sent (where
    the file says so). at: the present.
    """

    source: str
    desk: Unit
    by: User
    at: datetime
    clocks: Clocks = "registered"


def incoming(row: ParsedRow, codes: dict[str, str], plan: ImportPlan) -> Incoming:
    """What the row says and nothing else: what is missing stays empty."""
    at = row.received_at if plan.clocks == "received" and row.received_at else plan.at
    return Incoming(
        source=plan.source,
        external_key=row.external_key,
        external_number=row.external_number or "",
        body=row.body or "",
        subject=(row.subject or "")[: ROOM["subject"]],
        place=(row.place or "")[: ROOM["place"]],
        board=(row.board or "")[: ROOM["board"]],
        type=codes["type"],
        domain=codes["domain"],
        urgency=codes["urgency"],
        received_at=row.received_at,
        asked_confidential=bool(row.asked_confidential),
        person=Person(row.author or "", row.phone or "", row.address or "", row.email or ""),
        earlier_reply=row.reply_body or "",
        replied_at=row.replied_at,
        desk=plan.desk.pk,
        at=at,
    )


def cut_short(row: ParsedRow, mapping: HeaderMapping) -> Iterator[RowProblem]:
    """A warning for each text that is longer than its column holds."""
    for name, room in ROOM.items():
        text = getattr(row, name)
        if text is not None and len(text) > room:
            reason = f"超过 {room} 字，登记时只保留前 {room} 字，请核对"
            yield RowProblem(row.row_number, mapping.heading_of(name), name, "warning", reason)
