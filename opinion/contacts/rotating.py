"""Sealing contacts anew under the active key, so that an old one can be retired."""

from __future__ import annotations

from django.db import transaction

from opinion.contacts.book import FIELDS, opened, sealed
from opinion.contacts.sealing import key_of, keyring
from opinion.models import Contact

BATCH = 500


def rotate(*, batch: int = BATCH) -> int:
    """Re-seal every contact that is under another key; returns how many. Safe to stop and run again.

    Raises SealBroken for a row that cannot be opened; batches before it stay done.
    """
    done, after = 0, 0
    while True:
        with transaction.atomic():
            rows = list(Contact.objects.select_for_update().filter(pk__gt=after).order_by("pk")[:batch])
            stale = [row for row in rows if keys_of(row) - {keyring().active}]
            for row in stale:
                fresh = sealed(row.pk, opened(row))
                for field in FIELDS:
                    setattr(row, field, getattr(fresh, field))
                row.phone_index = fresh.phone_index
            Contact.objects.bulk_update(stale, [*FIELDS, "phone_index"])
        done += len(stale)
        if len(rows) < batch:
            return done
        after = rows[-1].pk


def keys_of(contact: Contact) -> set[str]:
    """Ids of the keys a contact is sealed under."""
    return {key_of(getattr(contact, field)) for field in FIELDS} - {""}
