"""Talk around an approval; what it decides is kept by the engine and by the effects of the moves it grants."""

from __future__ import annotations

from opinion.wordings import authors_since_answer
from workflows.approvals.standing import running
from workflows.errors import Cannot
from workflows.models import Approval
from workflows.moves import Move
from workflows.registry import effect


@effect
def recuse_authors(move: Move) -> None:
    """Whoever wrote any version since the last answer has no seat in the approval of it."""
    others = authors_since_answer(move.case) - {move.by.pk}
    if others:
        move.log(recused=sorted(others))


@effect
def recuse_askers(move: Move) -> None:
    """Whoever asked for the same since it was last granted has no seat now: the words may be theirs, whoever asks."""
    kinds = [kind for kind, declared in move.lifecycle.approvals.items() if move.name in declared.opens]
    asked = Approval.objects.filter(case=move.case, kind__in=kinds).exclude(requester=move.by)
    granted = Approval.objects.filter(case=move.case, kind__in=kinds, outcome=Approval.Outcome.GRANTED)
    last = granted.order_by("-id").values_list("id", flat=True).first() or 0
    if others := sorted(set(asked.filter(id__gt=last).values_list("requester", flat=True))):
        move.log(recused=others)


@effect
def discuss(move: Move) -> None:
    """data: approval (kind; absent: the first), comment (text). Stays with the round it was said in."""
    kind = move.data.get("approval")
    meant = [approval for approval in running(move.case) if kind in {None, "", approval.kind}]
    if not meant:
        raise Cannot(f"{move.case.number} 没有正在进行的审批")
    move.log(approval=meant[0].kind, round=meant[0].round)
    move.note("comment", move.data["comment"])
