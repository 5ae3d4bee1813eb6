"""What a change would do to the deadlines that run: counted the same way whether it is only looked at or carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from workflows.dues import limit_of
from workflows.models import Clock

EXAMPLES = 50
UNMOVED = 2


class Before(NamedTuple):
    """A clock as it was."""

    due_at: datetime
    provisional: bool
    limit: str
    rung: int

    @classmethod
    def of(cls, clock: Clock) -> Before:
        return cls(clock.due_at, clock.provisional, clock.limit, clock.rung)


class Shift(NamedTuple):
    """One clock before and after. before_limit, after_limit: equal where only the calendar changed.

    after is None where the clock ends, because no limit is set for such a case any more.
    """

    number: str
    kind: str
    before: datetime
    after: datetime | None
    was_provisional: bool
    provisional: bool
    before_limit: str
    after_limit: str
    before_rung: int
    after_rung: int

    @classmethod
    def between(cls, number: str, clock: Clock, was: Before) -> Shift:
        """number: of the case; clock: as it is now."""
        after = clock.due_at if clock.is_going else None
        return cls(
            number, clock.kind, was.due_at, after, was.provisional, clock.provisional, was.limit, clock.limit,
            was.rung, clock.rung,
        )  # fmt: skip

    def on_to(self, clock: Clock) -> Shift:
        """The same, where the clock moved on after it."""
        return self._replace(after=clock.due_at, provisional=clock.provisional, after_rung=clock.rung)

    @property
    def anew(self) -> int:
        """How many rungs it had climbed and will climb once more."""
        return max(0, self.before_rung - self.after_rung) if self.after else 0

    @property
    def moved(self) -> timedelta:
        return timedelta(0) if self.after is None else self.after - self.before

    @property
    def changes(self) -> bool:
        """Whether anybody would see a difference: another moment, none at all, or no longer provisional."""
        return self.after != self.before or self.provisional != self.was_provisional

    def __str__(self) -> str:
        before = f"{timezone.localtime(self.before):%Y-%m-%d %H:%M}"
        after = "不再计时" if self.after is None else f"{timezone.localtime(self.after):%Y-%m-%d %H:%M}"
        return f"{self.number} {self.kind}：{before} → {after}"

    @property
    def codes(self) -> list[str | None]:
        """As it enters the log: before and after."""
        return [self.before.isoformat(), None if self.after is None else self.after.isoformat()]


@dataclass
class Foreseen:
    """What a change would do. met: clocks it concerns; days: local days moved → how many clocks.

    firmed: provisional before and not afterwards. late_at_once: in time before, past the deadline afterwards.
    ended: no limit any more. anew: rungs already climbed that will be climbed once more.
    groups: (kind, limit before, limit after) → [later, earlier, unmoved, ended].
    examples: those that move most, with the numbers of their cases.
    """

    met: int = 0
    later: int = 0
    earlier: int = 0
    ended: int = 0
    firmed: int = 0
    late_at_once: int = 0
    anew: int = 0
    cases: int = 0
    days: Counter[int] = field(default_factory=Counter)
    groups: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    examples: list[Shift] = field(default_factory=list)

    @property
    def moved(self) -> int:
        return self.later + self.earlier

    @property
    def by_days(self) -> list[tuple[int, int]]:
        """(days moved, how many clocks), from earliest to latest."""
        return sorted(self.days.items())

    @property
    def by_group(self) -> list[tuple[str, str, str, list[int]]]:
        """(kind, limit before, limit after, [later, earlier, unmoved, ended]), by kind; only where any changes."""
        changed = (
            (key, counts) for key, counts in sorted(self.groups.items()) if sum(counts) > counts[UNMOVED]
        )
        return [(*key, counts) for key, counts in changed]

    def add(self, shift: Shift, *, at: datetime) -> None:
        self.met += 1
        moved = shift.moved
        later, earlier, ended = moved > timedelta(0), moved < timedelta(0), shift.after is None
        counts = self.groups.setdefault((shift.kind, shift.before_limit, shift.after_limit), [0, 0, 0, 0])
        counts[0 if later else 1 if earlier else 3 if ended else UNMOVED] += 1
        self.firmed += shift.was_provisional and not shift.provisional
        self.ended += ended
        self.anew += shift.anew
        if shift.after is None or not moved:
            self.examples += [shift] if ended else []
            self._trim()
            return
        self.later += later
        self.earlier += earlier
        self.late_at_once += shift.after < at <= shift.before
        self.days[(timezone.localdate(shift.after) - timezone.localdate(shift.before)).days] += 1
        self.examples.append(shift)
        self._trim()

    def in_words(self, labels: Mapping[str, str]) -> Foreseen:
        """The same with clocks and limits as people call them. labels: clock kind → label."""
        shifts = [shift._replace(kind=labels.get(shift.kind, shift.kind)) for shift in self.examples]
        groups: dict[tuple[str, str, str], list[int]] = {
            (labels.get(kind, kind), limit_of(before).label, limit_of(after).label): counts
            for (kind, before, after), counts in self.groups.items()
        }
        return replace(self, groups=groups, examples=shifts)

    def close(self) -> Foreseen:
        """Sort the examples and keep the largest."""
        self.examples.sort(key=lambda shift: (-abs(shift.moved), shift.number, shift.kind))
        del self.examples[EXAMPLES:]
        return self

    def _trim(self) -> None:
        if len(self.examples) > 4 * EXAMPLES:
            self.close()
