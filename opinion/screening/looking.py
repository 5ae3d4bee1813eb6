"""The look itself, for one case: who its persons are, and what a text would tell about them or anybody else.

Contacts are opened here, in this process, for this comparison; nothing of them is returned, kept or logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from opinion.contacts.book import Person, opened
from opinion.models import Contact, Link
from opinion.screening.finding import Finding
from opinion.screening.folding import Reading
from opinion.screening.patterns import found_by_pattern
from opinion.screening.persons import found_of
from workflows.models import Case


@dataclass(frozen=True)
class Persons:
    """own: whose case it is. others: whose messages are answered together with it."""

    own: Person
    others: Sequence[Person]


def persons_of(case: Case, *, others: bool = True) -> Persons:
    """Three statements; one without `others`. Raises SealBroken."""
    linked = merged_with(case) if others else set()
    contacts = {contact.case_id: contact for contact in Contact.objects.filter(case__in={case.pk, *linked})}
    own = contacts.pop(case.pk, None)
    return Persons(opened(own) if own else Person(), [opened(contact) for contact in contacts.values()])


def merged_with(case: Case) -> set[int]:
    """Ids of the cases answered together with this one: its master, and all that are merged into the same."""
    links = Link.objects.merged()
    master = links.filter(from_case=case).values_list("to_case", flat=True).first() or case.pk
    pairs = links.filter(Q(to_case=master)).values_list("from_case", flat=True)
    return ({master} | set(pairs)) - {case.pk}


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
