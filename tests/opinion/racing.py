"""What the processes of a race about messages run; see `tests.workflows.racing`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tests.workflows.racing import user


def answer_linked(master_id: int, case_ids: Sequence[int], by: int, at: datetime, key: str) -> list[str]:
    """Answer all cases merged into a master; for each why not, empty where it was."""
    from opinion.linked_replies import answer_all
    from workflows.models import Case

    cases = Case.objects.select_related("lead", "desk")
    said = {"text": "您反映的${编号}已办结。", "public": False, "public_text": ""}
    chosen = sorted(cases.filter(pk__in=case_ids), key=lambda case: case.number)
    outcomes = answer_all(cases.get(pk=master_id), chosen, said, by=user(by), at=at, key=key)
    return [outcome.refused for outcome in outcomes]


def record_uploads(pairs: Sequence[tuple[int, int]], by: int, at: datetime) -> list[str]:
    """A record with its upload on each case; for each why not, empty where it was made."""
    from workflows.engine import fire
    from workflows.errors import MoveRefused

    said = {"action": "home", "happened_at": at, "outcome": "看过"}
    refused = []
    for case_id, upload in pairs:
        try:
            fire(case_id, "record_visit", by=user(by), at=at, data={**said, "uploads": [upload]})
            refused.append("")
        except MoveRefused as error:
            refused.append(str(error))
    return refused


def sweep_uploads(at: datetime) -> int:
    from opinion.attachments.sweeping import sweep_files

    return sweep_files(at)
