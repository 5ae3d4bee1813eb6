"""Measuring variants in turn, so that a noisy minute of the machine falls on all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One variant. rate: units a second, median over the rounds; note: what the figure rests on."""

    label: str
    rate: float
    note: str = ""


@dataclass(frozen=True)
class Target:
    """A promise. `at_most`: the measured value must not be above `wanted`; otherwise not below."""

    what: str
    measured: float
    wanted: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted


@dataclass
class Table:
    """One subject. The first figure is the product's own; ratios are taken against it. unit: of the rates."""

    title: str
    unit: str
    figures: list[Figure]
    targets: list[Target] = field(default_factory=list)
    database: str = ""


# A variant does some work and returns how many units it was.
Variant = Callable[[], int]


def interleave(variants: dict[str, Variant], *, rounds: int) -> dict[str, float]:
    """Label → units a second, median of `rounds`. Each round runs every variant once, in a rotated order.

    The first round warms caches, prepared statements and pages; it is not counted.
    """
    rates: dict[str, list[float]] = {label: [] for label in variants}
    labels = list(variants)
    for number in range(rounds + 1):
        turn = number % len(labels)
        for label in labels[turn:] + labels[:turn]:
            gc.collect()
            began = time.perf_counter()
            units = variants[label]()
            spent = time.perf_counter() - began
            if number:
                rates[label].append(units / spent)
    return {label: statistics.median(found) for label, found in rates.items()}
