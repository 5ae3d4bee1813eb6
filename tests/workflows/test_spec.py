"""Every refusal of a lifecycle document names the file, the path inside it and the fix."""

from typing import Any

import pytest
import yaml

from tests.workflows.toy.world import HERE
from workflows.documents import SpecError, load_yaml
from workflows.spec import LifecycleSpec, parse

TEXT = (HERE / "toy.yaml").read_text(encoding="utf-8")
REMOVE = object()


def changed(path: str, value: Any) -> str:
    """The toy document with one entry set or removed."""
    document = yaml.safe_load(TEXT)
    *parents, last = path.split(".")
    entry = document
    for name in parents:
        entry = entry[name]
    if value is REMOVE:
        del entry[last]
    else:
        entry[last] = value
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as refused:
        parse(text, "toy.yaml")
    assert str(refused.value).splitlines() == [f"toy.yaml {line}" for line in refused.value.problems]
    return refused.value.problems


def test_the_toy_document_is_accepted():
    spec = parse(TEXT, "toy.yaml")
    assert (spec.code, len(spec.states), len(spec.transitions)) == ("toy", 7, 14)
    assert spec.transitions["give"].role == ("toy_clerk",)
    assert [name for name, _ in spec.leaving("finished")] == ["reopen", "file"]
    assert (spec.parking, spec.resumable) == (frozenset({"waiting"}), frozenset({"working", "checking"}))


REFUSALS = [
    # names that are not registered
    ("transitions.give.role", "boss", "transitions.give.role: 角色 “boss” 未登记；可用的有："),
    ("opening.role", ["boss"], "opening.role: 角色 “boss” 未登记；可用的有："),
    ("transitions.give.guards", ["unheard_of"], "transitions.give.guards: 条件 “unheard_of” 未登记；可用的有："),
    ("transitions.give.effects", "unheard_of", "transitions.give.effects: 效果 “unheard_of” 未登记；可用的有："),
    ("transitions.give.form", "unheard_of", "transitions.give.form: 表单 “unheard_of” 未登记；可用的有："),
    # names the document itself does not declare
    ("transitions.give.to", "gone", "transitions.give.to: “gone” 未在 states 中声明"),
    ("transitions.give.from", ["gone"], "transitions.give.from: “gone” 未在 states 中声明"),
    ("transitions.reopen.restarts", ["gone"], "transitions.reopen.restarts: “gone” 未在 clocks 中声明"),
    ("states.working.clocks", ["gone"], "states.working.clocks: “gone” 未在 clocks 中声明"),
    ("states.waiting.pauses", ["gone"], "states.waiting.pauses: “gone” 未在 clocks 中声明"),
    ("clocks.give.met_by", ["gone"], "clocks.give.met_by: “gone” 未在 transitions 中声明"),
    ("opening.to", "gone", "opening.to: “gone” 未在 states 中声明"),
    ("states.given.on_due.clock", "give", "states.given.on_due.clock: “give” 未在 本状态的 clocks 中声明"),
    ("states.given.on_due.fire", "finish",
     "states.given.on_due.fire: “finish” 不是从本状态出发的流转，请先在 transitions 中声明"),
    # shape
    ("states.lost", {"label": "孤", "holder": "desk", "clocks": ["finish"]},
     "states.lost: 从初始状态 opened 无法到达，请增加流转或删除该状态"),
    ("states.lost", {"label": "孤", "holder": "desk", "clocks": ["finish"]},
     "states.lost: 没有出口，请增加一个从此状态出发的流转，或改为 phase: archived"),
    ("states.working.holder", "none", "states.working.holder: 未办结的状态必须有人负责，请写 holder: desk 或 holder: lead"),
    ("states.working.clocks", [], "states.working.clocks: 未办结的状态必须至少有一个时限（clocks 或 pauses）"),
    ("states.finished.clocks", ["finish"],
     "states.finished.clocks: 已办结或归档的状态不能有时限，请删除，或改为 phase: open"),
    ("states.working.pauses", ["finish"], "states.working.pauses: “finish” 不能同时计时和暂停"),
    ("transitions.wait.to", "finished", "transitions: 有恢复（to: resume）却没有进入可恢复状态的流转"),
    # names the engine needs for itself
    ("transitions.move", yaml.safe_load(TEXT)["transitions"]["file"], "transitions.move: 名称与引擎内部名称冲突，请换一个"),
    ("states.stay", {"label": "留", "phase": "closed"}, "states.stay: stay、resume、open 是保留字，请换一个状态名"),
    ("states.open", {"label": "开", "phase": "closed"}, "states.open: stay、resume、open 是保留字，请换一个状态名"),
    ("transitions.reopen.to", "open", "transitions.reopen.to: “open” 未在 states 中声明"),
    ("transitions.give.from", [["open"]], "transitions.give.from.0: “['open']” 不是合法标识"),
    ("transitions.give", "open", "transitions.give: 应为“名称: 内容”的对照表"),
    # fields
    ("code", "Toy", "code: “Toy” 不是合法标识：用小写英文字母、数字和下划线，且以字母开头"),
    ("code", "class", "code: “class” 不是合法标识：用小写英文字母、数字和下划线，且以字母开头"),
    ("code", "x" * 31, f"code: “{'x' * 31}” 超过 30 个字符，请缩短"),
    ("label", REMOVE, "label: 缺少该项，请补上"),
    ("label", "", "label: 不能为空"),
    ("lable", "错字", "lable: 没有这一项，请检查拼写或删除"),
    ("transitions.give.guard", "x", "transitions.give.guard: 没有这一项，请检查拼写或删除"),
    ("transitions.give.role", [], "transitions.give.role: 不能为空"),
    ("states", {}, "states: 不能为空"),
    ("states", ["opened"], "states: 应为“名称: 内容”的对照表"),
    ("label", 7, "label: 应为文字"),
]  # fmt: skip


OPEN_STATES = ("opened", "given", "working", "checking", "waiting")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("open", OPEN_STATES),
        (["open"], OPEN_STATES),
        (["open", "finished"], (*OPEN_STATES, "finished")),
        (["finished", "working", "open"], ("finished", "working", "opened", "given", "checking", "waiting")),
    ],
)
def test_open_stands_for_every_open_state(written: str | list[str], meant: tuple[str, ...]):
    """…in what is published too, so that a version says by itself where its moves begin."""
    spec = parse(changed("transitions.remark.from", written), "toy.yaml")
    assert spec.transitions["remark"].sources == meant
    stored = spec.model_dump(mode="json", by_alias=True)
    assert dict(stored["transitions"])["remark"]["from"] == list(meant)
    assert LifecycleSpec.model_validate(stored) == spec


@pytest.mark.parametrize(
    ("path", "value", "said"), REFUSALS, ids=[f"{path}-{index}" for index, (path, *_) in enumerate(REFUSALS)]
)
def test_refused_with_path_and_fix(path, value, said):
    assert [line for line in problems(changed(path, value)) if line.startswith(said)] != []


ONE_BY_FIELD = ["prefix", "transitions.give.event", "states.working.phase", "clocks.give.counts", "transitions.give.hidden",
                "transitions.give.style", "states.working.holder"]  # fmt: skip


@pytest.mark.parametrize("path", ONE_BY_FIELD)
def test_a_value_out_of_its_range_names_its_path_in_chinese(path):
    found = problems(changed(path, "NOT THIS"))
    assert [line.partition(":")[0] for line in found] == [path]
    assert any("一" <= character <= "鿿" for character in found[0].partition(":")[2])


def test_an_unknown_name_comes_with_those_that_are_known():
    line = problems(changed("transitions.give.role", "boss"))[0]
    assert {"system", "toy_clerk", "toy_watcher", "toy_worker"} <= set(line.rpartition("：")[2].split("、"))


def test_every_problem_is_told_at_once():
    text = changed("transitions.give.role", "boss").replace("toy_claim", "claimed")
    assert [line.partition(":")[0] for line in problems(text)] == [
        "transitions.give.role",
        "transitions.take.effects",
    ]


def test_a_key_written_twice_is_refused_with_its_line():
    text = TEXT.replace("  take: {label: 领办时限", "  give: {label: 又一个", 1)
    assert problems(text) == ["第 8 行第 3 列: YAML 格式有误：“give” 重复出现，请只保留一处"]


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\t- x", "a: !!python/object:os.system x", "a: \x07"])
def test_broken_or_dangerous_yaml_is_refused(text):
    found = problems(text)
    assert len(found) == 1
    assert "YAML 格式有误" in found[0]


@pytest.mark.parametrize("text", ["", "- list", "just text", "7"])
def test_a_document_that_is_no_mapping_is_refused(text):
    assert problems(text)[0].startswith("文件: ")


def test_yaml_with_an_unhashable_key_is_refused():
    with pytest.raises(SpecError):
        load_yaml("{[1]: 2}", "x.yaml")


def test_yaml_nested_without_end_is_refused():
    assert problems("a: " + "[" * 5000) == ["文件: YAML 嵌套过深，请检查缩进和括号"]


def test_a_problem_without_a_chinese_sentence_is_still_told():
    assert problems(changed("clocks.give", 7))[0].startswith("clocks.give: ")
    assert problems(changed("states.working.on_due", 7))[0].startswith("states.working.on_due: ")


def test_a_specification_cannot_be_changed():
    spec = parse(TEXT, "toy.yaml")
    with pytest.raises(ValueError, match="frozen"):
        spec.states["opened"].label = "别的"  # type: ignore[misc]


def test_a_stored_specification_reads_back_the_same():
    spec = parse(TEXT, "toy.yaml")
    again = LifecycleSpec.model_validate_json(spec.model_dump_json(by_alias=True))
    assert again == spec
    assert (list(again.states), list(again.transitions)) == (list(spec.states), list(spec.transitions))


def test_a_second_target_is_a_way_to_its_state():
    """Declared, drawn and counted as reached like the first."""
    document = yaml.safe_load(TEXT)
    document["states"]["noted"] = {"label": "待记录", "holder": "lead", "clocks": ["finish"]}
    document["transitions"]["check"]["instead"] = "noted"
    document["transitions"]["finish"]["from"].append("noted")
    spec = parse(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), "toy.yaml")
    assert spec.transitions["check"].targets == ("checking", "noted")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("transitions.check.instead", "transitions.check.instead: “odd” 未在 states 中声明"),
        (
            "transitions.remark.instead",
            "transitions.remark.instead: to 为 stay 时不能另有去向，请删除 instead",
        ),
    ],
)
def test_second_targets_that_cannot_be(path: str, problem: str):
    assert problem in problems(changed(path, "odd"))
