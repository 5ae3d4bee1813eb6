"""Cases of kinds that a person opens on a page: which kinds there are, and opening one just once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import transaction

from opinion.access import may_register
from workflows.engine import Draft, open_case
from workflows.models import Case, Definition, Event, User
from workflows.published import lifecycle

# A form sent twice is sent twice within this time.
AGAIN = timedelta(days=1)


@dataclass(frozen=True)
class Openable:
    """A kind of case that has a form to open it. form: its registered name."""

    kind: str
    label: str
    form: str


def openable(user: User) -> list[Openable]:
    """The kinds this person may open on a page, in the order of their codes."""
    newest = Definition.objects.newest().order_by("code").values_list("code", "label", "pk")
    named = [(code, label, lifecycle(pk).opening.form) for code, label, pk in newest]
    return [Openable(code, label, form) for code, label, form in named if form and may_register(user, code)]


class _Twice(Exception):
    """Somebody opened it with this very form just before."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.number)
        self.case = case


def open_once(kind: str, draft: Draft, *, by: User, key: str) -> Case:
    """Open a case; a call repeated with the key returns the first one. Raises MayNot."""
    try:
        with transaction.atomic():
            case = open_case(kind, replace(draft, key=key), by=by)
            # Numbers are given out one after the other, so whoever came first has committed by now.
            earlier = (
                Event.objects.filter(
                    case__kind=kind, case__opened_at__gt=draft.at - AGAIN, seq=1, key=key, actor=by
                )
                .exclude(case=case)
                .select_related("case")
                .first()
            )
            if earlier is not None:
                raise _Twice(earlier.case)
    except _Twice as twice:
        return twice.case
    return case
