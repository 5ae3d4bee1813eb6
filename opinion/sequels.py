"""A new message on a matter that is over: a case of its own, tied to the old one.

The old case and its outcome stay as they are. Nobody's details cross over, except that the same person's are taken
along, sealed anew and unseen, where the clerk says that it is the same person.
"""

from __future__ import annotations

from opinion.access import MESSAGE
from opinion.contacts.book import NOBODY, Person, opened
from opinion.models import Contact
from workflows.models import Case, Participation

# States in which the old case is not over but has come to its last word.
LAST_WORD = frozenset({"contested", "final_drafted"})


def may_have_sequel(case: Case) -> bool:
    return case.kind == MESSAGE and (not case.is_open or case.state in LAST_WORD)


def has_contact(case: Case) -> bool:
    return Contact.objects.filter(case=case).exists()


def person_of(case: Case) -> Person:
    """For sealing again under the new case, never for showing. Raises SealBroken."""
    contact = Contact.objects.filter(case=case).first()
    return opened(contact) if contact else NOBODY


def complained_about(case: Case) -> list[int]:
    """Units the old case is closed to: so is the new one."""
    barred = Participation.objects.filter(case=case, role=Participation.Role.BARRED, ended_at=None)
    return list(barred.values_list("unit_id", flat=True))
