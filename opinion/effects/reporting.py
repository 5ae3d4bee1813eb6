"""What is reported upward of an event, and its grade."""

from __future__ import annotations

from typing import Any

from django.db.models import Max

from opinion.authors import office_of
from opinion.models import CaseReport
from workflows.chain import text_digest
from workflows.moves import Move
from workflows.registry import effect

KINDS = {
    "report": CaseReport.Kind.FLASH,
    "update_report": CaseReport.Kind.FOLLOW,
    "verify": CaseReport.Kind.VERIFICATION,
}
GRADED = ("grade", "legacy")


@effect
def keep_report(move: Move) -> None:
    """data: known (text), measures (text), proposed_grade or finding (codes)."""
    said = move.data
    last = CaseReport.objects.filter(case=move.case).aggregate(last=Max("number"))["last"] or 0
    report = CaseReport(
        case=move.case, number=last + 1, kind=KINDS[move.name], facts=said["known"], measures=said.get("measures", ""),
        proposed_grade=said.get("proposed_grade", ""), finding=said.get("finding", ""), digest=text_digest(said["known"]),
        author=move.by, unit_id=office_of(move), written_at=move.at,
    )  # fmt: skip
    codes = {name: said[name] for name in ("proposed_grade", "finding") if said.get(name)}
    move.log(report=report.number, text=report.digest, **codes)
    move.add(report)


@effect
def set_grade(move: Move) -> None:
    """data: grade (code), legacy (yes or no), remark (text). Logs what each was before; clocks take the limit now fitting."""
    was: dict[str, Any] = {name: move.case.facts.get(name, "") for name in GRADED}
    now = {name: move.data.get(name) or was[name] for name in GRADED}
    changed = {name: code for name, code in now.items() if code != was[name]}
    move.log(**{"grade": now["grade"], **changed}, was={name: was[name] for name in changed})
    if changed:
        move.set(facts={**move.case.facts, **changed})
    move.note("remark", move.data.get("remark", ""))
