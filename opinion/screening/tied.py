"""What a public text about an event would tell of the people whose messages are tied to it, or of anybody at all."""

from __future__ import annotations

from django.db.models import Q

from opinion.contacts.book import opened
from opinion.models import Contact, Link
from opinion.screening.finding import Finding
from opinion.screening.folding import Reading
from opinion.screening.patterns import found_by_pattern
from opinion.screening.persons import found_of
from workflows.models import Case

# A way of addressing somebody is no identity: a public statement may speak of a named office holder. It is remarked.
LEFT_TO_THE_WRITER = frozenset({"named_person"})


def found_about_tied(text: str, case: Case) -> list[Finding]:
    """In the order of the text; two statements. Raises SealBroken."""
    links = Link.objects.standing().filter(kind=Link.Kind.SAME_MATTER)
    pairs = links.filter(Q(from_case=case) | Q(to_case=case)).values_list("from_case", "to_case")
    tied = {pk for pair in pairs for pk in pair} - {case.pk}
    reading = Reading(text)
    found = list(found_by_pattern(reading, own_number=case.number))
    for contact in Contact.objects.filter(case__in=tied):
        found += found_of(reading, opened(contact), own=False)
    kept = [each for each in found if each.code not in LEFT_TO_THE_WRITER]
    return sorted(dict.fromkeys(kept), key=lambda each: (each.sentence, each.code))


def left_to_the_writer(text: str, case: Case) -> list[Finding]:
    """What may stand, and its writer and signers are to look at. No statement."""
    found = found_by_pattern(Reading(text), own_number=case.number)
    kept = dict.fromkeys(each for each in found if each.code in LEFT_TO_THE_WRITER)
    return sorted(kept, key=lambda each: (each.sentence, each.code))
