"""What was asked for, from the events that asked: their codes, notes and the wordings they carry by digest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from opinion.casefile import CodeLabels
from opinion.clock_names import name_of
from opinion.deciding.matter import Matter, Passage
from opinion.due_words import minute
from opinion.models import PublicResponse, Reply
from opinion.timeline import NOTE_LABELS, details_of
from workflows import extensions
from workflows.limits import Limit
from workflows.models import Approval, Case, Event, Extension
from workflows.published import lifecycle
from workflows.wording import event_label

REPLY_LABELS = {
    Reply.Kind.DRAFT: "拟答复全文",
    Reply.Kind.APPROVED: "审定的答复全文",
    Reply.Kind.FINAL: "已答复本人的全文",
    Reply.Kind.WORDING: "拟公开的文字",
    Reply.Kind.PUBLISHED: "已公开的文字",
    Reply.Kind.INTERIM: "阶段性答复",
}
# Under these names an event carries digests of wordings.
WORDINGS = ("text", "public_text")
T = TypeVar("T", Reply, PublicResponse)


def matters(
    case: Case, log: Sequence[Event], approvals: Sequence[Approval], codes: CodeLabels, *, standing: bool
) -> list[Matter]:
    """What those approvals are about, what signers made of it, and the texts by which the case came to stand where it stands.

    log: of the case, oldest first. standing: whether to say the last. Five statements at most, and those that name the
    clock of an extension.
    """
    spec = lifecycle(case.definition_id)
    by_seq = {event.seq: event for event in log}
    found: dict[int, tuple[Event, str, Approval | None]] = {}
    for approval in approvals:
        if (asking := by_seq.get(approval.seq)) is None:
            continue
        declared = spec.approvals.get(approval.kind)
        found[asking.seq] = (asking, f"申请事项：{declared.label if declared else approval.kind}", approval)
        reworded = [e for e in log if declared and e.transition == declared.signs and _reworded(e, approval)]
        for event in reworded[-1:]:
            found[event.seq] = (event, f"{event_label(case, event)}时改定", None)
    for entry in entered_by(case, log) if standing else ():
        found.setdefault(entry.seq, (entry, event_label(case, entry), None))
    read = _Reader(case, [event for event, _, _ in found.values()], codes)
    said = [read.matter(event, title, approval) for event, title, approval in found.values()]
    return [matter for matter in said if matter.approval or matter.passages]


def _reworded(event: Event, approval: Approval) -> bool:
    return event.seq > approval.seq and isinstance(event.data.get("text"), str)


def entered_by(case: Case, log: Iterable[Event]) -> list[Event]:
    """How the case came into its state, and what brought it back there, where it has been away since; not its opening."""
    spec = lifecycle(case.definition_id)
    back = {name for name, step in spec.transitions.items() if step.to == "resume"}
    came = [event for event in log if event.target == case.state != event.source and event.source]
    first = [event for event in came if event.transition not in back][-1:]
    return list(dict.fromkeys([*first, *came[-1:]]))


class _Reader:
    """Everything that lies beside some events, read at once."""

    def __init__(self, case: Case, events: Sequence[Event], codes: CodeLabels) -> None:
        self.case = case
        self.details = details_of(events, codes, lifecycle(case.definition_id))
        self.notes: dict[int, list[Passage]] = defaultdict(list)
        for note in case.notes.filter(seq__in=[event.seq for event in events]).order_by("seq", "id"):
            self.notes[note.seq].append(Passage(NOTE_LABELS.get(note.kind, "说明"), note.text))
        digests = {d for e in events for name in WORDINGS if isinstance(d := e.data.get(name), str)}
        replies = Reply.objects.filter(case=case).order_by("id") if digests else []
        self.replies = list(replies)
        said = PublicResponse.objects.filter(case=case, digest__in=digests).order_by("id") if digests else []
        self.responses = list(said)

    def matter(self, event: Event, title: str, approval: Approval | None) -> Matter:
        facts = list(self.details.get(event.seq, ()))
        if event.data.get("clock") and event.data.get("amount"):
            facts += self._until(event)
        passages = [*self.notes[event.seq]]
        for reply in self._wordings(event):
            passages.append(Passage(REPLY_LABELS[Reply.Kind(reply.kind)], reply.text))
            if reply.kind == Reply.Kind.DRAFT:
                facts.append(("公开答复", "审定后在来源平台公开" if reply.public else "不公开，只答复本人"))
        for response in _carried(event, self.responses):
            label = f"{response.get_kind_display()}{response.get_stage_display()}全文"
            passages.append(Passage(label, response.text))
        return Matter(title, str(event.actor), event.happened_at, facts, passages, approval)

    def _wordings(self, event: Event) -> list[Reply]:
        """With what the public reads in place of a wording that has its own for it."""
        carried = _carried(event, self.replies)
        seqs = {reply.seq for reply in carried if reply.kind == Reply.Kind.APPROVED}
        own = [r for r in self.replies if r.kind == Reply.Kind.WORDING and r.seq in seqs and r not in carried]
        return [*carried, *own]

    def _until(self, event: Event) -> Iterable[tuple[str, str]]:
        asked = Extension.objects.filter(case=self.case, seq=event.seq).select_related("clock").first()
        if asked is None:
            return
        clock = asked.clock
        clock.case = self.case
        yield "时限", name_of(clock)
        if clock.is_going:
            yield "现到期", minute(clock.due_at)
            yield "延至", minute(extensions.reaches(clock, Limit.parse(asked.amount)))


def _carried(event: Event, rows: Sequence[T]) -> list[T]:
    """The rows whose digests an event carries: its own, or the newest that say the same."""
    digests: Mapping[str, None] = dict.fromkeys(
        d for name in WORDINGS if isinstance(d := event.data.get(name), str)
    )
    found = []
    for digest in digests:
        same = [row for row in rows if row.digest == digest]
        found += [row for row in same if row.seq == event.seq][-1:] or same[-1:]
    return found
