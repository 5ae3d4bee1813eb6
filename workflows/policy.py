"""Deadlines documents: which limit each clock has, for which cases, and by which source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from workflows.conditions import Row, by_subject, odd_rows
from workflows.documents import Document, Label, Name, Names, load_yaml, validate
from workflows.limits import Limit, LimitError
from workflows.registry import QUANTITIES
from workflows.spec import LifecycleSpec

NO_LIMIT = "none"


def _limit(text: str) -> str:
    if text == NO_LIMIT:
        return text
    try:
        return str(Limit.parse(text))
    except LimitError as error:
        raise ValueError(str(error)) from error


def _amount(text: str) -> str:
    if text == NO_LIMIT:
        raise ValueError("这里须写出时长，不能写 none")
    return _limit(text)


Amount = Annotated[str, AfterValidator(_amount)]


class ExtensionRule(Document):
    """How far a limit may be extended: each time at most `each`, at most `times` times, together at most `total`.

    One unit for both lengths.
    """

    each: Amount
    times: int = Field(ge=1, le=99)
    total: Amount

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        each, total = Limit.parse(self.each), Limit.parse(self.total)
        if each.unit is not total.unit:
            raise ValueError(f"each（{each}）与 total（{total}）应使用同一单位")
        if each.amount > total.amount:
            raise ValueError(f"each（{each}）不能超过 total（{total}）")
        return self


class ClockRule(Row):
    """One row: this clock, for cases whose facts fit every entry of `when`, has this limit; `none`: no such clock.

    in_total: the most that all cycles of this clock in one case may use together. extension: absent, none is granted.
    ladder: code of the ladder it climbs; without one only its miss is logged. chosen: whoever makes the move that begins
    the clock chooses until when, and `limit` is the longest there is to choose.
    """

    clock: Name
    limit: Annotated[str, AfterValidator(_limit)]
    in_total: Amount | None = None
    extension: ExtensionRule | None = None
    ladder: Name | None = None
    chosen: bool = False
    source: Label
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.limit == NO_LIMIT and (self.in_total or self.extension):
            raise ValueError("limit 为 none 的条目不能有 in_total 或 extension")
        if self.chosen and (self.limit == NO_LIMIT or self.in_total):
            raise ValueError("chosen 的条目须写明最长期限 limit，且不能有 in_total")
        return self

    @cached_property
    def parsed_limit(self) -> Limit | None:
        return None if self.limit == NO_LIMIT else Limit.parse(self.limit)


class QuantityRule(Row):
    """One row: this quantity has this value for cases whose facts fit every entry of `when`."""

    quantity: Name
    value: int
    source: Label
    note: str = ""


class PolicySpec(Document):
    """A policy. Rules are tried from the top; the first that fits decides, so each clock ends in a plain one.

    quantities: numbers other than lengths of time, tried the same way; where none fits, the registered default holds.
    """

    code: Name
    label: Label
    calendar: Name
    kinds: Names
    rules: tuple[ClockRule, ...] = Field(min_length=1)
    quantities: tuple[QuantityRule, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def rule(self, clock: str, facts: Mapping[str, str]) -> ClockRule:
        """The first rule that fits. `serves` made sure that there is one."""
        return next(rule for rule in self._by_clock[clock] if rule.fits(facts))

    def quantity(self, name: str, facts: Mapping[str, str]) -> tuple[int, str]:
        """Value of a registered quantity, and the row that says so; empty where the default holds."""
        rule = next((rule for rule in self.quantities if rule.quantity == name and rule.fits(facts)), None)
        return (rule.value, rule.row) if rule else (QUANTITIES[name].default, "")

    def knows(self, clock: str) -> bool:
        """Whether it says anything of this clock."""
        return clock in self._by_clock

    @cached_property
    def ladders(self) -> tuple[str, ...]:
        """Codes of the ladders its rules name."""
        return tuple(sorted({rule.ladder for rule in self.rules if rule.ladder}))

    def row(self, name: str) -> ClockRule | None:
        """The rule of that row, None where there is none."""
        return self._by_row.get(name)

    def unserved(self, lifecycle: LifecycleSpec) -> Iterable[str]:
        """What keeps this policy from serving a lifecycle: a clock without a rule for every case."""
        for name in lifecycle.clocks:
            if not any(not rule.when for rule in self._by_clock.get(name, ())):
                yield f"rules: 时限 {name} 缺少不带 when 的兜底条目，流程 {lifecycle.code} 需要它"

    @cached_property
    def _by_row(self) -> dict[str, ClockRule]:
        return {rule.row: rule for rule in self.rules}

    @cached_property
    def _by_clock(self) -> dict[str, list[ClockRule]]:
        return by_subject(self.rules, lambda rule: rule.clock)

    def _problems(self) -> Iterable[str]:
        names: set[str] = set()
        yield from odd_rows("rules", self.rules, lambda rule: rule.clock, names)
        yield from odd_rows("quantities", self.quantities, lambda rule: rule.quantity, names)
        for index, rule in enumerate(self.quantities):
            at = f"quantities.{index}"
            if rule.quantity not in QUANTITIES:
                yield f"{at}.quantity: 数值 “{rule.quantity}” 未登记；可用的有：{'、'.join(QUANTITIES)}"
                continue
            declared = QUANTITIES[rule.quantity]
            if not declared.least <= rule.value <= declared.most:
                yield f"{at}.value: {declared.label}应在 {declared.least} 至 {declared.most} 之间"


def parse(text: str, origin: str) -> PolicySpec:
    """Read and check one policy document. Raises SpecError."""
    return validate(PolicySpec, load_yaml(text, origin), origin)
