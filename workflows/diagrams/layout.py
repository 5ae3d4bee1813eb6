"""Layered layout after Sugiyama: layers are given, order within them and coordinates are found here.

An arrow across several layers passes each in a lane of its own, and its label has a place in a layer like a box;
so no line crosses a box and no two texts overlap, by construction. Lengths are in SVG user units.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

GAP = 22.0  # between neighbours in a layer
LANE = 12.0  # width of a lane without a label
SWEEPS = 16
SETTLING = 40


@dataclass(eq=False)
class Slot:
    """A place in a layer: a box, or the lane of a link, with its label if it is there. x, y: centre."""

    width: float
    height: float
    layer: int
    link: int = -1
    x: float = 0.0
    y: float = 0.0
    above: list[Slot] = field(default_factory=list)
    below: list[Slot] = field(default_factory=list)
    place: int = 0

    @property
    def is_lane(self) -> bool:
        return self.link >= 0


@dataclass(frozen=True)
class Size:
    width: float
    height: float


@dataclass(frozen=True)
class Link:
    """From box to box; `label` is the size its text needs, beside the tail."""

    tail: str
    head: str
    label: Size | None


@dataclass
class Layout:
    """boxes: by name. lanes: for each link its slots from tail to head, and the index of the labelled one."""

    boxes: dict[str, Slot]
    lanes: list[list[Slot]]
    labelled: list[Slot | None]
    bands: list[tuple[float, float]]
    width: float
    height: float


def place(sizes: dict[str, Size], layers: dict[str, int], links: Sequence[Link]) -> Layout:
    """Find a place for every box and a way for every link. No link may join boxes of one layer."""
    depth = max(layers.values()) + 1
    grid: list[list[Slot]] = [[] for _ in range(depth + 1)]
    boxes = {name: Slot(size.width, size.height, layers[name]) for name, size in sizes.items()}
    lanes, labelled = [], []
    for index, link in enumerate(links):
        ways = _ways(index, link, boxes)
        lanes.append(ways)
        labelled.append(ways[0] if link.label and ways else None)
        downwards = [boxes[link.tail], *ways, boxes[link.head]]
        if downwards[0].layer > downwards[-1].layer:
            downwards.reverse()
        for upper, lower in itertools.pairwise(downwards):
            upper.below.append(lower)
            lower.above.append(upper)
    _fill(grid, list(boxes.values()))
    _order(grid)
    _settle(grid)
    _close_up(grid)
    bands = _bands(grid)
    slots = [slot for layer in grid for slot in layer]
    left = min(slot.x - slot.width / 2 for slot in slots) - GAP
    for slot in slots:
        slot.x -= left
        slot.y = sum(bands[slot.layer]) / 2
    width = max(slot.x + slot.width / 2 for slot in slots) + GAP
    return Layout(boxes, lanes, labelled, bands, width, bands[-1][1])


def _ways(index: int, link: Link, boxes: dict[str, Slot]) -> list[Slot]:
    """A lane in every layer strictly between the two boxes; the first takes the label."""
    tail, head = boxes[link.tail].layer, boxes[link.head].layer
    between = range(tail + 1, head) if tail < head else range(tail - 1, head, -1)
    ways = [Slot(LANE, 0.0, layer, index) for layer in between]
    if link.label and ways:
        ways[0].width, ways[0].height = link.label.width, link.label.height
    return ways


def _fill(grid: list[list[Slot]], roots: list[Slot]) -> None:
    """A first order: depth first from the boxes in the order given, so that what belongs together starts together."""
    seen: set[Slot] = set()
    for root in roots:
        todo = [root]
        while todo:
            slot = todo.pop()
            if slot in seen:
                continue
            seen.add(slot)
            slot.place = len(grid[slot.layer])
            grid[slot.layer].append(slot)
            todo += reversed(slot.below)


def _order(grid: list[list[Slot]]) -> None:
    """Fewer crossings: barycentre sweeps down and up, then swaps of neighbours; the best order seen is kept."""
    best, order = _crossings(grid), [list(layer) for layer in grid]
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in grid if down else reversed(grid):
            layer.sort(key=lambda slot, down=down: _centre(slot.above if down else slot.below, slot))  # type: ignore[misc]
            _number(layer)
        _swap(grid)
        found = _crossings(grid)
        if found < best:
            best, order = found, [list(layer) for layer in grid]
    for layer, kept in zip(grid, order, strict=True):
        layer[:] = kept
        _number(layer)


def _centre(others: list[Slot], slot: Slot) -> float:
    return sum(other.place for other in others) / len(others) if others else float(slot.place)


def _number(layer: list[Slot]) -> None:
    for place, slot in enumerate(layer):
        slot.place = place


def _swap(grid: list[list[Slot]]) -> None:
    for layer in grid:
        for index in range(len(layer) - 1):
            a, b = layer[index], layer[index + 1]
            if _between(b, a) < _between(a, b):
                layer[index], layer[index + 1] = b, a
                a.place, b.place = index + 1, index


def _between(left: Slot, right: Slot) -> int:
    """Crossings of the lines of two neighbours, in this order."""
    return sum(
        p.place > q.place
        for ps, qs in ((left.above, right.above), (left.below, right.below))
        for p in ps
        for q in qs
    )


def _crossings(grid: list[list[Slot]]) -> int:
    total = 0
    for layer in grid:
        seen: list[int] = []
        for slot in layer:
            ends = sorted(other.place for other in slot.below)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _settle(grid: list[list[Slot]]) -> None:
    """Coordinates: each slot drawn to its neighbours above and below in turn, never closer than they fit."""
    for layer in grid:
        edge = 0.0
        for slot in layer:
            slot.x = edge + slot.width / 2
            edge += slot.width + GAP
    for turn in range(SETTLING):
        sides = (True, True) if turn >= SETTLING - 4 else (turn % 2 == 0, turn % 2 == 1)
        for layer in grid if turn % 2 == 0 else reversed(grid):
            _fit(layer, [_wish(slot, *sides) for slot in layer])


def _wish(slot: Slot, above: bool, below: bool) -> tuple[float, float]:
    """Where a slot would like to be, and how much: straight lanes matter most."""
    others = [*(slot.above if above else ()), *(slot.below if below else ())]
    weights = [8.0 if slot.is_lane and other.is_lane else 1.0 for other in others]
    if not others:
        return slot.x, 0.1
    return sum(w * o.x for w, o in zip(weights, others, strict=True)) / sum(weights), sum(weights)


def _fit(layer: list[Slot], wishes: list[tuple[float, float]]) -> None:
    """Least squares under “in this order, at least this far apart”: pool adjacent violators."""
    offsets = [0.0]
    for a, b in itertools.pairwise(layer):
        offsets.append(offsets[-1] + (a.width + b.width) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for (wish, weight), offset in zip(wishes, offsets, strict=False):
        pool = (wish - offset, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, members = pools.pop()
            both = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / both, both, members + pool[2])
        pools.append(pool)
    means = [mean for mean, _, members in pools for _ in range(members)]
    for slot, mean, offset in zip(layer, means, offsets, strict=False):
        slot.x = mean + offset


def _close_up(grid: list[list[Slot]]) -> None:
    """Move every part that hangs together by itself left to its neighbours; nothing else draws it there."""
    parts = _parts(grid)
    left_of = {b: a for layer in grid for a, b in itertools.pairwise(layer)}
    edge = min(slot.x - slot.width / 2 for layer in grid for slot in layer)
    for part in sorted(parts, key=lambda part: min(slot.x - slot.width / 2 for slot in part)):
        room = []
        for slot in part:
            other = left_of.get(slot)
            if other not in part:
                limit = other.x + other.width / 2 + GAP if other else edge
                room.append(slot.x - slot.width / 2 - limit)
        for slot in part:
            slot.x -= min(room)


def _parts(grid: list[list[Slot]]) -> list[set[Slot]]:
    """Connected components."""
    parts: list[set[Slot]] = []
    for first in (slot for layer in grid for slot in layer):
        if any(first in part for part in parts):
            continue
        part, todo = set(), [first]
        while todo:
            slot = todo.pop()
            if slot not in part:
                part.add(slot)
                todo += [*slot.above, *slot.below]
        parts.append(part)
    return parts


def _bands(grid: list[list[Slot]]) -> list[tuple[float, float]]:
    """Top and bottom of each layer; the wider the swing of the lines between two, the more room they get."""
    bands: list[tuple[float, float]] = []
    top = GAP / 2
    for layer in grid:
        height = max((slot.height for slot in layer), default=0.0)
        bands.append((top, top + height))
        swing = max((abs(slot.x - other.x) for slot in layer for other in slot.below), default=0.0)
        top += height + (min(max(swing * 0.09, 18.0), 54.0) if layer else 0.0)
    return bands
