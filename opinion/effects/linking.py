"""Joining duplicates to a master and answering them from it."""

from __future__ import annotations

from opinion.effects.dispatching import take_on
from opinion.effects.replying import keep, keep_public
from opinion.merging import master_of, obstacle, queue_merges, standing_answer
from opinion.models import Link, Reply
from opinion.wordings import text_for_public
from workflows.errors import Cannot
from workflows.models import Case
from workflows.moves import Move
from workflows.registry import effect


@effect
def join_master(move: Move) -> None:
    """data: master (case id), remark. Asks again behind the lock of all merges what the guard asked before it."""
    queue_merges()
    master = Case.objects.get(pk=move.data["master"])
    reason = obstacle(move.case, master, move.by)
    if reason:
        raise Cannot(reason)
    move.add(
        Link(from_case=move.case, to_case=master, kind=Link.Kind.MERGED, made_by=move.by, made_at=move.at)
    )
    move.log(master=master.pk)
    move.note("remark", move.data.get("remark", ""))


@effect
def leave_master(move: Move) -> None:
    link = Link.objects.merged().get(from_case=move.case)
    move.log(master=link.to_case_id)
    Link.objects.merged().filter(pk=link.pk).update(ended_at=move.at)


@effect
def note_pressure(move: Move) -> None:
    """data: ladder (id), rung (name), duplicate (case id): on which rung a case merged into this one stands."""
    move.log(ladder=move.data["ladder"], rung=move.data["rung"], duplicate=move.data["duplicate"])


@effect
def link_matter(move: Move) -> None:
    """data: other (case id), remark. Both stay as they are; whoever may see both is shown the tie."""
    other = int(move.data["other"])
    if other == move.case.pk or Link.objects.matters_of(move.case).filter(to_case=other).exists():
        raise Cannot(f"{move.case.number} 已关联这件案件，或就是它自己")
    move.add(
        Link(
            from_case=move.case,
            to_case_id=other,
            kind=Link.Kind.SAME_MATTER,
            made_by=move.by,
            made_at=move.at,
        )
    )
    move.log(other=other)
    move.note("remark", move.data.get("remark", ""))


@effect
def unlink_matter(move: Move) -> None:
    """data: other (case id), remark."""
    tied = Link.objects.matters_of(move.case)
    link = tied.filter(to_case=move.data["other"]).first()
    if link is None:
        raise Cannot(f"{move.case.number} 没有关联这件案件")
    tied.filter(pk=link.pk).update(ended_at=move.at)
    move.log(other=link.to_case_id)
    move.note("remark", move.data.get("remark", ""))


@effect
def reply_from_master(move: Move) -> None:
    """data: text, public; public_text, stands, stands_because as in `keep_approved`.

    The person gets an own copy; the master's unit answers for it where no other did yet.
    """
    master = master_of(move.case)
    if master is None or master.lead_id is None:
        raise Cannot(f"{move.case.number} 的主案件没有主办单位")
    if move.case.lead_id is None:
        take_on(move, master.lead_id)
    said = standing_answer(master)
    public = bool(move.data.get("public", False))
    keep(move, Reply.Kind.FINAL, move.data["text"], result=said.result if said else "", public=public)
    move.log(public=public, master=master.pk)
    if public:
        keep_public(
            move, Reply.Kind.PUBLISHED, text_for_public(move.data["text"], move.data.get("public_text") or "")
        )
