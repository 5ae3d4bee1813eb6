"""The parts of a lifecycle document: its clocks, states, moves and approvals, and how it begins.

What must hold between them is checked on the whole, in `workflows.spec`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from workflows.documents import Document, Label, Name, Names, listed


class ClockDecl(Document):
    """A clock kind this lifecycle runs.

    met_by: the transitions that fulfil it; leaving its states otherwise voids it. counts: a `step` clock begins anew
    with every entry, a `whole` one runs once through the case, until a transition restarts it, and a `called` one only
    ever begins where a transition restarts it or an effect calls it (`Move.begin`). lapses: running out is nobody's
    fault (a window in which a person may rate, the cap of a pause): no miss is logged, and a state's `on_due` says
    what happens then. pauses_for: the reasons for which it may stand still in a state that pauses it (the move's
    `reason`); empty: any. ahead_of: clocks before the earliest going one of which it is due, by its limit (see
    `workflows.following`). beside: of one unit's own task, or of a level of an approval, not the deadline of the case
    itself; so is any `ahead_of` others.
    """

    label: Label
    met_by: Names
    lapses: bool = False
    counts: Literal["step", "whole", "called"] = "step"
    pauses_for: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    ahead_of: Names = ()
    beside: bool = False


class OnDue(Document):
    """What the system itself does when a clock of this state runs out."""

    clock: Name
    fire: Name


def _each(value: Any) -> Any:
    """One entry may be written without a list around it; none may be left out."""
    if value is None:
        return ()
    return (value,) if isinstance(value, dict | OnDue) else value


def _as_written(entries: tuple[OnDue, ...]) -> Any:
    """As documents had it before there could be several: what was published keeps its form."""
    found = [entry.model_dump() for entry in entries]
    return found if len(found) > 1 else next(iter(found), None)


class StateSpec(Document):
    """One state. `holder`: whose turn it is; `pauses`: clocks that stand still here, kept, never reset.

    on_due: one entry, or a list with one for each of several clocks. Where two run out at the same moment, the clock
    that began first goes first, and the other finds the case where that one led.
    """

    label: Label
    phase: Literal["open", "closed", "archived"] = "open"
    holder: Literal["desk", "lead", "none"] = "none"
    clocks: Names = ()
    pauses: Names = ()
    on_due: Annotated[
        tuple[OnDue, ...], BeforeValidator(_each), PlainSerializer(_as_written, when_used="json")
    ] = ()
    step: Label | None = None


class TransitionSpec(Document):
    """One move. `to: stay` keeps the state, `to: resume` returns to the state left when the case was parked.

    from: states by name, or `open` for all that are; a published version has their names. instead: the state an effect
    may lead to in place of `to` (`Move.divert`), such as where a draw decides. aside: it changes nothing that another
    move is decided on (a word said, a reminder taken note of), so a page opened before it is not out of date.
    """

    label: Label
    sources: Names = Field(alias="from", min_length=1)
    to: Name
    instead: Name | None = None
    role: Names = Field(min_length=1)
    event: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=40)]
    guards: Names = ()
    form: Name | None = None
    effects: Names = ()
    restarts: Names = ()
    confirm: str | None = None
    style: Literal["primary", "plain", "danger"] = "plain"
    hidden: bool = False
    aside: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """States it may lead to by name; none where it stays or resumes."""
        if self.to in {"stay", "resume"}:
            return ()
        return (self.to,) if self.instead is None else (self.to, self.instead)


class Opening(Document):
    """How a case of this kind begins: who may register it, into which state, under which event name.

    form: what a person fills in on the page that opens one; without it, cases come in by another way.
    """

    role: Names = Field(min_length=1)
    to: Name
    event: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=40)]
    form: Name | None = None


class ApprovalDecl(Document):
    """An approval this lifecycle runs; who is asked is said by the approval document `levels`.

    opens: transitions with which one begins. during: states it lives in, or `open` for all; leaving them ends it. signs,
    returns: how somebody who is asked agrees, or gives it back. granted: the move that the last agreement makes, and
    nothing else. stops: other moves that end it (the requester takes it back …). clock: a called one, anew at each level.
    holds: the case is with the unit of whoever is asked, level by level.
    """

    label: Label
    opens: Annotated[Names, Field(min_length=1)]
    during: Annotated[Names, Field(min_length=1)]
    signs: Name
    returns: Name
    granted: Name
    stops: Names = ()
    clock: Name | None = None
    holds: bool = False
