"""Whether an answer is published: where it must be, where it must not, and what was chosen when it was put up for approval.

The choice is the case fact `publish`, which approval levels ask: what everybody will read is signed by publicity too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opinion.codes import PUBLISH, REPORT
from opinion.merging import standing_answer, words_of
from opinion.models import Message, Reply
from workflows.models import Case, Event

FACT = "publish"
YES, NO = PUBLISH

# Sources on which everybody reads the question, and expects to read the answer. Source: 领导留言板办理办法.
IN_PUBLIC = frozenset({"lb"})


def must_stay_private(case: Case) -> str:
    """Why nothing of a case may be published; empty where it may. One statement at most."""
    if case.restricted:
        return "限制知悉的案件不公开答复，请只答复本人"
    if case.facts.get("type") == REPORT:
        return "举报件不公开答复，请只答复本人"
    if Message.objects.filter(case=case, asked_confidential=True).exists():
        return "留言人要求保密，不公开答复，请只答复本人"
    return ""


def owes_the_public(case: Case) -> bool:
    """Whether its answer is published unless a leader agrees otherwise."""
    return case.facts.get("source") in IN_PUBLIC and not must_stay_private(case)


def may_stay_private(case: Case) -> bool:
    """A leader has agreed, of the wording as it is now. One statement."""
    decided = Event.objects.filter(case=case, transition__in=("approve", "allow_private")).order_by("-seq")
    return decided.values_list("transition", flat=True).first() == "allow_private"


def chosen(case: Case, said: Mapping[str, Any]) -> bool:
    """Whether a draft with this choice is for the public. What is owed to it is chosen already."""
    return owes_the_public(case) or (bool(said.get("public")) and not must_stay_private(case))


def is_for_public(case: Case) -> bool:
    """Whether what is being approved, or was, is to be published. One statement at most."""
    return _was_chosen(case) and not must_stay_private(case)


def _was_chosen(case: Case) -> bool:
    """What was put up before the fact was kept passed publicity where the source alone asks for it."""
    return bool(case.facts.get(FACT, YES if case.facts.get("source") in IN_PUBLIC else NO) == YES)


def obstacle(case: Case) -> str:
    """Why the answer being approved, or approved, is not for the public; empty where it is. One statement at most."""
    if no := must_stay_private(case):
        return no
    if _was_chosen(case):
        return ""
    return "送审时没有选“公开答复”，宣传部门没有审核，只能答复本人；确需公开的，请退回后重新送审，送审时选“公开答复”"


def obstacle_of_merged(case: Case, master: Case | None) -> str:
    """The same of a duplicate: it is published where its master's answer was, in the words that were. Four statements at most."""
    if no := must_stay_private(case):
        return no
    told = standing_answer(master) if master is not None else None
    if master is not None and told is not None:
        # An answer given after the case was handled again is public by its own choice, not by that of the first.
        shown = (reply for reply in words_of(master) if reply.kind == Reply.Kind.PUBLISHED)
        if any(reply.seq == told.seq for reply in shown):
            return ""
    return "主案件的答复没有公开，没有可以公开的文字，请只答复本人"
