"""Duplicates joined to a master: one root, no cycles, an undo. Each keeps its number, person and clock.

While its master's answer is still to come, a duplicate waits for that, and nobody need do anything on it. Whoever may
not see the master reads neither its number nor a word of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cached_property

from django.db import connection
from django.db.models import Max

from opinion.barring import barred_units
from opinion.models import Link, Reply
from workflows.models import Case, Event, Participation, User
from workflows.published import lifecycle
from workflows.registry import LOOKAHEADS
from workflows.scoped import Scoped
from workflows.spec import LifecycleSpec

# All merges queue behind this advisory lock, taken after the case's own row.
_MERGE_LOCK = 7_201_701
REPLY, PART = "reply_merged", "unmerge"
# Clocks that run, or stand still, for as long as a case's person is owed an answer.
ANSWERING = frozenset({"resolve", "redo"})
AGAIN = "redo"
# Those of a duplicate that only its master's answer, or leaving the master, can stop.
MASTERS_CLOCKS = ANSWERING | {"interim", "transfer", "notice", "backstop"}
# Both are the master's word: to its person, and to everybody.
_WORDS = (Reply.Kind.FINAL, Reply.Kind.PUBLISHED)


def master_of(case: Case) -> Case | None:
    """The case this one is merged into, whoever may know of it. One statement, unless it was read ahead."""
    if ahead := _ahead(case):
        return ahead.masters.get(case.pk)
    link = (
        Link.objects.merged().filter(from_case=case).select_related("to_case__lead", "to_case__desk").first()
    )
    return link.to_case if link else None


def merged_with(case: Case) -> set[int]:
    """Ids of the cases answered together with this one: its master, and all that are merged into the same.

    Two statements, unless they were read ahead.
    """
    if (ahead := _ahead(case)) and case.pk in ahead.masters:
        master = ahead.masters[case.pk].pk
        return {master, *ahead.joined[master]} - {case.pk}
    links = Link.objects.merged()
    root = links.filter(from_case=case).values_list("to_case", flat=True).first() or case.pk
    return {root, *links.filter(to_case=root).values_list("from_case", flat=True)} - {case.pk}


def known_to(master: Case, viewer: User) -> bool:
    """Whether this person may see the master. One statement, unless it was read ahead."""
    ahead = _AHEAD.get()
    found = ahead.known if ahead else {}
    if (viewer.pk, master.pk) not in found:
        seen = Case.objects.visible_to(viewer).filter(pk=master.pk).exists()
        found[viewer.pk, master.pk] = seen
    return found[viewer.pk, master.pk]


def named(master: Case, viewer: User) -> str:
    """After a Chinese word: the number, for whoever may see the master; another case otherwise."""
    return f" {master.number}" if known_to(master, viewer) else "另一案件"


def is_duplicate(case: Case) -> bool:
    """Whether it stands merged, its own person unanswered."""
    return case.state in merged_states(lifecycle(case.definition_id))


def merged_states(spec: LifecycleSpec) -> frozenset[str]:
    """States from which a duplicate is answered; none where the kind knows no merging."""
    step = spec.transitions.get(REPLY)
    return frozenset(step.sources) if step else frozenset()


def answering_states(spec: LifecycleSpec) -> frozenset[str]:
    """States in which an answer is still owed, for the first time or again; none where the kind knows no merging."""
    if REPLY not in spec.transitions:
        return frozenset()
    return frozenset(
        name
        for name, state in spec.states.items()
        if not ANSWERING.isdisjoint({*state.clocks, *state.pauses})
    )


def owes_answer(case: Case) -> bool:
    """Its answer is still to come: it was never given, or the case is being handled again."""
    return case.state in answering_states(lifecycle(case.definition_id))


def words_of(master: Case) -> list[Reply]:
    """What it told its person and what it published, newest first. One statement, unless it was read ahead."""
    ahead = _AHEAD.get()
    if ahead and master.pk in ahead.words:
        return ahead.words[master.pk]
    return list(Reply.objects.filter(case=master, kind__in=_WORDS).order_by("-seq", "-id"))


def standing_answer(master: Case) -> Reply | None:
    """What its person was told, where that still holds: neither contradicted by handling the case again nor to come.

    Two statements, unless they were read ahead.
    """
    if owes_answer(master):
        return None
    told = next((reply for reply in words_of(master) if reply.kind == Reply.Kind.FINAL), None)
    return told if told and told.seq > _taken_up_again(master) else None


def _taken_up_again(master: Case) -> int:
    """The same of one. One statement, unless it was read ahead."""
    ahead = _AHEAD.get()
    if ahead and master.pk in ahead.taken_up:
        return ahead.taken_up[master.pk]
    return taken_up_again([master])[master.pk]


def taken_up_again(masters: Iterable[Case]) -> dict[int, int]:
    """Case id → number of the event that last had it handled again; 0 where none did. One statement."""
    cases = list(masters)
    found = {case.pk: 0 for case in cases}
    names = {
        name
        for definition in {case.definition_id for case in cases}
        for name, step in lifecycle(definition).transitions.items()
        if AGAIN in step.restarts
    }
    events = Event.objects.filter(case__in=found, transition__in=names).order_by()
    return found | dict(events.values("case").annotate(last=Max("seq")).values_list("case", "last"))


def together(case: Case, master: Case) -> bool:
    """Restricted with restricted only: otherwise they are not known to the same people."""
    return master.restricted == case.restricted


def unanswered(master: Case) -> str | None:
    """Why nobody can be told yet, or ever, what the master's person was, in Chinese; None if they can."""
    if standing_answer(master) is not None:
        return None
    if not owes_answer(master):
        return f"主案件 {master.number} 没有答复即已结束，请撤销并案，单独办理"
    if any(reply.kind == Reply.Kind.FINAL for reply in words_of(master)):
        return f"主案件 {master.number} 正在重新办理，原答复不再适用，请等新的答复"
    return f"主案件 {master.number} 尚未答复，请先答复主案件"


def unfit(case: Case, master: Case, viewer: User) -> str | None:
    """Why what was merged may not be answered from its master by this person, in Chinese; None if it may."""
    if not known_to(master, viewer):
        return "您看不到主案件，不能并案答复；请由能查看主案件的派单员或审核员答复，或撤销并案"
    if not together(case, master):
        return f"本案与主案件 {master.number} 的知悉范围不同，不能并案答复，请撤销并案，单独办理"
    if reason := unanswered(master):
        return reason
    if _bars(case, master.lead_id):
        return f"主案件 {master.number} 的主办单位是本案的被反映单位，请先撤销并案，另行交办"
    return None


def obstacle(case: Case, master: Case, viewer: User) -> str | None:
    """Why `case` cannot be merged into `master`, in Chinese; None if it can. The viewer may see `master`."""
    if master.pk == case.pk:
        return "不能并入自身，请填写另一件案件的编号"
    if master.kind != case.kind:
        kinds = [lifecycle(each.definition_id).label for each in (master, case)]
        return f"{master.number} 是{kinds[0]}，{kinds[1]}只能并入{kinds[1]}，请填写另一件{kinds[1]}的编号"
    if not (master.is_open or standing_answer(master)):
        return f"{master.number} 已结束且没有答复，不能作为主案件"
    if not together(case, master):
        return "限制知悉的案件不能与普通案件并案"
    if master.lead_id in barred_units(case):
        return f"{master.number} 的主办单位是本案的被反映单位，不能并入"
    root = master_of(master)
    if root is not None:
        known = known_to(root, viewer)
        way = f"请直接并入 {root.number}" if known else "请填写其他案件"
        return f"{master.number} 已并入{named(root, viewer)}，{way}"
    if Link.objects.merged().filter(to_case=case).exists():
        return f"{case.number} 是其他案件的主案件，不能再并入别的案件"
    present = master_of(case)
    return f"{case.number} 已并入{named(present, viewer)}" if present else None


def _bars(case: Case, unit_id: int | None) -> bool:
    """Two statements; none where it was read ahead that the case bars nobody."""
    ahead = _ahead(case)
    return unit_id in barred_units(case) if ahead is None or case.pk in ahead.barring else False


def queue_merges() -> None:
    """Let one merge at a time decide, until the transaction ends: two cases can never be merged into each other.

    SQLite needs nothing: its transaction is the lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MERGE_LOCK])


class _Ahead:
    """Masters of some locked duplicates and what those said, each read for all of them when one is first asked about."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self.ids = {case.pk for case in cases}
        self.known: dict[tuple[int, int], bool] = {}

    @cached_property
    def masters(self) -> dict[int, Case]:
        links = Link.objects.merged().filter(from_case__in=self.ids)
        known: dict[int, Case] = {}
        return {
            link.from_case_id: known.setdefault(link.to_case_id, link.to_case)
            for link in links.select_related("to_case__lead", "to_case__desk")
        }

    @cached_property
    def joined(self) -> dict[int, set[int]]:
        """Master → all that are merged into it."""
        found: dict[int, set[int]] = defaultdict(set)
        masters = {master.pk for master in self.masters.values()}
        for case, master in (
            Link.objects.merged().filter(to_case__in=masters).values_list("from_case", "to_case")
        ):
            found[master].add(case)
        return found

    @cached_property
    def barring(self) -> set[int]:
        """Cases that bar somebody."""
        barred = Participation.objects.filter(role=Participation.Role.BARRED, ended_at=None)
        return set(barred.filter(case__in=self.ids).values_list("case", flat=True))

    @cached_property
    def words(self) -> dict[int, list[Reply]]:
        found: dict[int, list[Reply]] = defaultdict(list)
        masters = {master.pk for master in self.masters.values()}
        for reply in Reply.objects.filter(case__in=masters, kind__in=_WORDS).order_by("-seq", "-id"):
            found[reply.case_id].append(reply)
        return {pk: found[pk] for pk in masters}

    @cached_property
    def taken_up(self) -> dict[int, int]:
        return taken_up_again({master.pk: master for master in self.masters.values()}.values())


_AHEAD: Scoped[_Ahead] = Scoped("masters")


def _ahead(case: Case) -> _Ahead | None:
    found = _AHEAD.get()
    return found if found and case.pk in found.ids else None


def reading_ahead(cases: Iterable[Case]) -> AbstractContextManager[None]:
    """In this context, a question about the master of one of these cases is asked for all of them at once."""
    return _AHEAD.holding(_Ahead(cases))


LOOKAHEADS.add("并案", reading_ahead)
