"""What changed between two versions of a lifecycle or a policy, line by line, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflows.approvals.rules import ApprovalRule, ApprovalRulesSpec, agreement, besides, role_labels
from workflows.documents import Document
from workflows.policy import ClockRule, PolicySpec, QuantityRule
from workflows.spec import LifecycleSpec
from workflows.wording import clock_labels

Rule = ClockRule | QuantityRule
PARTS = {"clocks": "时限", "states": "状态", "transitions": "流转"}


def differences(old: LifecycleSpec, new: LifecycleSpec) -> list[str]:
    """Lines `+` added, `-` removed, `~` changed with each field's old and new value; empty where both say the same.

    The order of states and transitions counts only where it is all that changed: pages list them in it.
    """
    lines = [f"~ {line}" for line in _fields(_plain(old), _plain(new)) if line]
    for part, word in PARTS.items():
        lines += _entries(word, getattr(old, part), getattr(new, part))
    if not lines and old != new:
        return ["~ 仅文件中的默认值写法不同"]
    for part, word in PARTS.items():
        before, after = list(getattr(old, part)), list(getattr(new, part))
        if before != after and sorted(before) == sorted(after):
            lines.append(f"~ {word}的先后次序有变")
    return lines


def approval_differences(old: ApprovalRulesSpec, new: ApprovalRulesSpec) -> list[str]:
    """The same of two approval documents, row by row, each with its levels in order."""
    before, after = ({rule.row: rule for rule in spec.approvals} for spec in (old, new))
    clocks = clock_labels()
    lines = [f"~ {line}" for line in _fields(_outside(old), _outside(new))]
    for row in [*before, *(row for row in after if row not in before)]:
        if row not in after:
            lines.append(f"- 条目 {row}（{_route(before[row], clocks)}）")
        elif row not in before:
            lines.append(f"+ 条目 {row}（{_route(after[row], clocks)}）")
        elif before[row] != after[row]:
            a, b = (rule.model_dump(exclude={"levels"}) for rule in (before[row], after[row]))
            lines += [f"~ 条目 {row} {line}" for line in _fields(a, b)]
            if before[row].levels != after[row].levels:
                routes = (_route(rule, clocks) for rule in (before[row], after[row]))
                lines.append(f"~ 条目 {row} 各级：{' → '.join(routes)}")
    kept = [[row for row in rows if row in before and row in after] for rows in (before, after)]
    if kept[0] != kept[1]:
        lines.append("~ 条目的先后次序有变")
    return lines


def _outside(spec: ApprovalRulesSpec) -> dict[str, Any]:
    """What stands outside the rows, roles by their labels."""
    return {
        "code": spec.code,
        "label": spec.label,
        "stand_ins": {role_labels([role]): role_labels([other]) for role, other in spec.stand_ins.items()},
        "fallback": role_labels(spec.fallback),
    }


def _route(rule: ApprovalRule, clocks: Mapping[str, str]) -> str:
    """The levels of a row, each with all it says."""
    levels = []
    for level in rule.levels:
        who = "、".join(filter(None, [role_labels(level.by), *level.people]))
        levels.append(f"{level.label}[{'，'.join([who, agreement(level), *besides(level, clocks)])}]")
    return "，".join(levels) or "不需审批"


def policy_differences(old: PolicySpec, new: PolicySpec) -> list[str]:
    """The same of two policies, rule by rule; the first rule that fits decides, so their order counts."""
    plain = [spec.model_dump(exclude={"rules", "quantities"}) for spec in (old, new)]
    return [
        *(f"~ {line}" for line in _fields(*plain)),
        *_rows(old.rules, new.rules),
        *_rows(old.quantities, new.quantities),
    ]


def _rows(old: Sequence[Rule], new: Sequence[Rule]) -> Iterator[str]:
    before, after = ({rule.row: rule for rule in rules} for rules in (old, new))
    for row in [*before, *(row for row in after if row not in before)]:
        if row not in after:
            yield f"- 条目 {row}（{_sets(before[row])}）"
        elif row not in before:
            yield f"+ 条目 {row}（{_sets(after[row])}）"
        else:
            fields = _fields(before[row].model_dump(), after[row].model_dump())
            yield from (f"~ 条目 {row} {line}" for line in fields)
    kept = [[row for row in rows if row in before and row in after] for rows in (before, after)]
    if kept[0] != kept[1]:
        yield "~ 条目的先后次序有变"


def _sets(rule: Rule) -> str:
    if isinstance(rule, ClockRule):
        return f"{rule.clock} {rule.limit}"
    return f"{rule.quantity} {rule.value}"


def _plain(spec: LifecycleSpec) -> dict[str, Any]:
    """The fields outside the parts, the opening flattened."""
    fields = spec.model_dump(by_alias=True, exclude=set(PARTS))
    opening = fields.pop("opening")
    return {**fields, **{f"opening.{name}": value for name, value in opening.items()}}


def _entries(word: str, old: Mapping[str, Document], new: Mapping[str, Document]) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield f"- {word} {name}（{_label(old[name])}）"
        elif name not in old:
            yield f"+ {word} {name}（{_label(new[name])}）"
        else:
            before, after = (part[name].model_dump(by_alias=True) for part in (old, new))
            yield from (f"~ {word} {name}（{_label(new[name])}）{line}" for line in _fields(before, after))


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field, before in old.items():
        if before != new[field]:
            yield f"{field}：{_shown(before)} → {_shown(new[field])}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "、".join(f"{key}={_shown(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return "、".join(map(str, value)) or "（无）"
    if isinstance(value, bool):
        return "是" if value else "否"
    return "（无）" if value in {None, ""} else str(value)


def _label(entry: Document) -> str:
    return str(entry.label)  # type: ignore[attr-defined]
