"""Something that is there for as long as a block of work lasts, for whoever is called from within it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")


class Scoped(Generic[T]):
    """Nested, the innermost holds; threads do not see each other's."""

    def __init__(self, name: str) -> None:
        self._present: ContextVar[T | None] = ContextVar(name, default=None)

    @contextmanager
    def holding(self, value: T) -> Iterator[None]:
        token = self._present.set(value)
        try:
            yield
        finally:
            self._present.reset(token)

    def get(self) -> T | None:
        """None outside of any such block."""
        return self._present.get()
