"""What a state diagram shows of a lifecycle: boxes, arrows, and how far down each box stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from workflows.declarations import StateSpec, TransitionSpec
from workflows.spec import LifecycleSpec

# A transition out of more states than this is drawn once, as a tag beside its target that names them.
FEW = 3
# So is a resume into more states than this.
FEW_RESUMED = 2


@dataclass(frozen=True)
class Box:
    """A state. moves_within: transitions that stay here. leaves_by: those drawn as a tag elsewhere."""

    name: str
    state: StateSpec
    moves_within: tuple[str, ...]
    leaves_by: tuple[str, ...]


@dataclass(frozen=True)
class Tag:
    """A transition from many states, or back to many, in one place. Labels of states, in the document's order."""

    name: str
    label: str
    states: tuple[str, ...]
    resumes: bool


@dataclass(frozen=True)
class Arrow:
    """All transitions between the same two ends. resumes: drawn dashed. back: against the reading direction."""

    tail: str
    head: str
    labels: tuple[str, ...]
    resumes: bool = False
    back: bool = False


@dataclass(frozen=True)
class Graph:
    """layers: box or tag name → layer; states stand on odd layers, labels and tags on the even ones between."""

    boxes: dict[str, Box]
    tags: dict[str, Tag]
    arrows: list[Arrow]
    layers: dict[str, int]


def graph(spec: LifecycleSpec) -> Graph:
    """Boxes, tags and arrows of a lifecycle, parallel transitions merged."""
    merged: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    tags: dict[str, Tag] = {}
    hung: list[tuple[str, str]] = []
    for name, t in spec.transitions.items():
        ends = list(_ends(spec, t))
        if t.to == "stay":
            continue
        if _is_wide(spec, t):
            resumes = t.to == "resume"
            listed = _resumed(spec, t) if resumes else frozenset(t.sources)
            labels = tuple(s.label for key, s in spec.states.items() if key in listed)
            tags[name] = Tag(name, t.label, labels, resumes)
            hung += (
                [(source, f"tag:{name}") for source in t.sources]
                if resumes
                else [(f"tag:{name}", target) for target in t.targets]
            )
            continue
        for tail, head in ends:
            merged[tail, head, t.to == "resume"].append(t.label)
    order = _order(spec)
    arrows = [
        Arrow(tail, head, tuple(labels), resumes, back=order[head] < order[tail])
        for (tail, head, resumes), labels in merged.items()
    ]
    ranks = _ranks(spec, order, arrows)
    layers = {name: 2 * rank + 1 for name, rank in ranks.items()}
    for tail, head in hung:
        tag, state, step = (head, tail, 1) if head.startswith("tag:") else (tail, head, -1)
        layers.setdefault(tag, layers[state] + step)
        arrows.append(Arrow(tail, head, (), resumes=step == 1))
    return Graph({name: _box(spec, name) for name in spec.states}, tags, arrows, layers)


def _is_wide(spec: LifecycleSpec, t: TransitionSpec) -> bool:
    return len(_resumed(spec, t)) > FEW_RESUMED if t.to == "resume" else len(t.sources) > FEW


def _box(spec: LifecycleSpec, name: str) -> Box:
    leaving = list(spec.leaving(name))
    wide = (t.label for _, t in leaving if t.to not in {"stay", "resume"} and _is_wide(spec, t))
    return Box(name, spec.states[name], tuple(t.label for _, t in leaving if t.to == "stay"), tuple(wide))


def _resumed(spec: LifecycleSpec, t: TransitionSpec) -> frozenset[str]:
    """States that this resume can lead back to: those from which its own parking states were entered."""
    parked = set(t.sources)
    while (
        more := {s for t in spec.transitions.values() if t.to in parked for s in t.sources}
        & spec.parking - parked
    ):
        parked |= more
    entries = (t for t in spec.transitions.values() if t.to in parked)
    return frozenset(s for entry in entries for s in entry.sources if s not in spec.parking)


def _ends(spec: LifecycleSpec, t: TransitionSpec) -> Iterable[tuple[str, str]]:
    """Every pair of states the transition joins, in the document's order."""
    heads = [s for s in spec.states if s in _resumed(spec, t)] if t.to == "resume" else t.targets
    return ((tail, head) for tail in t.sources for head in heads)


def _order(spec: LifecycleSpec) -> dict[str, int]:
    """State → place in reading order: the document's, which tells the main road first.

    A state declared before every state that leads to it would float; it is read right after the first of those.
    """
    names = list(spec.states)
    pairs = [pair for t in spec.transitions.values() if t.to != "stay" for pair in _ends(spec, t)]
    names.remove(spec.opening.to)
    names.insert(0, spec.opening.to)
    for name in list(names[1:]):
        before = [names.index(tail) for tail, head in pairs if head == name and tail != name]
        if min(before) > names.index(name):
            names.insert(min(before) + 1, name)
            names.remove(name)
    return {name: index for index, name in enumerate(names)}


def _ranks(spec: LifecycleSpec, order: dict[str, int], arrows: Iterable[Arrow]) -> dict[str, int]:
    """Length of the longest path to each state, every arrow read in reading order; so no arrow joins equals."""
    below: dict[str, set[str]] = defaultdict(set)
    for arrow in arrows:
        first, then = sorted((arrow.tail, arrow.head), key=order.__getitem__)
        below[first].add(then)
    for t in spec.transitions.values():
        # What a tag leads to stands under the first state it is reached from; an archive under the last.
        if t.to not in {"stay", "resume"} and _is_wide(spec, t):
            pick = max if spec.states[t.to].phase == "archived" else min
            first = pick(t.sources, key=order.__getitem__)
            if order[first] < order[t.to]:
                below[first].add(t.to)
    ranks = dict.fromkeys(order, 0)
    for name in sorted(order, key=order.__getitem__):
        for then in below[name]:
            ranks[then] = max(ranks[then], ranks[name] + 1)
    return ranks
