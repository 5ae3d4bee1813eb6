"""The two tables that can be exported, column by column.

No identity is among them, and of what the person wrote only the case's title, in which registering has masked numbers
and the writer's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db.models import Case as When_
from django.db.models import CharField, F, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Concat

from opinion.exports.columns import Column, Kind
from opinion.exports.request import ExportRequest, cases_of, events_of
from opinion.models import Code
from workflows.models import Definition, Unit, User
from workflows.wording import CLOCK_EVENTS, ENGINE_EVENTS

# A complaint that names an official leaves as a number and its dates only.
RESTRICTED_TITLE = "（限制知悉）"


def table(request: ExportRequest, user: User) -> tuple[Any, list[Column]]:
    """The rows to export, as a queryset of tuples in the order of the columns. Raises ExportRefused."""
    if request.what == "cases":
        columns, rows = case_columns(), cases_of(request, user)
    else:
        columns, rows = event_columns(), events_of(request, user)
    return rows.values_list(*(_expression(column) for column in columns)), columns


def _expression(column: Column) -> Any:
    return F(column.expression) if isinstance(column.expression, str) else column.expression


def case_columns() -> list[Column]:
    """Labels are read when asked, so that an export shows today's names."""
    units, states, kinds = _units(), _states(), _kinds()
    codes = {name: _codes(name) for name in ("source", "type", "domain", "urgency", "complexity", "grade")}
    restricted = When_(
        When(restricted=True, then=Value(RESTRICTED_TITLE)), default=F("title"), output_field=CharField()
    )
    return [
        Column("编号", "number"),
        Column("类别", "kind", Kind.LABEL, kinds),
        Column("标题", restricted),
        Column("状态", _of_definition("definition_id", F("state")), Kind.LABEL, states),
        Column("来源", "message__source", Kind.LABEL, codes["source"]),
        Column("来源编号", "message__external_number"),
        Column("类型", "message__type", Kind.LABEL, codes["type"]),
        Column("领域", "message__domain", Kind.LABEL, codes["domain"]),
        Column("紧急程度", "message__urgency", Kind.LABEL, codes["urgency"]),
        Column("复杂程度", "message__complexity", Kind.LABEL, codes["complexity"]),
        Column("舆情等级", KeyTextTransform("grade", "facts"), Kind.LABEL, codes["grade"]),
        Column("受理台", "desk_id", Kind.LABEL, units),
        Column("主办单位", "lead_id", Kind.LABEL, units),
        Column("现责任单位", "unit_id", Kind.LABEL, units),
        Column("留言时间", "message__received_at", Kind.MOMENT),
        Column("登记时间", "opened_at", Kind.MOMENT),
        Column("进入本状态时间", "state_since", Kind.MOMENT),
        Column("最近时限", "due_at", Kind.MOMENT),
        Column("时限暂定", "provisional", Kind.FLAG),
        Column("办结时间", "closed_at", Kind.MOMENT),
        Column("归档时间", "archived_at", Kind.MOMENT),
        Column("限制知悉", "restricted", Kind.FLAG),
        Column("催督级别", "rung", Kind.NUMBER),
        Column("事件数", "rev", Kind.NUMBER),
        Column("链首", "head"),
    ]


def event_columns() -> list[Column]:
    states = _states()
    return [
        Column("编号", "case__number"),
        Column("序号", "seq", Kind.NUMBER),
        Column("事件", _event_key(), Kind.LABEL, _event_labels()),
        Column("事件代码", "name"),
        Column("经手人", "actor_id", Kind.LABEL, _users()),
        Column("其后责任单位", "unit_id", Kind.LABEL, _units()),
        Column("原状态", _of_definition("case__definition_id", F("source")), Kind.LABEL, states),
        Column("新状态", _of_definition("case__definition_id", F("target")), Kind.LABEL, states),
        Column("发生时间", "happened_at", Kind.MOMENT),
        Column("记录时间", "recorded_at", Kind.MOMENT),
        Column("数据", Cast("data", TextField()), Kind.JSON),
        Column("摘要", "digest"),
    ]


def _of_definition(definition: str, code: Any) -> Any:
    """`<definition>:<code>`: the same code may have another label in another version."""
    return Concat(Cast(definition, CharField()), Value(":"), code, output_field=CharField())


def _states() -> dict[str, str]:
    # The first event of a case comes from no state.
    return _by_definition(
        lambda spec: {"": "", **{code: state["label"] for code, state in dict(spec["states"]).items()}}
    )


def _event_key() -> Any:
    """`<definition>:<which>`, which being t.<transition>, c.<clock missed> or e.<event>."""
    which = When_(
        When(transition__gt="", then=Concat(Value("t."), F("transition"))),
        When(
            name__in=list(CLOCK_EVENTS),
            then=Concat(
                Value("c."),
                F("name"),
                Value("."),
                KeyTextTransform("clock", "data"),
                output_field=CharField(),
            ),
        ),
        default=Concat(Value("e."), F("name")),
        output_field=CharField(),
    )
    return _of_definition("case__definition_id", which)


def _event_labels() -> dict[str, str]:
    def labels(spec: dict[str, Any]) -> dict[str, str]:
        named = {f"e.{name}": label for name, label in ENGINE_EVENTS.items()}
        named[f"e.{spec['opening']['event']}"] = "登记"
        named |= {f"t.{name}": move["label"] for name, move in dict(spec["transitions"]).items()}
        return named | {
            f"c.{event}.{name}": f"{word}：{clock['label']}"
            for name, clock in dict(spec["clocks"]).items()
            for event, word in CLOCK_EVENTS.items()
        }

    return _by_definition(labels)


def _by_definition(labels: Callable[[dict[str, Any]], dict[str, str]]) -> dict[str, str]:
    """`<definition>:<name>` → label, by the case's version; a name it has lost, by the newest version that knew it.

    Documents are read as they were stored: an old version may use names that are no longer registered.
    """
    documents = list(Definition.objects.order_by("version").values_list("code", "pk", "spec"))
    known: dict[str, dict[str, str]] = defaultdict(dict)
    for code, _, spec in documents:
        known[code] |= labels(spec)
    found: dict[str, str] = {}
    for code, pk, spec in documents:
        found |= {f"{pk}:{name}": label for name, label in (known[code] | labels(spec)).items()}
    return found


def _kinds() -> dict[str, str]:
    return {
        definition.code: definition.label
        for definition in Definition.objects.newest().defer("source", "spec")
    }


def _units() -> dict[str, str]:
    return {str(pk): name for pk, name in Unit.objects.values_list("pk", "name")}


def _users() -> dict[str, str]:
    return {str(user.pk): str(user) for user in User.objects.all()}


def _codes(name: str) -> dict[str, str]:
    return dict(Code.objects.of(name).values_list("code", "label"))
