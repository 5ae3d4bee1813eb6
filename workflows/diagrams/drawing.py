"""The SVG itself: presentation attributes only, text escaped, nothing fetched."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from workflows.declarations import StateSpec
from workflows.diagrams.graph import Arrow, Box, Graph, Tag, graph
from workflows.diagrams.layout import Layout, Link, Size, Slot, place
from workflows.spec import LifecycleSpec

FONTS = "Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, sans-serif"
HEADING, SMALL = 15.0, 12.0
LINE = 17.0
NOTE_WIDTH = 168.0
PORT = 16.0
INK, FAINT, PAPER = "#1f2328", "#57606a", "#ffffff"
FORWARD, BACK, NOW = "#3d4f63", "#a15c14", "#b3261e"
# (fill, line) by who holds the case; the holder is also written in the box, so colour is never the only sign.
COLOURS = {
    "desk": ("#e9f1fb", "#2f6ba8"),
    "lead": ("#fdf4e3", "#a06a12"),
    "closed": ("#e8f5ec", "#2e7d4f"),
    "archived": ("#efefef", "#6b6b6b"),
}
HOLDERS = {"desk": "受理台", "lead": "主办单位", "closed": "已办结", "archived": "已归档"}


def svg(spec: LifecycleSpec, *, highlight: str | None = None, passed: frozenset[str] = frozenset()) -> str:
    """The lifecycle as one `<svg>` element. highlight: where a case stands; passed: where it has been.

    Raises KeyError for a highlighted state the lifecycle does not have; a passed one (from an older version of
    it) is left out.
    """
    here = spec.states[highlight].label if highlight else ""
    drawn, layout = _laid_out(spec.model_dump_json(by_alias=True))
    height = layout.height + LINE * 3
    width = max(layout.width, 640.0)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(_title(spec, here))}'
            f' viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
            f' font-family={quoteattr(FONTS)} font-size="{SMALL:.0f}" fill="{INK}">'
        ),
        f"<title>{escape(_title(spec, here))}</title>",
        f"<desc>{escape(_description(spec, here, passed))}</desc>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="{PAPER}"/>',
    ]
    parts.append(f'<g transform="translate({(width - layout.width) / 2:.1f} 0)">')
    ports = _ports(drawn, layout)
    lines = list(zip(drawn.arrows, layout.lanes, layout.labelled, ports, strict=True))
    parts += [_line(arrow, lanes, ends, layout) for arrow, lanes, _, ends in lines]
    parts += [_labels(arrow, slot) for arrow, _, slot, _ in lines if slot is not None]
    parts += [_tag(tag, layout.boxes[f"tag:{name}"]) for name, tag in drawn.tags.items()]
    for name, box in drawn.boxes.items():
        parts.append(_box(box, layout.boxes[name], now=name == highlight, passed=name in passed))
    parts += ["</g>", _legend(layout.height + LINE * 1.6), "</svg>"]
    return "\n".join(parts)


def _title(spec: LifecycleSpec, here: str) -> str:
    return f"{spec.label}状态图" + (f"，当前：{here}" if here else "")


def _description(spec: LifecycleSpec, here: str, passed: frozenset[str]) -> str:
    been = "、".join(state.label for name, state in spec.states.items() if name in passed)
    said = [
        f"{len(spec.states)} 个状态，{len(spec.transitions)} 种流转，从“{spec.states[spec.opening.to].label}”开始。"
    ]
    said += [f"当前状态：{here}。"] if here else []
    said += [f"已经过：{been}。"] if been else []
    return "".join(said)


@lru_cache(maxsize=32)
def _laid_out(content: str) -> tuple[Graph, Layout]:
    """Layout of a document, by its content: pages draw the same few again and again."""
    drawn = graph(LifecycleSpec.model_validate_json(content))
    ends: dict[str, int] = {}
    for arrow in drawn.arrows:
        for name in (arrow.tail, arrow.head):
            ends[name] = ends.get(name, 0) + 1
    sizes = {name: _box_size(box, ends.get(name, 0)) for name, box in drawn.boxes.items()}
    sizes |= {f"tag:{name}": _text_size(_tag_lines(tag)) for name, tag in drawn.tags.items()}
    links = [Link(a.tail, a.head, _text_size(list(a.labels)) if a.labels else None) for a in drawn.arrows]
    return drawn, place(sizes, drawn.layers, links)


def text_width(text: str, size: float = SMALL) -> float:
    """Width in user units: an estimate that errs on the wide side."""
    return sum(size * (1.0 if east_asian_width(c) in "WFA" else 0.62) for c in text)


def _text_size(lines: list[str]) -> Size:
    return Size(max(text_width(line) for line in lines) + 12, len(lines) * LINE + 4)


def _box_size(box: Box, ends: int) -> Size:
    widest = max([text_width(box.state.label, HEADING), *(text_width(line) for line in _box_lines(box))])
    return Size(max(widest + 36, 112.0, ends * PORT / 1.5), 30 + LINE * len(_box_lines(box)) + 4)


def _box_lines(box: Box) -> list[str]:
    """Under the heading: who holds it, what can be done without leaving, what leads elsewhere."""
    holder = HOLDERS[_sort(box.state)]
    held = [holder] if holder != box.state.label else []
    return [*held, *_wrapped("在此可办：", box.moves_within), *_wrapped("也可：", box.leaves_by)]


def _tag_lines(tag: Tag) -> list[str]:
    return [tag.label, *_wrapped("回到：" if tag.resumes else "自：", tag.states)]


def _wrapped(lead: str, words: tuple[str, ...]) -> list[str]:
    """`lead` and the words, 、 between, in lines no wider than a note may be."""
    lines: list[str] = []
    for word in words:
        if not lines:
            lines = [lead + word]
        elif text_width(f"{lines[-1]}、{word}") <= NOTE_WIDTH:
            lines[-1] += f"、{word}"
        else:
            lines[-1] += "、"
            lines.append(word)
    return lines


def _sort(state: StateSpec) -> str:
    return state.holder if state.phase == "open" else state.phase


def _ports(drawn: Graph, layout: Layout) -> list[tuple[float, float]]:
    """x of each arrow at its tail and at its head, spread along the side of the box where it meets it."""
    sides: dict[tuple[str, bool], list[tuple[float, int, int]]] = {}
    for index, (arrow, lanes) in enumerate(zip(drawn.arrows, layout.lanes, strict=True)):
        tail, head = layout.boxes[arrow.tail], layout.boxes[arrow.head]
        down = tail.layer < head.layer
        sides.setdefault((arrow.tail, down), []).append((lanes[0].x if lanes else head.x, index, 0))
        sides.setdefault((arrow.head, not down), []).append((lanes[-1].x if lanes else tail.x, index, 1))
    found = [[0.0, 0.0] for _ in drawn.arrows]
    for (name, _), meeting in sides.items():
        box = layout.boxes[name]
        step = min(PORT * 1.6, (box.width - 20) / len(meeting))
        for place_, (_, index, end) in enumerate(sorted(meeting)):
            found[index][end] = box.x + (place_ - (len(meeting) - 1) / 2) * step
    return [(tail, head) for tail, head in found]


def _line(arrow: Arrow, lanes: list[Slot], ends: tuple[float, float], layout: Layout) -> str:
    """Straight through each layer, curved between two; the head is a triangle, since every line ends upright."""
    tail, head = layout.boxes[arrow.tail], layout.boxes[arrow.head]
    down = tail.layer < head.layer
    sign = 1 if down else -1
    x, y = ends[0], tail.y + sign * tail.height / 2
    tip = head.y - sign * head.height / 2
    path = [f"M{x:.1f} {y:.1f}", f"V{layout.bands[tail.layer][1 if down else 0]:.1f}"]
    y = layout.bands[tail.layer][1 if down else 0]
    for slot_x, layer in [*((slot.x, slot.layer) for slot in lanes), (ends[1], head.layer)]:
        enter, leave = layout.bands[layer][:: 1 if down else -1]
        stop = min(enter, tip - 9) if down else max(enter, tip + 9)
        middle = (y + stop) / 2
        path.append(f"C{x:.1f} {middle:.1f} {slot_x:.1f} {middle:.1f} {slot_x:.1f} {stop:.1f}")
        x, y = slot_x, leave
        path.append(f"V{(leave if layer != head.layer else tip - sign * 7):.1f}")
    colour = BACK if arrow.back else FORWARD
    dashes = ' stroke-dasharray="6 4"' if arrow.resumes else ""
    base = tip - sign * 9
    return (
        f'<path d="{" ".join(path)}" fill="none" stroke="{colour}" stroke-width="1.4"{dashes}/>'
        f'<path d="M{x:.1f} {tip:.1f} L{x - 4.5:.1f} {base:.1f} H{x + 4.5:.1f} Z" fill="{colour}"/>'
    )


def _labels(arrow: Arrow, slot: Slot) -> str:
    back = (
        f'<rect x="{slot.x - slot.width / 2:.1f}" y="{slot.y - slot.height / 2:.1f}" width="{slot.width:.1f}"'
        f' height="{slot.height:.1f}" rx="4" fill="{PAPER}"/>'
    )
    return back + _lines(list(arrow.labels), slot, colour=BACK if arrow.back else FORWARD)


def _lines(lines: list[str], slot: Slot, *, colour: str, top: float | None = None) -> str:
    first = (slot.y - slot.height / 2 if top is None else top) + LINE - 3
    return "".join(
        f'<text x="{slot.x:.1f}" y="{first + index * LINE:.1f}" text-anchor="middle" fill="{colour}">{escape(line)}</text>'
        for index, line in enumerate(lines)
    )


def _tag(tag: Tag, slot: Slot) -> str:
    dashes = ' stroke-dasharray="6 4"' if tag.resumes else ""
    frame = (
        f'<rect x="{slot.x - slot.width / 2:.1f}" y="{slot.y - slot.height / 2:.1f}" width="{slot.width:.1f}"'
        f' height="{slot.height:.1f}" rx="10" fill="#f6f8fa" stroke="#afb8c1"{dashes}/>'
    )
    lines = _tag_lines(tag)
    top = slot.y - slot.height / 2
    return (
        frame
        + _lines(lines[:1], slot, colour=FORWARD)
        + _lines(lines[1:], slot, colour=FAINT, top=top + LINE)
    )


def _box(box: Box, slot: Slot, *, now: bool, passed: bool) -> str:
    fill, line = COLOURS[_sort(box.state)]
    left, top = slot.x - slot.width / 2, slot.y - slot.height / 2
    weight = 3.5 if now else 2.4 if passed else 1.4
    parts = [
        f"<g><title>{escape(box.name)}</title>",
        (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{slot.width:.1f}" height="{slot.height:.1f}" rx="9"'
            f' fill="{fill}" stroke="{NOW if now else line}" stroke-width="{weight}"/>'
        ),
        (
            f'<text x="{slot.x:.1f}" y="{top + 23:.1f}" text-anchor="middle" font-size="{HEADING:.0f}"'
            f' font-weight="bold">{escape(box.state.label)}</text>'
        ),
        _lines(_box_lines(box), slot, colour=FAINT, top=top + 28),
    ]
    if passed and not now:
        parts.append(f'<text x="{left + 6:.1f}" y="{top + 16:.1f}" fill="{line}">✓</text>')
    if now:
        parts.append(
            f'<rect x="{left - 5:.1f}" y="{top - 9:.1f}" width="36" height="18" rx="9" fill="{NOW}"/>'
            f'<text x="{left + 13:.1f}" y="{top + 4.5:.1f}" text-anchor="middle" fill="{PAPER}">当前</text>'
        )
    return "".join([*parts, "</g>"])


def _legend(y: float) -> str:
    parts, x = [], 22.0
    for sort, (fill, line) in COLOURS.items():
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="18" height="12" rx="3" fill="{fill}" stroke="{line}"/>'
            f'<text x="{x + 24:.1f}" y="{y:.1f}" fill="{FAINT}">{HOLDERS[sort]}</text>'
        )
        x += 24 + text_width(HOLDERS[sort]) + 22
    for word, colour, dashes in (
        ("前进", FORWARD, ""),
        ("退回", BACK, ""),
        ("恢复", FORWARD, ' stroke-dasharray="6 4"'),
    ):
        parts.append(
            f'<path d="M{x:.1f} {y - 4:.1f} h26" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'
            f'<text x="{x + 32:.1f}" y="{y:.1f}" fill="{FAINT}">{word}</text>'
        )
        x += 32 + text_width(word) + 22
    return "".join(parts)
