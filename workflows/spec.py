"""What a lifecycle document may say, and every check that can be made before one case runs on it.

A document lists states and transitions by registered names. `parse` turns YAML into a `LifecycleSpec` or raises
`SpecError`, whose lines name the file, the path inside it and the fix.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from workflows.declarations import ApprovalDecl, ClockDecl, Opening, StateSpec, TransitionSpec
from workflows.documents import Document, Label, Name, Ordered, listed, load_yaml, validate
from workflows.registry import EFFECTS, FORMS, GUARDS, ROLES, Registry

# Names a compiled machine needs for itself.
SHADOWED = {"state", "spec", "case", "move"}
# Words that stand where a state could: as targets, and for every open state.
RESERVED = ("stay", "resume", "open")


class LifecycleSpec(Document):
    """A whole lifecycle. `policy` is the code of the deadlines document its clocks follow, `levels` that of the
    document which says through whom its approvals go."""

    code: Name
    label: Label
    prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")]
    policy: Name
    opening: Opening
    levels: Name | None = None
    approvals: Ordered[ApprovalDecl] = {}
    clocks: Ordered[ClockDecl] = {}
    states: Ordered[StateSpec] = Field(min_length=1)
    transitions: Ordered[TransitionSpec] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _every_open_state(cls, data: Any) -> Any:
        """`open` in a `from` or `during` becomes the states that are open, in the document's order."""
        if not isinstance(data, dict) or not isinstance(states := data.get("states"), dict):
            return data
        found = [
            name for name, s in states.items() if isinstance(s, dict) and s.get("phase", "open") == "open"
        ]
        return data | {
            part: {name: _spelt_out(entry, key, found) for name, entry in data[part].items()}
            for part, key in (("transitions", "from"), ("approvals", "during"))
            if isinstance(data.get(part), dict)
        }

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = [*self._names(), *self._shape()]
        problems += [] if problems else list(self._approvals())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @cached_property
    def at_opening(self) -> tuple[str, ...]:
        """Clocks that begin with the case; a called one waits to be called."""
        return tuple(c for c in self.states[self.opening.to].clocks if self.clocks[c].counts != "called")

    @cached_property
    def beside(self) -> frozenset[str]:
        """Clocks of tasks of units and of levels of approvals: they run beside the case's own and are not its deadline."""
        signed = {approval.clock for approval in self.approvals.values() if approval.clock is not None}
        return frozenset(
            signed | {name for name, clock in self.clocks.items() if clock.ahead_of or clock.beside}
        )

    def leaving(self, state: str) -> Iterable[tuple[str, TransitionSpec]]:
        """Transitions that start in `state`, in the document's order."""
        return ((name, t) for name, t in self.transitions.items() if state in t.sources)

    @cached_property
    def next_steps(self) -> dict[str, tuple[TransitionSpec, ...]]:
        """State → the moves an open case in it waits for: those styled `primary`, else all that lead on.

        None where it waits for an approval that holds the case: whoever is asked has a seat.
        """
        return {name: tuple(self._next_steps(name)) for name, s in self.states.items() if s.phase == "open"}

    def _next_steps(self, state: str) -> Iterable[TransitionSpec]:
        onward = [t for _, t in self.leaving(state) if not t.hidden and t.to != "stay"]
        primary = [t for t in onward if t.style == "primary"]
        held = any(state in a.during and a.holds for a in self.approvals.values())
        return primary or (() if held else onward)

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
            elif t.instead is not None:
                yield f"{at}.instead: to 为 {t.to} 时不能另有去向，请删除 instead"
            if t.aside and t.to != "stay":
                yield f"{at}.aside: 改变状态的步骤别人不能不知道，请写 to: stay 或删除 aside"
            if t.instead is not None:
                yield from self._undeclared(f"{at}.instead", (t.instead,), self.states, "states")
            yield from self._undeclared(f"{at}.restarts", t.restarts, self.clocks, "clocks")
        for name, s in self.states.items():
            at = f"states.{name}"
            if name in RESERVED:
                yield f"{at}: {'、'.join(RESERVED)} 是保留字，请换一个状态名"
            yield from self._undeclared(f"{at}.clocks", s.clocks, self.clocks, "clocks")
            yield from self._undeclared(f"{at}.pauses", s.pauses, self.clocks, "clocks")
            yield from self._on_due(name, s)
        for name, c in self.clocks.items():
            yield from self._undeclared(f"clocks.{name}.met_by", c.met_by, self.transitions, "transitions")
            yield from self._ahead(name, c)
            if c.lapses and not any(due.clock == name for s in self.states.values() for due in s.on_due):
                yield f"clocks.{name}.lapses: 到期不算逾期的时限要有状态以 on_due 说明到期后怎么办，请补上"
        yield from self._undeclared("opening.to", (self.opening.to,), self.states, "states")
        yield from _unknown("opening.role", self.opening.role, ROLES)
        yield from _unknown("opening.form", (self.opening.form,) if self.opening.form else (), FORMS)

    def _on_due(self, name: str, state: StateSpec) -> Iterable[str]:
        for number, due in enumerate(state.on_due):
            at = f"states.{name}.on_due{f'.{number}' if len(state.on_due) > 1 else ''}"
            yield from self._undeclared(
                f"{at}.clock", (due.clock,), dict.fromkeys(state.clocks), "本状态的 clocks"
            )
            fired = self.transitions.get(due.fire)
            if fired is None or name not in fired.sources:
                yield f"{at}.fire: “{due.fire}” 不是从本状态出发的流转，请先在 transitions 中声明"
            if due.clock in [earlier.clock for earlier in state.on_due[:number]]:
                yield f"{at}.clock: “{due.clock}” 已写过到期后怎么办，请只保留一处"

    def _ahead(self, name: str, clock: ClockDecl) -> Iterable[str]:
        at = f"clocks.{name}.ahead_of"
        yield from self._undeclared(at, clock.ahead_of, self.clocks, "clocks")
        if clock.ahead_of and clock.counts != "called":
            yield f"{at}: 只有 counts: called 的时限能以其他时限倒推，请补上"
        if any(other in self.clocks and self.clocks[other].ahead_of for other in clock.ahead_of):
            yield f"{at}: 不能以同样是倒推的时限来倒推，请改为它所依据的时限"

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

    def _approvals(self) -> Iterable[str]:
        if self.approvals and self.levels is None:
            yield "levels: 有审批事项的流程要写明审批层级文档的代码"
        for name, a in self.approvals.items():
            at = f"approvals.{name}"
            yield from self._undeclared(f"{at}.opens", a.opens, self.transitions, "transitions")
            yield from self._undeclared(f"{at}.stops", a.stops, self.transitions, "transitions")
            yield from self._undeclared(f"{at}.during", a.during, self.states, "states")
            yield from self._decisions(at, a)
            yield from self._never_begun(at, a)
            clock = self.clocks.get(a.clock or "")
            if a.clock and (clock is None or clock.counts != "called"):
                yield f"{at}.clock: “{a.clock}” 应是 clocks 中声明的、counts: called 的时限"
            for state in a.during if a.clock else ():
                if state in self.states and a.clock not in self.states[state].clocks:
                    yield f"states.{state}.clocks: 审批事项 {name} 在此进行，请列入它的时限 {a.clock}"

    def _never_begun(self, at: str, a: ApprovalDecl) -> Iterable[str]:
        """A move that opens an approval and leads elsewhere would go through without anybody's signature."""
        for name in a.opens:
            t = self.transitions.get(name)
            if t is None:
                continue
            begins = set(t.sources) <= set(a.during) if t.to == "stay" else bool({*t.targets} & {*a.during})
            if not begins:
                yield f"{at}.opens: “{name}” 不通向 during 中的状态，审批不会开始，请改写 opens 或 during"

    def _decisions(self, at: str, a: ApprovalDecl) -> Iterable[str]:
        """Agreeing and giving back are for those who are asked. What is granted the approval can make; a lifecycle may
        also let somebody make it without one."""
        for part, role in (("signs", "approver"), ("returns", "approver"), ("granted", "approval")):
            name = getattr(a, part)
            t = self.transitions.get(name)
            if t is None:
                yield from self._undeclared(f"{at}.{part}", (name,), self.transitions, "transitions")
                continue
            if role not in t.role or (role == "approver" and len(t.role) > 1):
                yield f"transitions.{name}.role: 审批中的这一步要写 role: {role}{'，不能写别的' if role == 'approver' else ''}"
            if missing := [s for s in a.during if s not in t.sources]:
                yield f"transitions.{name}.from: 审批期间的状态都应能走这一步，还缺：{'、'.join(missing)}"
        if a.signs in self.transitions and self.transitions[a.signs].to != "stay":
            yield f"transitions.{a.signs}.to: 同意之后是否还有下一级由审批决定，请写 to: stay"

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
                todo += t.targets
        return seen

    @staticmethod
    def _undeclared(at: str, names: Iterable[str], known: dict[str, Any], where: str) -> Iterable[str]:
        for name in names:
            if name not in known:
                yield f"{at}: “{name}” 未在 {where} 中声明"


def _spelt_out(entry: Any, key: str, found: list[str]) -> Any:
    """The entry with `open` replaced by the states found; one that is not what it should be is left to its own check."""
    names = listed(entry.get(key)) if isinstance(entry, dict) else None
    if not isinstance(names, list) or "open" not in names:
        return entry
    spelt = [state for name in names for state in (found if name == "open" else [name])]
    return entry | {key: list(dict.fromkeys(spelt))}


def _unknown(at: str, names: Iterable[str], registry: Registry[Any]) -> Iterable[str]:
    for name in names:
        if name not in registry:
            yield f"{at}: {registry.sort} “{name}” 未登记；可用的有：{'、'.join(registry)}"


def parse(text: str, origin: str) -> LifecycleSpec:
    """Read and check one lifecycle document. Raises SpecError."""
    return validate(LifecycleSpec, load_yaml(text, origin), origin)
