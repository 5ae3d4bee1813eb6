"""The case list: what can be asked of it, and the rows it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.forms.boundfield import BoundField
from django.utils import timezone

from opinion.awaiting import awaited
from opinion.cohandling import waiting_for
from opinion.forms.base import day
from opinion.keyset import BY_CLOSED, BY_DUE, BY_OPENED, Order
from opinion.merged_waiting import Joined, joined_to
from opinion.models import CoTask
from opinion.roles import helping_units
from opinion.timing import CaseDistances, Distance
from workflows.models import Case, Definition, Unit, User
from workflows.models.case import CaseQuerySet
from workflows.published import lifecycle
from workflows.registry import FACTS
from workflows.worded import WordedForm

PAGE_SIZE = 20
LONGEST_SEARCH = 60

FACTS_ASKED = ("source", "type", "grade")
ALWAYS_SHOWN = ("q", "phase")
HELPING = [("", "全部"), ("own", "等本单位协办"), ("open", "协办未完成"), ("late", "协办逾期")]
PHASES = [("open", "在办"), ("closed", "已办结"), ("archived", "已归档"), ("all", "全部")]


class CaseFilter(WordedForm):
    """The questions a list answers; all optional, kept in the query string."""

    q = forms.CharField(label="编号或标题", max_length=LONGEST_SEARCH, strip=True)
    phase = forms.ChoiceField(label="办理阶段", choices=PHASES)
    state = forms.ChoiceField(label="状态")
    unit = forms.ModelChoiceField(Unit.objects.none(), label="现责任单位", empty_label="全部")
    source = forms.ChoiceField(label="来源")
    type = forms.ChoiceField(label="类型")
    grade = forms.ChoiceField(label="舆情等级")
    kind = forms.ChoiceField(label="类别")
    helping = forms.ChoiceField(label="协办", choices=HELPING)
    due_before = day("到期日不晚于")
    overdue = forms.BooleanField(label="只看逾期")

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        for field in self.fields.values():
            field.required = False
        newest = list(Definition.objects.newest().order_by("code").values_list("code", "label", "pk"))
        states = labelled_states(pk for _, _, pk in newest)
        self._phases = {
            name: state.phase for _, _, pk in newest for name, state in lifecycle(pk).states.items()
        }
        self._offer("state", states)
        self._offer("kind", {code: label for code, label, _ in newest})
        for fact in FACTS_ASKED:
            self._offer(fact, FACTS[fact]())
        unit = self.fields["unit"]
        assert isinstance(unit, forms.ModelChoiceField)
        unit.queryset = Unit.objects.all()
        if len(newest) < 2:
            del self.fields["kind"]

    def _offer(self, name: str, labels: dict[str, str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "全部"), *labels.items()]

    @property
    def order(self) -> Order:
        """Open cases by deadline, closed ones newest first."""
        return {"closed": BY_CLOSED, "archived": BY_CLOSED, "all": BY_OPENED}.get(self._phase, BY_DUE)

    @property
    def further(self) -> list[BoundField]:
        """The questions asked less often."""
        return [self[name] for name in self.fields if name not in ALWAYS_SHOWN]

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked beside the phase; the form is valid."""
        return any(value for name, value in self.cleaned_data.items() if name != "phase")

    @property
    def narrowed_further(self) -> bool:
        return any(field.data for field in self.further)

    @property
    def _phase(self) -> str:
        """A state asked for by name brings its own phase, whatever the field beside it says."""
        return (
            self._phases.get(self.cleaned_data.get("state", "")) or self.cleaned_data.get("phase") or "open"
        )

    def narrow(self, cases: CaseQuerySet, *, by: User, at: datetime) -> CaseQuerySet:
        """Answer the questions of this person; the form is valid."""
        asked = self.cleaned_data
        phase = self._phase
        if phase == "open":
            cases = cases.open()
        elif phase == "closed":
            cases = cases.filter(closed_at__isnull=False, archived_at=None)
        elif phase == "archived":
            cases = cases.filter(archived_at__isnull=False)
        for name in ("state", "unit", "kind"):
            if asked.get(name):
                cases = cases.filter(**{name: asked[name]})
        for fact in FACTS_ASKED:
            if asked[fact]:
                cases = cases.filter(**{f"facts__{fact}": asked[fact]})
        if asked["due_before"]:
            midnight = datetime.combine(
                asked["due_before"] + timedelta(days=1), time(), timezone.get_current_timezone()
            )
            cases = cases.filter(due_at__lt=midnight)
        if asked["helping"]:
            cases = _helped(cases, asked["helping"], by=by, at=at)
        if asked["overdue"]:
            cases = cases.overdue(at=at)
        for word in asked["q"].split():
            cases = cases.filter(Q(number__icontains=word) | Q(title__icontains=word))
        return cases


def _helped(cases: CaseQuerySet, how: str, *, by: User, at: datetime) -> CaseQuerySet:
    if how == "own":
        return cases.filter(waiting_for(helping_units(by)))
    tasks = CoTask.objects.open() if how == "open" else CoTask.objects.late(at=at)
    return cases.filter(Exists(tasks.filter(case=OuterRef("pk"))))


def labelled_states(definitions: Iterable[int]) -> dict[str, str]:
    """state → label over several definitions, the first named first; where kinds call it differently, all labels."""
    labels: dict[str, list[str]] = {}
    for pk in definitions:
        for name, state in lifecycle(pk).states.items():
            known = labels.setdefault(name, [])
            if state.label not in known:
                known.append(state.label)
    return {name: "／".join(known) for name, known in labels.items()}


@dataclass(frozen=True)
class CaseRow:
    """One case in a list. state: its label by the case's own definition. left: until its deadline, None if none runs.

    kind: 群众留言 and the like; type: of a message its type, of an event its grade. asks: it waits for the viewer's unit
    to help, where the list asked for that (`opinion.waiting`). awaits: the level whose signature it waits for. joined: the
    duplicates that wait for its answer.
    """

    case: Case
    state: str
    left: Distance | None
    kind: str
    type: str
    asks: bool
    awaits: str
    joined: Joined | None


def rows_of(cases: Iterable[Case], *, at: datetime) -> list[CaseRow]:
    """Rows for cases whose unit is loaded; six statements at most, however many cases."""
    shown = list(cases)
    distances, types, levels = CaseDistances(at), FACTS["type"](), awaited(shown)
    joined = joined_to(shown)
    grades = FACTS["grade"]() if any("grade" in case.facts for case in shown) else {}
    return [
        CaseRow(
            case,
            lifecycle(case.definition_id).states[case.state].label,
            distances.of(case),
            lifecycle(case.definition_id).label,
            types.get(case.facts.get("type", ""), "") or grades.get(case.facts.get("grade", ""), ""),
            bool(getattr(case, "asks", False)),
            levels.get(case.pk, ""),
            joined.get(case.pk),
        )
        for case in shown
    ]
