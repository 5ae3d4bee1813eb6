"""The state diagram: what it says, and that the strictest content policy lets it through."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from tests.workflows.toy.world import HERE
from workflows.diagrams import svg
from workflows.diagrams.drawing import _laid_out
from workflows.diagrams.graph import FEW, graph
from workflows.diagrams.layout import Slot
from workflows.spec import LifecycleSpec, parse

NAMESPACE = "{http://www.w3.org/2000/svg}"
TEXT = (HERE / "toy.yaml").read_text(encoding="utf-8")
WIDE = TEXT.replace(
    "  finish: {label: 办结, from: [working, checking]",
    "  quit: {label: 撤回, from: [opened, given, working, checking], to: finished, role: toy_clerk, event: toy.quit}\n"
    "  finish: {label: 办结, from: [working, checking]",
).replace("from: [working, checking], to: waiting", "from: [opened, given, working, checking], to: waiting")


@pytest.fixture
def toy() -> LifecycleSpec:
    return parse(TEXT, "toy.yaml")


@pytest.fixture
def wide() -> LifecycleSpec:
    return parse(WIDE, "wide.yaml")


def elements(text: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter(NAMESPACE + tag))  # noqa: S314  # our own output


def texts(text: str) -> list[str]:
    return [element.text or "" for element in elements(text, "text")]


def headings(text: str) -> list[str]:
    return [e.text or "" for e in elements(text, "text") if e.get("font-weight") == "bold"]


def test_every_state_label_stands_once_as_a_heading(toy):
    assert sorted(headings(svg(toy))) == sorted(state.label for state in toy.states.values())


def test_every_transition_that_moves_is_named(wide):
    said = " ".join(texts(svg(wide)))
    assert [t.label for t in wide.transitions.values() if t.label not in said] == []


def test_nothing_a_content_policy_would_block(toy):
    root = ElementTree.fromstring(svg(toy, highlight="working"))  # noqa: S314  # our own output
    for element in root.iter():
        assert element.tag.removeprefix(NAMESPACE) in {"svg", "title", "desc", "rect", "g", "path", "text"}
        assert not [
            name
            for name in element.attrib
            if name in {"style", "class", "id", "href"} or name.startswith("on")
        ]
    assert "url(" not in svg(toy)


def test_title_and_description_tell_what_the_picture_shows(toy):
    root = ElementTree.fromstring(svg(toy, highlight="working", passed=frozenset({"opened", "given"})))  # noqa: S314
    assert root.get("role") == "img"
    assert root.get("aria-label") == "玩具流程状态图，当前：办理中"
    assert root[0].text == "玩具流程状态图，当前：办理中"
    assert root[1].text == "7 个状态，14 种流转，从“待交办”开始。当前状态：办理中。已经过：待交办、待领办。"


def test_highlight_and_passed_are_marked_in_words_too(toy):
    plain = texts(svg(toy))
    marked = texts(svg(toy, highlight="working", passed=frozenset({"opened", "given", "working"})))
    assert (plain.count("当前"), plain.count("✓")) == (0, 0)
    assert (marked.count("当前"), marked.count("✓")) == (1, 2)


def test_highlight_of_an_unknown_state_is_an_error_and_a_passed_one_is_left_out(toy):
    with pytest.raises(KeyError):
        svg(toy, highlight="nowhere")
    assert svg(toy, passed=frozenset({"nowhere"})) == svg(toy)


def test_labels_are_escaped():
    spec = parse(TEXT.replace("label: 待领办", "label: '<b>&\"领'"), "toy.yaml")
    assert '<b>&"领' in headings(svg(spec))
    assert "<b>" not in svg(spec)


def test_moves_that_stay_are_listed_in_the_box_and_parallel_ones_share_an_arrow(toy):
    drawn = graph(toy)
    assert drawn.boxes["given"].moves_within == ("改级", "备注")
    assert [a.labels for a in drawn.arrows if (a.tail, a.head) == ("given", "working")] == [
        ("领办", "视为领办")
    ]
    assert [(a.tail, a.head) for a in drawn.arrows if a.tail == a.head] == []


def test_resume_is_dashed(toy):
    dashed = [a for a in graph(toy).arrows if a.resumes]
    assert [(a.tail, a.head) for a in dashed] == [("waiting", "working"), ("waiting", "checking")]
    lines = [path for path in elements(svg(toy), "path") if path.get("stroke-dasharray")]
    assert len(lines) == len(dashed) + 1  # and one in the legend


def test_what_many_states_lead_to_is_one_tag_that_names_them(wide):
    drawn = graph(wide)
    assert len(wide.transitions["quit"].sources) > FEW
    assert drawn.tags["quit"].states == ("待交办", "待领办", "办理中", "核对中")
    assert drawn.tags["go_on"].resumes
    assert [a for a in drawn.arrows if "撤回" in a.labels] == []
    assert drawn.boxes["opened"].leaves_by == ("暂停", "撤回")
    assert "自：待交办、待领办、办理中、核对中" in "".join(texts(svg(wide)))


def test_arrows_go_down_in_reading_order_and_back_ones_say_so(toy):
    drawn = graph(toy)
    for arrow in drawn.arrows:
        assert arrow.back == (drawn.layers[arrow.head] < drawn.layers[arrow.tail])
    assert {(a.tail, a.head) for a in drawn.arrows if a.back and not a.resumes} == {
        ("given", "opened"), ("checking", "working"), ("finished", "working"),
    }  # fmt: skip


@pytest.mark.parametrize("text", [TEXT, WIDE], ids=["toy", "wide"])
def test_no_two_boxes_or_labels_overlap_and_no_line_crosses_a_box(text):
    spec = parse(text, "toy.yaml")
    drawn, layout = _laid_out(spec.model_dump_json(by_alias=True))
    slots = [*layout.boxes.values(), *(slot for lanes in layout.lanes for slot in lanes)]
    assert [(a, b) for a, b in combinations(slots, 2) if _overlap(a, b)] == []
    assert all(s.x >= s.width / 2 and s.x + s.width / 2 <= layout.width for s in slots)
    # Between two layers lines may curve; inside one they run straight down their own lane.
    for first, second in zip(layout.bands, layout.bands[1:], strict=False):
        assert first[1] <= second[0]
    assert len(drawn.boxes) == len(spec.states)


def _overlap(a: Slot, b: Slot) -> bool:
    return a.layer == b.layer and abs(a.x - b.x) < (a.width + b.width) / 2 - 0.01


def test_same_document_same_picture(toy):
    _laid_out.cache_clear()
    first = svg(toy)
    _laid_out.cache_clear()
    assert svg(parse(TEXT, "again.yaml")) == first


def test_a_state_declared_before_all_that_lead_to_it_still_hangs_below_one(toy):
    moved = re.sub(r"(states:\n)(.*?)(  filed: [^\n]+\n)", r"\1\3\2", TEXT, flags=re.DOTALL)
    spec = parse(moved, "moved.yaml")
    assert next(iter(spec.states)) == "filed"
    layers = graph(spec).layers
    assert layers["opened"] == 1
    assert layers["filed"] > layers["finished"]
