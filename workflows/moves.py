"""One move of one case while it is being made: what guards ask and effects change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Model

from workflows.chain import text_digest
from workflows.declarations import TransitionSpec
from workflows.spec import LifecycleSpec

if TYPE_CHECKING:
    from workflows.models import Case, Extension, User


# How the key of a move begins that an approval grants. Keys from elsewhere begin with the name of what is done.
GRANTED_KEY = "approval:"


@dataclass(frozen=True)
class Follow:
    """A move of the same case that another one calls for: made right after it, in its transaction, by nobody's choice.

    key: makes it happen once. data: as a form would say it.
    """

    name: str
    key: str
    data: dict[str, Any]


@dataclass
class Move:
    """A transition under way, under the lock of its case.

    data: what the form said (may hold free text). logged: codes and ids the event will carry.
    rows: new rows, written after the event by their model. granted: extensions that take effect with this move.
    begun, met, ended: clocks that effects begin anew, meet or end besides those the document names. chosen: clock begun
    → its limit, where the policy leaves that to the move.
    follows: moves that this one calls for. seating: a change of seats in an approval: add, remove or hand; its kind; a
    user's id.
    source, held_by: the state, and the unit that held the case, before. diverted: it leads to the document's `instead`.
    """

    case: Case
    name: str
    transition: TransitionSpec
    lifecycle: LifecycleSpec
    by: User
    at: datetime
    data: dict[str, Any]
    source: str
    held_by: int = 0
    logged: dict[str, Any] = field(default_factory=dict)
    rows: list[Model] = field(default_factory=list)
    granted: list[Extension] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    chosen: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    diverted: bool = False
    follows: list[Follow] = field(default_factory=list)
    seating: tuple[str, str, int] | None = None

    def __post_init__(self) -> None:
        self.held_by = self.case.unit_id

    def log(self, **codes: Any) -> None:
        """Put codes or ids on the event. Never free text: that goes through `note`."""
        self.logged.update(codes)

    def shift(self, clock: str, before: datetime, after: datetime) -> None:
        """Put on the event where a deadline was before this move and where it is now."""
        moved = self.logged.setdefault("clocks", {})
        moved[clock] = [moved.get(clock, [before.isoformat()])[0], after.isoformat()]

    def set(self, **values: Any) -> None:
        """Change the case in memory and remember the columns, so that the door writes only those."""
        for name, value in values.items():
            setattr(self.case, name, value)
            self.changed.add(name)

    def add(self, row: Model) -> None:
        """Have a new row written with this move."""
        self.rows.append(row)

    def divert(self) -> None:
        """Lead to the transition's `instead` rather than to its `to`."""
        self.diverted = True

    def begin(self, clock: str, *, limit: str = "") -> None:
        """Have a new cycle of a called clock begin with this move.

        limit: such as 9d, where the policy's rule leaves it to be chosen; its own limit otherwise.
        """
        self.begun.add(clock)
        if limit:
            self.chosen[clock] = limit

    def meet(self, clock: str) -> None:
        """Fulfil a clock with this move, where it runs."""
        self.met.add(clock)

    def end(self, clock: str) -> None:
        """Stop a clock with this move, neither met nor missed."""
        self.ended.add(clock)

    def follow(self, called: Follow) -> None:
        """Have another move made right after this one."""
        self.follows.append(called)

    @property
    def restarts(self) -> frozenset[str]:
        """Clocks that begin a new cycle."""
        return frozenset(self.begun.union(self.transition.restarts))

    def extend(self, extension: Extension) -> None:
        """Grant an extension: the clock is moved, and the row written, together with this move."""
        self.granted.append(extension)

    def note(self, kind: str, text: str) -> None:
        """Keep free text beside the event, which carries only its digest. Empty text is left out."""
        from workflows.models import Note

        if text:
            self.log(**{kind: text_digest(text)})
            self.add(Note(case=self.case, kind=kind, text=text, author=self.by, written_at=self.at))
