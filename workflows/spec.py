"""What a lifecycle document may say, and every check that can be made before one case runs on it.

A document lists states and transitions by registered names. `parse` turns YAML into a `LifecycleSpec` or raises
`SpecError`, whose lines name the file, the path inside it and the fix.
"""

from __future__ import annotations

import keyword
from collections.abc import Hashable, Iterable
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from workflows.registry import EFFECTS, FORMS, GUARDS, ROLES, Registry

D = TypeVar("D", bound=BaseModel)

# Names a compiled machine needs for itself.
SHADOWED = {"state", "spec", "case", "move"}


class SpecError(ValueError):
    """A document that cannot be published. `problems` are lines `path: what is wrong, and the fix`."""

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.origin, self.problems = origin, problems
        super().__init__("\n".join(f"{origin} {problem}" for problem in problems))


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _identifier(value: Any) -> Any:
    if (
        not isinstance(value, str)
        or not value.isidentifier()
        or keyword.iskeyword(value)
        or value != value.lower()
    ):
        raise ValueError(f"“{value}” 不是合法标识：用小写英文字母、数字和下划线，且以字母开头")
    if len(value) > 30:
        raise ValueError(f"“{value}” 超过 30 个字符，请缩短")
    return value


def _from_pairs(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, list) and len(item) == 2 for item in value):
        named = {name: entry for name, entry in value if isinstance(name, str)}
        return named if len(named) == len(value) else value
    return value


Name = Annotated[str, BeforeValidator(_identifier)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_listed)]
Label = Annotated[str, Field(min_length=1, max_length=40)]
# Stored as pairs: PostgreSQL's jsonb forgets the order of keys, and the order of a document is that of its buttons.
Ordered = Annotated[
    dict[Name, D],
    BeforeValidator(_from_pairs),
    PlainSerializer(lambda named: list(named.items()), when_used="json"),
]


class Document(BaseModel):
    """Part of a published document: frozen, and a key nobody defined is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ClockDecl(Document):
    """A clock kind this lifecycle runs.

    met_by: the transitions that fulfil it; leaving its states otherwise voids it. counts: a `step` clock begins anew
    with every entry, a `whole` one runs once through the case, until a transition restarts it, and a `called` one only
    ever begins where a transition restarts it or an effect calls it (`Move.begin`). lapses: running out is nobody's
    fault (a window in which a person may rate, the cap of a pause): no miss is logged, and a state's `on_due` says
    what happens then. pauses_for: the reasons for which it may stand still in a state that pauses it (the move's
    `reason`); empty: any.
    """

    label: Label
    met_by: Names
    lapses: bool = False
    counts: Literal["step", "whole", "called"] = "step"
    pauses_for: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()


class OnDue(Document):
    """What the system itself does when a clock of this state runs out."""

    clock: Name
    fire: Name


class StateSpec(Document):
    """One state. `holder`: whose turn it is; `pauses`: clocks that stand still here, kept, never reset."""

    label: Label
    phase: Literal["open", "closed", "archived"] = "open"
    holder: Literal["desk", "lead", "none"] = "none"
    clocks: Names = ()
    pauses: Names = ()
    on_due: OnDue | None = None
    step: Label | None = None


class TransitionSpec(Document):
    """One move. `to: stay` keeps the state, `to: resume` returns to the state left when the case was parked."""

    label: Label
    sources: Names = Field(alias="from", min_length=1)
    to: Name
    role: Names = Field(min_length=1)
    event: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=40)]
    guards: Names = ()
    form: Name | None = None
    effects: Names = ()
    restarts: Names = ()
    confirm: str | None = None
    style: Literal["primary", "plain", "danger"] = "plain"
    hidden: bool = False


class Opening(Document):
    """How a case of this kind begins: who may register it, into which state, under which event name."""

    role: Names = Field(min_length=1)
    to: Name
    event: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=40)]


class LifecycleSpec(Document):
    """A whole lifecycle. `policy` is the code of the deadlines document its clocks follow."""

    code: Name
    label: Label
    prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")]
    policy: Name
    opening: Opening
    clocks: Ordered[ClockDecl] = {}
    states: Ordered[StateSpec] = Field(min_length=1)
    transitions: Ordered[TransitionSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = [*self._names(), *self._shape()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @cached_property
    def at_opening(self) -> tuple[str, ...]:
        """Clocks that begin with the case; a called one waits to be called."""
        return tuple(c for c in self.states[self.opening.to].clocks if self.clocks[c].counts != "called")

    def leaving(self, state: str) -> Iterable[tuple[str, TransitionSpec]]:
        """Transitions that start in `state`, in the document's order."""
        return ((name, t) for name, t in self.transitions.items() if state in t.sources)

    @cached_property
    def parking(self) -> frozenset[str]:
        """States from which some transition resumes what was left."""
        return frozenset(s for t in self.transitions.values() if t.to == "resume" for s in t.sources)

    @cached_property
    def resumable(self) -> frozenset[str]:
        """States a case may have been parked from, hence every target `resume` can have."""
        entries = (t for t in self.transitions.values() if t.to in self.parking)
        return frozenset(s for t in entries for s in t.sources if s not in self.parking)

    def _names(self) -> Iterable[str]:
        for name, t in self.transitions.items():
            at = f"transitions.{name}"
            if name in SHADOWED:
                yield f"{at}: 名称与引擎内部名称冲突，请换一个"
            yield from _unknown(f"{at}.role", t.role, ROLES)
            yield from _unknown(f"{at}.guards", t.guards, GUARDS)
            yield from _unknown(f"{at}.effects", t.effects, EFFECTS)
            yield from _unknown(f"{at}.form", (t.form,) if t.form else (), FORMS)
            yield from self._undeclared(f"{at}.from", t.sources, self.states, "states")
            if t.to not in {"stay", "resume"}:
                yield from self._undeclared(f"{at}.to", (t.to,), self.states, "states")
            yield from self._undeclared(f"{at}.restarts", t.restarts, self.clocks, "clocks")
        for name, s in self.states.items():
            at = f"states.{name}"
            if name in {"stay", "resume"}:
                yield f"{at}: stay 和 resume 是保留字，请换一个状态名"
            yield from self._undeclared(f"{at}.clocks", s.clocks, self.clocks, "clocks")
            yield from self._undeclared(f"{at}.pauses", s.pauses, self.clocks, "clocks")
            if s.on_due:
                yield from self._undeclared(
                    f"{at}.on_due.clock", (s.on_due.clock,), dict.fromkeys(s.clocks), "本状态的 clocks"
                )
                fired = self.transitions.get(s.on_due.fire)
                if fired is None or name not in fired.sources:
                    yield f"{at}.on_due.fire: “{s.on_due.fire}” 不是从本状态出发的流转，请先在 transitions 中声明"
        for name, c in self.clocks.items():
            yield from self._undeclared(f"clocks.{name}.met_by", c.met_by, self.transitions, "transitions")
            if c.lapses and not any(s.on_due and s.on_due.clock == name for s in self.states.values()):
                yield f"clocks.{name}.lapses: 到期不算逾期的时限要有状态以 on_due 说明到期后怎么办，请补上"
        yield from self._undeclared("opening.to", (self.opening.to,), self.states, "states")
        yield from _unknown("opening.role", self.opening.role, ROLES)

    def _shape(self) -> Iterable[str]:
        for name, s in self.states.items():
            at = f"states.{name}"
            if s.phase == "open" and s.holder == "none":
                yield f"{at}.holder: 未办结的状态必须有人负责，请写 holder: desk 或 holder: lead"
            if s.phase == "open" and not s.clocks and not s.pauses:
                yield f"{at}.clocks: 未办结的状态必须至少有一个时限（clocks 或 pauses）"
            if s.phase != "open" and (s.clocks or s.pauses):
                yield f"{at}.clocks: 已办结或归档的状态不能有时限，请删除，或改为 phase: open"
            if overlap := set(s.clocks) & set(s.pauses):
                yield f"{at}.pauses: “{'、'.join(sorted(overlap))}” 不能同时计时和暂停"
            if s.phase != "archived" and not any(t.to != "stay" for _, t in self.leaving(name)):
                yield f"{at}: 没有出口，请增加一个从此状态出发的流转，或改为 phase: archived"
        if self.opening.to in self.states:
            unreachable = set(self.states) - self._reachable()
            for name in sorted(unreachable):
                yield f"states.{name}: 从初始状态 {self.opening.to} 无法到达，请增加流转或删除该状态"
        if any(t.to == "resume" for t in self.transitions.values()) and not self.resumable:
            yield "transitions: 有恢复（to: resume）却没有进入可恢复状态的流转"

    def _reachable(self) -> set[str]:
        seen: set[str] = set()
        todo = [self.opening.to]
        while todo:
            state = todo.pop()
            if state in seen or state not in self.states:
                continue
            seen.add(state)
            for _, t in self.leaving(state):
                # A resume leads back to a state that was passed on the way here.
                todo += [] if t.to in {"stay", "resume"} else [t.to]
        return seen

    @staticmethod
    def _undeclared(at: str, names: Iterable[str], known: dict[str, Any], where: str) -> Iterable[str]:
        for name in names:
            if name not in known:
                yield f"{at}: “{name}” 未在 {where} 中声明"


def _unknown(at: str, names: Iterable[str], registry: Registry[Any]) -> Iterable[str]:
    for name in names:
        if name not in registry:
            yield f"{at}: {registry.sort} “{name}” 未登记；可用的有：{'、'.join(registry)}"


class UniqueKeyLoader(yaml.SafeLoader):
    """A YAML loader for which a key written twice is an error, not a silent loss of the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, "名称应为文字，不能是列表或对照表", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"“{key}” 重复出现，请只保留一处", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_yaml(text: str, origin: str) -> Any:
    """Parse YAML; a syntax error becomes a SpecError naming line and column."""
    try:
        return yaml.load(text, UniqueKeyLoader)  # noqa: S506  # a SafeLoader subclass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else "文件"
        raise SpecError(origin, [f"{place}: YAML 格式有误：{error.problem}"]) from error
    except RecursionError as error:
        raise SpecError(origin, ["文件: YAML 嵌套过深，请检查缩进和括号"]) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SpecError(origin, [f"文件: YAML 格式有误：{reason}"]) from error


def validate(model: type[D], data: Any, origin: str) -> D:
    """Build `model`, turning pydantic's errors into a SpecError with one line a problem."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems: list[str] = []
        for item in error.errors():
            own = item.get("ctx", {}).get("error")
            if own is not None and not item["loc"]:
                problems += str(own).splitlines()  # whole-document checks carry their own paths
            else:
                problems.append(f"{'.'.join(map(str, item['loc'])) or '文件'}: {own or _in_chinese(item)}")
        raise SpecError(origin, problems) from error


_CHINESE = {
    "missing": "缺少该项，请补上",
    "extra_forbidden": "没有这一项，请检查拼写或删除",
    "string_type": "应为文字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "too_short": "不能为空",
    "string_too_short": "不能为空",
    "string_too_long": "不能超过 {max_length} 个字",
    "string_pattern_mismatch": "不合格式 {pattern}",
    "literal_error": "应为 {expected} 之一",
    "dict_type": "应为“名称: 内容”的对照表",
    "model_type": "应为“名称: 内容”的对照表",
    "tuple_type": "应为列表",
}


def _in_chinese(item: ErrorDetails) -> str:
    """pydantic's own errors; one without a Chinese sentence is shown in English rather than not at all."""
    template = _CHINESE.get(item["type"])
    if template is None:
        return item["msg"]
    context = item.get("ctx", {})
    return template.format(
        **{name: str(value).replace(" or ", "、").replace(", ", "、") for name, value in context.items()}
    )


def parse(text: str, origin: str) -> LifecycleSpec:
    """Read and check one lifecycle document. Raises SpecError."""
    return validate(LifecycleSpec, load_yaml(text, origin), origin)
