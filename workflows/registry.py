"""Names a lifecycle document may use, and the Python behind each.

Documents combine names and never contain expressions; `spec.py` refuses a name that is not registered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    from workflows.models import Case, Event, User
    from workflows.moves import Move

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one sort. Registering a name twice with another object raises ValueError."""

    def __init__(self, sort: str) -> None:
        self.sort = sort
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> T:
        if self._items.setdefault(name, item) is not item:
            raise ValueError(f"{self.sort} “{name}” 已登记过")
        return item

    def __getitem__(self, name: str) -> T:
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._items))

    def values(self) -> list[T]:
        return [item for _, item in self.items()]

    def items(self) -> list[tuple[str, T]]:
        return sorted(self._items.items())


@dataclass(frozen=True)
class Refusal:
    """Why a guard says no. `already`: the moment has passed because somebody did it before.

    reason: a sentence, or what finds it, where that asks the database and a button does not need to know.
    """

    reason: str | Callable[[], str]
    already: bool = False

    @property
    def sentence(self) -> str:
        return self.reason if isinstance(self.reason, str) else self.reason()


@dataclass(frozen=True)
class Role:
    """A role in the offices.

    sees: how far a holder looks. `own`: cases in which the unit of the membership takes part;
    `area`: also those of every unit below it; `nothing`: none.
    confidential: may see restricted cases in that reach. given: a membership can name it; otherwise it follows from
    another role and the case, and may ask which units take part in it.
    may: whether this user, in this role, may act on this case; pure, no query beyond `user.standing`.
    """

    name: str
    label: str
    sees: Literal["nothing", "own", "area"]
    may: Callable[[Case, User], bool]
    confidential: bool = False
    given: bool = True


@dataclass(frozen=True)
class Recipient:
    """Somebody a rung of a ladder can name. find: for events of cases, the people; deputies are its business."""

    name: str
    label: str
    find: Callable[[Sequence[Event]], Iterable[tuple[Event, User]]]


@dataclass(frozen=True)
class Quantity:
    """A whole number that policies set for cases by their facts. default: where a policy says nothing of it."""

    label: str
    least: int
    most: int
    default: int


@dataclass(frozen=True)
class Checked:
    """What following a chain beside the log came to.

    count, head: how many records follow one from the other, and the digest of the last of them. problem: which one
    does not, and why; empty where all do.
    """

    count: int
    head: str
    problem: str = ""


Guard = Callable[["Move"], Refusal | None]
Effect = Callable[["Move"], None]

ROLES: Registry[Role] = Registry("角色")
GUARDS: Registry[Guard] = Registry("条件")
EFFECTS: Registry[Effect] = Registry("效果")
# A form class; the engine never looks inside, pages and API validate with it before they call `fire`.
FORMS: Registry[Any] = Registry("表单")
RECIPIENTS: Registry[Recipient] = Registry("告知对象")
# What a policy may ask about a case: fact name → its codes and their labels, read when asked.
FACTS: Registry[Callable[[], dict[str, str]]] = Registry("案件属性")
# Append-only tables beside the log, each a chain of its own: label → what follows it; `verify_log` asks them all.
CHAINS: Registry[Callable[[], Checked]] = Registry("摘要链")
QUANTITIES: Registry[Quantity] = Registry("数值")
# Who is told that the machinery could not do what was due: what in codes, the newest case's number, when.
ALARMS: Registry[Callable[[str, str, datetime], None]] = Registry("告警")
# What guards and effects ask of each case, asked for many at once and forgotten at the end of the context.
LOOKAHEADS: Registry[Callable[[Sequence[Case]], AbstractContextManager[None]]] = Registry("预读")


def role(
    name: str,
    label: str,
    *,
    sees: Literal["nothing", "own", "area"],
    confidential: bool = False,
    given: bool = True,
) -> Callable[[Callable[[Case, User], bool]], Role]:
    """Register the decorated predicate as the role `name`."""

    def register(may: Callable[[Case, User], bool]) -> Role:
        return ROLES.add(name, Role(name, label, sees, may, confidential, given))

    return register


@contextmanager
def looking_ahead(cases: Sequence[Case]) -> Iterator[None]:
    """While locked cases are each moved once: whatever is registered as a look-ahead is read for all of them together."""
    with ExitStack() as stack:
        for look in LOOKAHEADS.values():
            stack.enter_context(look(cases))
        yield


def guard(function: Guard) -> Guard:
    """Register under the function's own name."""
    return GUARDS.add(function.__name__, function)


def effect(function: Effect) -> Effect:
    """Register under the function's own name. An effect never saves the case, notifies or calls a network."""
    return EFFECTS.add(function.__name__, function)


# Names of effects that go by the colour a ladder has reached (`data["colour"]`): no rung without one fires their moves.
COLOURED: set[str] = set()


def coloured(function: Effect) -> Effect:
    """Register an effect that a rung can only call for once a colour has been reached."""
    COLOURED.add(function.__name__)
    return effect(function)


def raise_alarm(what: str, case_number: str, at: datetime) -> None:
    """what: codes only, never what an error says, which may quote data."""
    for alarm in ALARMS.values():
        alarm(what, case_number, at)


def form(name: str) -> Callable[[type[T]], type[T]]:
    """Register a form class under `name`."""

    def register(cls: type[T]) -> type[T]:
        FORMS.add(name, cls)
        return cls

    return register
