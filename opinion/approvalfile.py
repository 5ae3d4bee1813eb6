"""Approvals as pages show them: level by level, who was asked, what each said and when, and what is still to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opinion.awaiting import holds, in_words, offices
from workflows.approvals.rules import ApprovalRule, LevelSpec, agreement
from workflows.approvals.standing import SPOKEN, LevelState, level_state
from workflows.models import Approval, ApprovalTask, Case, Event, Note
from workflows.published import approval_rules, lifecycle
from workflows.registry import FACTS

# What the state of a level is called where colour alone would say it.
STATES: dict[LevelState, str] = {
    "done": "已完成", "now": "审批中", "ahead": "未到", "returned": "已退回", "off": "未进行",
}  # fmt: skip
TALK = ("comments", "remark", "comment")


@dataclass(frozen=True)
class SeatView:
    """One person's part. how: 加签 by whom, 代谁审批, 由谁委派. said: what was written with the decision.

    unit: in which somebody is asked now; empty for a seat that is not open. again: that the same person agreed on a
    level below, and why; empty where they did not.
    """

    seat: ApprovalTask
    how: str
    said: str
    unit: str = ""
    again: str = ""

    @property
    def who(self) -> str:
        """With the unit, while asked."""
        return f"{self.unit} {self.seat.owner}" if self.unit else str(self.seat.owner)

    @property
    def words(self) -> str:
        if self.seat.is_open:
            return "待表态"
        if self.seat.decision == ApprovalTask.Decision.NONE:
            return "不必再表态"
        return str(self.seat.get_decision_display())


@dataclass(frozen=True)
class LevelView:
    """One level. agree: how many have to. state: in one word."""

    name: str
    label: str
    agree: str
    state: LevelState
    seats: tuple[SeatView, ...]

    @property
    def state_label(self) -> str:
        return STATES[self.state]


@dataclass(frozen=True)
class Remark:
    """A word in the thread of an approval."""

    event: Event
    text: str


@dataclass(frozen=True)
class ApprovalView:
    """One approval with all its levels. waits_for: unit and name of those it waits for now.

    has_case: whether the case is with whoever is asked.
    """

    approval: Approval
    label: str
    levels: tuple[LevelView, ...]
    thread: tuple[Remark, ...]
    has_case: bool = False

    @property
    def waits_for(self) -> list[str]:
        return [seat.who for level in self.levels for seat in level.seats if seat.seat.is_open]

    @property
    def awaits(self) -> str:
        """待“第二级 受理台审核”表态；who has to, where the level has anybody."""
        asked = self.waits_for
        words = in_words(self.approval, asks=bool(asked))
        return f"{words}：{'、'.join(asked)}" if asked else words


def approvals_of(case: Case) -> list[ApprovalView]:
    """Every approval of a case, the newest first; three statements, one more while somebody is asked."""
    approvals = list(Approval.objects.filter(case=case).select_related("requester").order_by("-id"))
    if not approvals:
        return []
    by_id = {approval.pk: approval for approval in approvals}
    seats: dict[int, list[ApprovalTask]] = defaultdict(list)
    sat = ApprovalTask.objects.filter(case=case).select_related("owner", "handed_by", "stands_for")
    for seat in sat.order_by("id"):
        seat.process = by_id[seat.process_id]
        seats[seat.process_id].append(seat)
    units = offices(case, (seat for sitting in seats.values() for seat in sitting))
    written: dict[int, list[Note]] = defaultdict(list)
    notes = Note.objects.filter(case=case, kind__in=TALK).select_related("author").order_by("seq", "id")
    for note in notes:
        written[note.seq].append(note)
    talk = Event.objects.filter(case=case, name="approval.discussed", seq__in=written).select_related("actor")
    said = list(talk.order_by("seq"))
    return [_view(case, approval, seats[approval.pk], units, written, said) for approval in approvals]


def _view(
    case: Case, approval: Approval, seats: Sequence[ApprovalTask], units: Mapping[int, str],
    written: dict[int, list[Note]], said: Iterable[Event],
) -> ApprovalView:  # fmt: skip
    declared = lifecycle(case.definition_id).approvals.get(approval.kind)
    levels = [LevelSpec.model_validate(level) for level in approval.levels]
    by_level: dict[int, list[SeatView]] = defaultdict(list)
    for seat in seats:
        text = "；".join(note.text for note in written.get(seat.seq or 0, ()))
        again = _again(seat, seats, levels[seat.level - 1])
        by_level[seat.level].append(SeatView(seat, _how(seat), text, units.get(seat.pk, ""), again))
    thread = tuple(
        Remark(event, written[event.seq][0].text)
        for event in said
        if event.data.get("approval") == approval.kind and event.data.get("round") == approval.round
    )
    return ApprovalView(
        approval,
        declared.label if declared else approval.kind,
        tuple(
            LevelView(
                level.name,
                level.label,
                agreement(
                    level, added=any(_counts(view.seat) for view in by_level[number] if view.seat.extra)
                ),
                level_state(approval, number),
                tuple(by_level[number]),
            )
            for number, level in enumerate(levels, 1)
        ),
        thread,
        holds(approval, case),
    )


def when_in_words(rule: ApprovalRule) -> str:
    """Of which cases a row speaks; empty where of all that no other row fits."""
    found = []
    for fact, codes in rule.when.items():
        labels = FACTS[fact]()
        found.append("、".join(labels.get(code, code) for code in codes))
    return "；".join(found)


def row_in_words(approval: Approval) -> str:
    """By which row of its document an approval goes: the cases it is for, and the source of the rule."""
    rows = approval_rules(approval.rules_id).approvals
    rule = next((each for each in rows if each.row == approval.rule), None)
    if rule is None:
        return ""
    return f"适用于{when_in_words(rule) or '没有另行规定的案件'}（{rule.source}）"


def _counts(seat: ApprovalTask) -> bool:
    """Whether somebody is asked or has decided, rather than having been replaced or not needed any more."""
    return seat.is_open or seat.decision in SPOKEN


def _again(seat: ApprovalTask, seats: Iterable[ApprovalTask], level: LevelSpec) -> str:
    below = {
        other.level
        for other in seats
        if other.owner_id == seat.owner_id and other.level < seat.level and other.decision in SPOKEN
    }
    if not below or not _counts(seat):
        return ""
    asked_for = {str(person.username) for person in (seat.owner, seat.stands_for) if person is not None}
    if seat.extra:
        why = "由加签人选定"
    else:
        why = "审批层级指名" if asked_for & set(level.people) else "没有别人可以审"
    return f"同一人{'连审' if seat.level - 1 in below else '审'}两级：{why}"


def _how(seat: ApprovalTask) -> str:
    parts = []
    if seat.stands_for is not None:
        parts.append(f"代{seat.stands_for}")
    if seat.handed_by is not None:
        parts.append(f"{seat.handed_by}加签" if seat.extra else f"{seat.handed_by}委派")
    return "，".join(parts)
