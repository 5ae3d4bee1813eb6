"""What the public is told of an event, each output a record of its own."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from opinion.authors import office_of
from opinion.models import PublicResponse
from workflows.chain import text_digest
from workflows.errors import Cannot
from workflows.moves import Move
from workflows.registry import effect

Kind, Stage = PublicResponse.Kind, PublicResponse.Stage
SETTLE = "settle"


def _keep(
    move: Move, kind: PublicResponse.Kind, stage: PublicResponse.Stage, text: str, *, outlet: str = "",
    happened_at: datetime | None = None,
) -> None:  # fmt: skip
    """Add the next version and put its number and digest on the event."""
    earlier = PublicResponse.objects.filter(case=move.case, kind=kind, stage=stage)
    version = (earlier.aggregate(last=Max("version"))["last"] or 0) + 1
    response = PublicResponse(
        case=move.case, kind=kind, stage=stage, version=version, text=text, digest=text_digest(text), outlet=outlet,
        happened_at=happened_at, author=move.by, unit_id=office_of(move), written_at=move.at,
    )  # fmt: skip
    move.log(output=kind.value, version=version, text=response.digest)
    if happened_at is not None:
        move.log(took_place=happened_at.isoformat())
    move.add(response)


def _newest(move: Move, stage: PublicResponse.Stage) -> PublicResponse:
    found = PublicResponse.objects.filter(case=move.case, kind=Kind.STATEMENT, stage=stage)
    newest = found.order_by("-version").first()
    if newest is None:
        raise Cannot(f"{move.case.number} 还没有{stage.label}")
    return newest


def _wording(move: Move) -> PublicResponse:
    """The statement as it stands: the newest draft, or what an approver made of it since. Raises Cannot."""
    draft = _newest(move, Stage.DRAFTED)
    own = PublicResponse.objects.filter(case=move.case, kind=Kind.STATEMENT, stage=Stage.APPROVED)
    return own.filter(id__gt=draft.pk).order_by("-id").first() or draft


@effect
def propose_information(move: Move) -> None:
    """data: text, outlet. What somebody who may release it is asked to release."""
    move.note("information", move.data["text"])
    move.note("outlet", move.data["outlet"])


@effect
def release_information(move: Move) -> None:
    """data: text (absent: information, as proposed), outlet, happened_at (aware; absent: now): when it went out."""
    said = move.data
    _keep(
        move, Kind.INFORMATION, Stage.PUBLISHED, said.get("text") or said["information"], outlet=said["outlet"],
        happened_at=said.get("happened_at") or move.at,
    )  # fmt: skip


@effect
def record_conference(move: Move) -> None:
    """data: text (what was said), outlet (where), happened_at (aware): when it began."""
    said = move.data
    _keep(
        move, Kind.CONFERENCE, Stage.PUBLISHED, said["text"], outlet=said["outlet"], happened_at=said["happened_at"]
    )  # fmt: skip


@effect
def keep_response_draft(move: Move) -> None:
    """data: text."""
    _keep(move, Kind.STATEMENT, Stage.DRAFTED, move.data["text"])


@effect
def recuse_response_authors(move: Move) -> None:
    """Whoever wrote any draft since the last statement went out has no seat in the approval of this one."""
    own = PublicResponse.objects.filter(case=move.case, kind=Kind.STATEMENT)
    last = own.filter(stage=Stage.PUBLISHED).order_by("-id").values_list("id", flat=True).first() or 0
    drafts = own.filter(stage=Stage.DRAFTED, id__gt=last).exclude(author=move.by)
    if others := sorted(set(drafts.values_list("author", flat=True))):
        move.log(recused=others)


@effect
def keep_response_wording(move: Move) -> None:
    """data: text (an approver's wording; absent or the same: none is kept), remark."""
    now = _wording(move)
    text = move.data.get("text") or now.text
    if text != now.text:
        _keep(move, Kind.STATEMENT, Stage.APPROVED, text)
    move.note("remark", move.data.get("remark", ""))


@effect
def keep_response_approved(move: Move) -> None:
    """What the last approver left of the draft is what is approved."""
    now = _wording(move)
    if now.stage == Stage.APPROVED:
        move.log(output=now.kind, version=now.version, text=now.digest)
    else:
        _keep(move, Kind.STATEMENT, Stage.APPROVED, now.text)
    move.log(draft=_newest(move, Stage.DRAFTED).version)


@effect
def publish_response(move: Move) -> None:
    """data: outlet, happened_at (aware). What was approved is what is said."""
    approved = _newest(move, Stage.APPROVED)
    said = move.data
    _keep(
        move, Kind.STATEMENT, Stage.PUBLISHED, approved.text, outlet=said["outlet"], happened_at=said["happened_at"]
    )  # fmt: skip
    move.log(approved=approved.version)


@effect
def begin_settling(move: Move) -> None:
    """What is to be put right on the ground runs from the first answer: another statement sets it no new day.

    Only a state that lists the clock has it begin: taken back to where nothing was answered yet, nothing does.
    """
    if not move.case.clocks.going().filter(kind=SETTLE).exists():
        move.begin(SETTLE)
