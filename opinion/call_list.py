"""回访: the messages drawn for a call-back that wait for a caller, with how often was tried and when to try next."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from opinion.calling import Attempts, attempts_of, handling_parts
from opinion.contacts.book import opened
from opinion.contacts.sealing import SealBroken
from opinion.models import Contact
from opinion.timing import CaseDistances, Distance
from opinion.waiting import waiting_for
from workflows.models import Case, Participation, User
from workflows.models.case import CaseQuerySet

logger = logging.getLogger(__name__)

CALLERS = ("caller", "confidential_officer")
STATE = "replied"


def may_call(user: User) -> bool:
    """Whether there can be a list for this user; which cases are on it their roles say."""
    return any(user.standing.roles.get(role) for role in CALLERS)


def to_call(user: User) -> CaseQuerySet:
    """Drawn, not reached yet, and handled by no unit this person works in or below. Source: 国办发〔2020〕53号."""
    own = Participation.objects.filter(
        handling_parts(), case=OuterRef("pk"), unit__in=user.standing.barred_by
    )
    return waiting_for(user).cases.filter(state=STATE).exclude(Exists(own))


@dataclass(frozen=True)
class CallRow:
    """phone: masked; empty where none was given. left: until the call-back is due. ready: another try counts now."""

    case: Case
    phone: str
    left: Distance | None
    tried: Attempts
    ready: bool


def call_rows(cases: Sequence[Case], *, at: datetime) -> list[CallRow]:
    """Three statements, however many cases."""
    phones = {contact.case_id: _phone(contact) for contact in Contact.objects.filter(case__in=cases)}
    tried, distances = attempts_of(cases), CaseDistances(at)
    return [
        CallRow(
            case,
            phones.get(case.pk, ""),
            distances.of(case),
            tried[case.pk],
            (next_at := tried[case.pk].next_at) is None or next_at <= at,
        )
        for case in cases
    ]


def _phone(contact: Contact) -> str:
    try:
        return opened(contact).masked().phone
    except SealBroken:
        logger.exception("contact of case %s cannot be opened", contact.case_id)
        return "密文打不开"
