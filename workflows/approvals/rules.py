"""Approval documents: which levels a matter passes for which cases, who sits in each, and who stands in.

Rows are tried from the top as in a policy; a row without levels means that no approval is needed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import chain
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from workflows.conditions import Row, by_subject, odd_rows
from workflows.documents import Document, Label, Name, Names, listed, load_yaml, validate
from workflows.registry import ROLES
from workflows.spec import LifecycleSpec

ANY, ALL, SEQUENCE = "any", "all", "sequence"
MOST_PEOPLE = 99


def _agreement(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_PEOPLE
    if not number and value not in (ANY, ALL, SEQUENCE):
        raise ValueError(
            "agree 应为 any（一人同意即可）、all（全部同意）、sequence（依次同意）"
            f"或至少几人（1 至 {MOST_PEOPLE} 的整数）"
        )
    return value


Agreement = Annotated[Literal["any", "all", "sequence"] | int, BeforeValidator(_agreement)]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("有重复的名字，请删去")
    return names


class LevelSpec(Document):
    """One level. by: roles whose holders sit in it; people: usernames of those who sit in it by name.

    agree: `any` one of them, `all`, `sequence` (all, one after the other, roles in the order written) or at least so
    many. fresh: nobody who decided in an earlier round of the same matter. clock: the clock that runs here, instead of
    the one the lifecycle names. copy_to: roles told when the level begins, without a seat.
    """

    name: Name
    label: Label
    by: Annotated[Names, AfterValidator(_distinct)] = ()
    people: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_distinct)] = ()
    agree: Agreement = "any"
    fresh: bool = False
    clock: Name | None = None
    copy_to: Names = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.by and not self.people:
            raise ValueError("没有写由谁审批，请写 by（角色）或 people（用户名）")
        return self


class ApprovalRule(Row):
    """One row: this matter, for cases whose facts fit every entry of `when`, passes these levels."""

    approval: Name
    levels: tuple[LevelSpec, ...]
    source: Label
    note: str = ""


class ApprovalRulesSpec(Document):
    """A whole document. stand_ins: role → the role that sits in its place where it has nobody who may.

    fallback: roles asked, in turn, where neither a level nor its stand-ins have anybody; an alert is raised then.
    """

    code: Name
    label: Label
    stand_ins: dict[Name, Name] = {}
    fallback: Annotated[Names, Field(min_length=1)]
    approvals: Annotated[tuple[ApprovalRule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def rule(self, approval: str, facts: Mapping[str, str]) -> ApprovalRule:
        """The first row that fits. `unserved` made sure that there is one."""
        return next(rule for rule in self._by_approval[approval] if rule.fits(facts))

    def chain(self, role: str) -> Iterable[str]:
        """The role and those that stand in for it, in order."""
        while role:
            yield role
            role = self.stand_ins.get(role, "")

    def sitting(self, level: LevelSpec) -> list[str]:
        """Every role whose holders may come to sit in a level."""
        chains = (self.chain(name) for name in level.by)
        return list(dict.fromkeys([*chain.from_iterable(chains), *self.fallback]))

    def unserved(self, lifecycle: LifecycleSpec) -> Iterable[str]:
        """What keeps this document from serving a lifecycle."""
        for name in lifecycle.approvals:
            if not any(not rule.when for rule in self._by_approval.get(name, ())):
                yield f"approvals: 审批事项 {name} 缺少不带 when 的兜底条目，流程 {lifecycle.code} 需要它"
        for index, rule in enumerate(self.approvals):
            declared = lifecycle.approvals.get(rule.approval)
            for number, level in enumerate(rule.levels):
                at = f"approvals.{index}.levels.{number}.clock"
                if level.clock is None or declared is None:
                    continue
                states = [lifecycle.states[state] for state in declared.during]
                clock = lifecycle.clocks.get(level.clock)
                if (
                    clock is None
                    or clock.counts != "called"
                    or any(level.clock not in s.clocks for s in states)
                ):
                    yield f"{at}: “{level.clock}” 不是流程 {lifecycle.code} 在此事项各状态中可起算（counts: called）的时限"
                elif level.clock not in lifecycle.beside:
                    yield f"{at}: “{level.clock}” 是案件本身的时限；请在流程 {lifecycle.code} 中为审批另列一个，写明 beside: true"

    @cached_property
    def _by_approval(self) -> dict[str, list[ApprovalRule]]:
        return by_subject(self.approvals, lambda rule: rule.approval)

    @cached_property
    def usernames(self) -> frozenset[str]:
        return frozenset(name for rule in self.approvals for level in rule.levels for name in level.people)

    @cached_property
    def roles(self) -> frozenset[str]:
        """Roles that sit in some level or are the last resort."""
        sitting = (name for rule in self.approvals for level in rule.levels for name in level.by)
        return frozenset([*sitting, *self.fallback])

    def _problems(self) -> Iterable[str]:
        yield from odd_rows("approvals", self.approvals, lambda rule: rule.approval, set())
        for index, rule in enumerate(self.approvals):
            at = f"approvals.{index}"
            names: set[str] = set()
            for number, level in enumerate(rule.levels):
                here = f"{at}.levels.{number}"
                if level.name in names:
                    yield f"{here}.name: “{level.name}” 重复，请改名"
                names.add(level.name)
                yield from _unknown_roles(f"{here}.by", level.by)
                yield from _unknown_roles(f"{here}.copy_to", level.copy_to)
        yield from _unknown_roles("fallback", self.fallback)
        for role in self.stand_ins:
            yield from _unknown_roles(f"stand_ins.{role}", (role, self.stand_ins[role]))
        yield from self._rings()

    def _rings(self) -> Iterable[str]:
        """Roles that stand in for each other round and round: nobody would ever be found."""
        for start in self.stand_ins:
            passed, role = [start], self.stand_ins[start]
            while role in self.stand_ins and role not in passed:
                passed.append(role)
                role = self.stand_ins[role]
            if role == start and start == min(passed):
                yield f"stand_ins.{start}: 代审角色绕成了圈：{' → '.join([*passed, role])}，请断开一处"


def agreement(level: LevelSpec, *, added: bool = False) -> str:
    """How a level is agreed, in words. added: somebody was asked besides (加签), without whom it is not over."""
    words = {ANY: "一人同意即可", ALL: "须全部同意", SEQUENCE: "依次同意"}
    how = words.get(str(level.agree), f"至少 {level.agree} 人同意")
    return f"{how}，加签的也须同意" if added else how


def besides(level: LevelSpec, clock_labels: Mapping[str, str]) -> list[str]:
    """What else a level says beyond who agrees and how, in words."""
    said = ["不由审过前几轮的人审"] if level.fresh else []
    if level.copy_to:
        said.append(f"抄送{role_labels(level.copy_to)}")
    if level.clock is not None:
        said.append(f"时限为{clock_labels.get(level.clock, level.clock)}")
    return said


def role_labels(names: Iterable[str]) -> str:
    return "、".join(ROLES[name].label for name in names)


def _unknown_roles(at: str, names: Iterable[str]) -> Iterable[str]:
    """Roles nobody registered, and those nobody can be given: such a level would never have anybody."""
    for name in names:
        if name not in ROLES or not ROLES[name].given:
            why = "不能授予任何人" if name in ROLES else "未登记"
            given = (known for known, role in ROLES.items() if role.given)
            yield f"{at}: 角色 “{name}” {why}；可用的有：{'、'.join(given)}"


def parse(text: str, origin: str) -> ApprovalRulesSpec:
    """Read and check one approval document. Raises SpecError."""
    return validate(ApprovalRulesSpec, load_yaml(text, origin), origin)
