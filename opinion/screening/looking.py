"""The look itself, for one case: who its persons are, and what a text would tell about them or anybody else.

Contacts are opened here, in this process, for this comparison; nothing of them is returned or logged, and nothing kept
longer than the answering of one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from opinion.contacts.book import Person, opened
from opinion.merging import merged_with
from opinion.models import Contact
from opinion.screening.finding import Finding
from opinion.screening.folding import Reading
from opinion.screening.patterns import found_by_pattern
from opinion.screening.persons import found_of
from workflows.models import Case
from workflows.scoped import Scoped


@dataclass(frozen=True)
class Persons:
    """own: whose case it is. others: whose messages are answered together with it."""

    own: Person
    others: Sequence[Person]


def persons_of(case: Case, *, others: bool = True) -> Persons:
    """Three statements; one without `others`. Raises SealBroken."""
    people = _people({case.pk, *(merged_with(case) if others else ())})
    own = people.pop(case.pk, None)
    return Persons(own or Person(), list(people.values()))


_OPENED: Scoped[dict[int, Person | None]] = Scoped("opened")


def opening_once() -> AbstractContextManager[None]:
    """In this context a contact is read and opened for the first case that asks, however many are answered together."""
    return _OPENED.holding({})


def _people(cases: set[int]) -> dict[int, Person]:
    """Case id → its person, where anything was given. One statement, unless all were opened before."""
    known = _OPENED.get()
    if known is None:
        known = {}
    if missing := cases - known.keys():
        contacts = Contact.objects.filter(case__in=missing)
        found = {contact.case_id: opened(contact) for contact in contacts}
        known.update({pk: found.get(pk) for pk in missing})
    return {pk: person for pk in sorted(cases) if (person := known[pk]) is not None}


def look_through(text: str, case: Case, persons: Persons) -> list[Finding]:
    """All that is found, in the order of the text. The same person in their own and a merged case is no stranger."""
    reading = Reading(text)
    found = list(found_of(reading, persons.own, own=True))
    for other in persons.others:
        found += found_of(reading, _without(other, persons.own), own=False)
    found += found_by_pattern(reading, own_number=case.number)
    return sorted(dict.fromkeys(found), key=lambda each: (each.sentence, each.code))


def _without(other: Person, own: Person) -> Person:
    """What of another's details are not also one's own: neighbours share a home, one person writes twice."""
    return Person(
        *(
            "" if getattr(other, field) == getattr(own, field) else getattr(other, field)
            for field in ("name", "phone", "address", "email")
        )
    )
