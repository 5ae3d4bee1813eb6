"""Keeping, showing and revealing contacts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opinion.contacts import masking
from opinion.contacts.sealing import index_of, seal, unseal
from opinion.models import Contact
from workflows import rows
from workflows.engine import fire
from workflows.models import Case, User

FIELDS = ("name", "phone", "address", "email")


@dataclass(frozen=True)
class Person:
    """Contact details, either in clear or masked; empty: not given."""

    name: str = ""
    phone: str = ""
    address: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.phone or self.address or self.email)

    def masked(self) -> Person:
        return Person(
            masking.mask_name(self.name), masking.mask_phone(self.phone),
            masking.mask_address(self.address), masking.mask_email(self.email),
        )  # fmt: skip


NOBODY = Person()


def sealed(case_id: int, person: Person) -> Contact:
    """The row that keeps a person's details; not written yet."""
    texts = {field: seal(getattr(person, field), case_id=case_id, field=field) for field in FIELDS}
    return rows.make(Contact, case_id=case_id, phone_index=index_of(person.phone), **texts)


def opened(contact: Contact) -> Person:
    """The details in clear: only for masking, rotation and `reveal`. Raises SealBroken."""
    return Person(*(unseal(getattr(contact, f), case_id=contact.case_id, field=f) for f in FIELDS))


def shown(case: Case) -> Person:
    """What a page may show without a reason; an empty Person where nothing was given. Raises SealBroken."""
    contact = Contact.objects.filter(case=case).first()
    return opened(contact).masked() if contact else Person()


def reveal(case: Case, *, by: User, reason: str, at: datetime, key: str | None = None) -> Person:
    """The details in clear, once the reason is in the log. Raises MayNot, Cannot, Already, SealBroken."""
    fire(case.pk, "reveal_contact", by=by, at=at, key=key, data={"reason": reason})
    return opened(Contact.objects.get(case=case))
