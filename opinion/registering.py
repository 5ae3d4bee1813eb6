"""Messages become cases: one from the register page, thousands from a sheet, by the same path."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, models, transaction

from opinion import redoing
from opinion.contacts.book import NOBODY, Person, sealed
from opinion.contacts.masking import blank_numbers
from opinion.models import Link, Message
from workflows import rows
from workflows.chain import text_digest
from workflows.engine import Draft, open_many
from workflows.errors import Already, MayNot
from workflows.models import Case, Definition, Event, Note, PolicyVersion, Unit, User
from workflows.registry import ROLES

KIND = "message"
TITLE_FROM_BODY = 40
EARLIER_REPLY = "earlier_reply"
# Digests looked up in one statement, under the parameter limits of both databases.
LOOK_UP = 5000


class AlreadyRegistered(Already):
    """This source's message of this number is here already, as `case`."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"该来源的这件留言已登记为 {case.number}，请勿重复登记")
        self.case = case


@dataclass(frozen=True)
class Incoming:
    """A message about to be registered. Classification and source are codes; empty: not given.

    desk: id of the unit that registers. at: when; clocks start then. external_key: what the message is known by at
    its source (its number, unless the reader made one). barred: ids of units complained about. key: idempotency key
    of the first event. earlier_reply, replied_at: what the source says was answered before the message came here; kept
    as a note beside the first event, since no workflow of ours made it. sequel_to: id of the case it goes on from;
    same_person: whether `person` was taken along from there.
    """

    source: str
    external_key: str
    body: str
    desk: int
    at: datetime
    subject: str = ""
    external_number: str = ""
    type: str = ""
    domain: str = ""
    urgency: str = ""
    complexity: str = ""
    place: str = ""
    board: str = ""
    received_at: datetime | None = None
    asked_confidential: bool = False
    person: Person = NOBODY
    restricted: bool = False
    barred: tuple[int, ...] = ()
    key: str | None = None
    earlier_reply: str = ""
    replied_at: datetime | None = None
    sequel_to: int | None = None
    same_person: bool = False


def digest_of(body: str) -> str:
    """SHA-256 of a body with white space collapsed: equal for exact duplicates."""
    return hashlib.sha256(" ".join(body.split()).encode()).hexdigest()


def title_of(item: Incoming) -> str:
    """What lists and exports show: the subject, or else how the body begins, without numbers and the own name."""
    text = item.subject or " ".join(item.body[: 4 * TITLE_FROM_BODY].split())[: 2 * TITLE_FROM_BODY]
    masked = blank_numbers(text, name=item.person.name)
    return masked[:200] if item.subject else masked[:TITLE_FROM_BODY]


def check_may_register(desk: Unit, by: User, *, restricted: bool = False) -> None:
    """Ask before a long import what the door will ask of each case. Raises MayNot."""
    opening = Definition.objects.defer("source").latest_of(KIND).parsed.opening
    probe = Case(kind=KIND, desk=desk, unit=desk, restricted=restricted)
    if not any(ROLES[name].may(probe, by) for name in opening.role):
        raise MayNot(f"您没有在“{desk.name}”登记的权限")


def register(
    message: Mapping[str, Any],
    person: Person,
    *,
    desk: int,
    by: User,
    at: datetime,
    restricted: bool = False,
    barred: Iterable[int] = (),
    key: str | None = None,
    sequel_to: int | None = None,
    same_person: bool = False,
) -> Case:
    """Register one message.

    message: the fields of `Incoming` that say what was written. key: a call repeated with it returns the first case.
    Raises MayNot, AlreadyRegistered.
    """
    said = dict(message)
    number = said.get("external_number", "")
    said.setdefault("external_key", number or f"own:{key or uuid.uuid4().hex}")
    item = Incoming(
        **said, desk=desk, at=at, person=person, restricted=restricted, barred=tuple(barred), key=key,
        sequel_to=sequel_to, same_person=same_person,
    )  # fmt: skip
    known = _known(item)
    if known is None:
        try:
            with transaction.atomic():
                return register_many([item], by=by)[0]
        except IntegrityError:
            # Somebody registered the same message at this very moment.
            known = _known(item)
            if known is None:
                raise
    if key is not None and Event.objects.filter(case=known, key=key, actor=by).exists():
        return known
    raise AlreadyRegistered(known)


def register_many(items: Sequence[Incoming], *, by: User, policy: PolicyVersion | None = None) -> list[Case]:
    """Register messages in one transaction, a statement a table.

    Raises MayNot, and IntegrityError where a (source, external_key) is here already; then none is registered.
    """
    # A message may be only a subject; two such are not the same for having no body.
    digests = [digest_of(item.body or item.subject) for item in items]
    first = _first_with(digests)
    drafts = [_draft(item, digest, first, by) for item, digest in zip(items, digests, strict=True)]
    return open_many(KIND, drafts, by=by, policy=policy)


def _draft(item: Incoming, digest: str, first: dict[str, int], by: User) -> Draft:
    given = {name: getattr(item, name) for name in ("source", "type", "domain", "urgency", "complexity")}
    logged: dict[str, Any] = {"source": item.source}
    if item.barred:
        logged["barred"] = list(item.barred)
    if item.sequel_to:
        logged |= {"sequel_to": item.sequel_to, "same_person": item.same_person}
    if item.earlier_reply:
        logged[EARLIER_REPLY] = text_digest(item.earlier_reply)
    return Draft(
        title=title_of(item), desk_id=item.desk, at=item.at, restricted=item.restricted or bool(item.barred),
        facts={**{name: code for name, code in given.items() if code}, redoing.FACT: redoing.NONE},
        barred=item.barred, key=item.key, logged=logged,
        rows=_rows_of(item, digest, first, by),
    )  # fmt: skip


def _rows_of(
    item: Incoming, digest: str, first: dict[str, int], by: User
) -> Callable[[Case], Iterable[models.Model]]:
    def made(case: Case) -> Iterable[models.Model]:
        taken = {name: getattr(item, name) for name in _TAKEN}
        yield rows.make(Message, case_id=case.pk, body_digest=digest, **taken)
        if item.person:
            yield sealed(case.pk, item.person)
        if item.earlier_reply:
            yield rows.make(
                Note, case_id=case.pk, seq=1, kind=EARLIER_REPLY, text=item.earlier_reply, author_id=by.pk,
                written_at=item.replied_at or item.at,
            )  # fmt: skip
        if item.sequel_to:
            yield _tie(case.pk, item.sequel_to, Link.Kind.SEQUEL, item, by)
        # Within one batch, too, later duplicates point to the first.
        earlier = first.setdefault(digest, case.pk)
        if earlier != case.pk:
            yield _tie(case.pk, earlier, Link.Kind.DUPLICATE_HINT, item, by)

    return made


def _tie(later: int, earlier: int, kind: Link.Kind, item: Incoming, by: User) -> Link:
    return rows.make(
        Link, from_case_id=later, to_case_id=earlier, kind=kind.value, made_by_id=by.pk, made_at=item.at
    )


_OWN = {field.name for field in fields(Incoming)}
_TAKEN = [f.name for f in Message._meta.concrete_fields if f.name in _OWN]


def _first_with(digests: Sequence[str]) -> dict[str, int]:
    """digest → the earliest case with that body; one statement for some thousand digests."""
    found: dict[str, int] = {}
    asked = sorted(set(digests))
    with connection.cursor() as cursor:
        for start in range(0, len(asked), LOOK_UP):
            where, values = rows.among("body_digest", asked[start : start + LOOK_UP])
            cursor.execute(
                f"SELECT body_digest, min(case_id) FROM opinion_message WHERE {where} GROUP BY body_digest",  # noqa: S608  # our own names
                values,
            )
            found.update(cursor.fetchall())
    return found


def _known(item: Incoming) -> Case | None:
    return Case.objects.filter(message__source=item.source, message__external_key=item.external_key).first()
