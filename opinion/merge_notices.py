"""The catalogue of notices for merging: who stops and goes on, and who sees to the duplicates of what ended unanswered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifications.directory import Directory, Pair
from notifications.registry import CATALOGUE, Audience, InOneGo, Silent, StillTrue, Told
from opinion.audiences import assisting, dispatchers, handlers, heads, together
from opinion.due_words import minute
from opinion.merged_waiting import joined_to, left_unanswered
from opinion.notices import UNIT_FALLBACKS, news, rung_urgency, still_open, still_there, work
from opinion.recipients import below_the_rung, unit_on_the_rung
from workflows.models import Event
from workflows.published import ladder
from workflows.registry import ROLES

# Who sees to a duplicate at its desk.
SEEING_TO = ("dispatcher", "confidential_officer")


def of_the_left(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Whoever dispatches the duplicates that a case left unanswered when it ended."""
    left = left_unanswered({event.case_id for event in events})
    desks = {case.desk_id for cases in left.values() for case in cases}
    posts = directory.holders({(role, desk) for role in SEEING_TO for desk in desks})
    for event in events:
        for case in left.get(event.case_id, ()):
            for role in SEEING_TO:
                for user in posts[role, case.desk_id]:
                    if ROLES[role].may(case, user):
                        yield event, user


def ended_unanswered(sentence: str, audience: Audience) -> Told:
    """Its units stop; what was merged into it has to be handled by itself."""

    def say(events: Sequence[Event]) -> dict[int, str]:
        left = left_unanswered({event.case_id for event in events})
        return {
            event.pk: f"{event.case.number} {sentence}"
            + (
                f"；并入的 {len(cases)} 件没有答复，请撤销并案，单独办理"
                if (cases := left.get(event.case_id))
                else ""
            )
            for event in events
        }

    return Told(InOneGo(say), together(audience, of_the_left), must_reach=False)


def still_joined(events: Sequence[Event]) -> set[int]:
    """Something waits for the case's answer, and that is still to come."""
    joined = joined_to({event.case_id: event.case for event in events}.values())
    return {event.pk for event in events if event.case_id in joined}


def pressed() -> Told:
    """Something that waits for the case's answer climbs its ladder: the same people of its unit as the rung names."""

    def say(events: Sequence[Event]) -> dict[int, str]:
        joined = joined_to({event.case_id: event.case for event in events}.values())
        said = {}
        for event in events:
            rung = ladder(int(event.data["ladder"])).named[str(event.data["rung"])]
            due_at = joined[event.case_id].due_at if event.case_id in joined else None
            until = f"，最早 {minute(due_at)} 到期" if due_at else ""
            said[event.pk] = f"{event.case.number} 并入的案件{rung.label}，请尽快答复{until}"
        return said

    still: StillTrue = still_joined
    return Told(
        InOneGo(say),
        unit_on_the_rung,
        (*UNIT_FALLBACKS, below_the_rung),
        urgency=rung_urgency,
        still_true=still,
    )


MERGE_NOTICES: dict[str, Told | Silent] = {
    "message.merged": news("已并入他案，请停止单独办理", together(handlers, heads, assisting), still_true=still_there),
    "message.unmerged": work("已撤销并案，请继续办理", together(handlers, heads, dispatchers), still_true=still_open),
    "message.pressed": pressed(),
    # ---- 没有答复即结束
    "message.referred": ended_unanswered("已转法定途径，请停止办理", together(handlers, heads, assisting)),
    "message.withdrawn": ended_unanswered("留言人已撤回，请停止办理", together(handlers, heads, assisting)),
    "message.closed_unanswered": ended_unanswered(
        "已批准不答复办结，请停止办理", together(handlers, heads, assisting, dispatchers)
    ),
}  # fmt: skip

for _name, _declared in MERGE_NOTICES.items():
    CATALOGUE.add(_name, _declared)
