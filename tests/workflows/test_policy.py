"""Deadlines documents: which rule decides, and every refusal with path and fix."""

from typing import Any

import pytest
import yaml

from tests.workflows.toy.world import HERE
from workflows import spec as lifecycles
from workflows.differences import policy_differences
from workflows.documents import SpecError
from workflows.limits import Limit
from workflows.policy import PolicySpec, parse
from workflows.registry import QUANTITIES, Quantity

TEXT = (HERE / "policy.yaml").read_text(encoding="utf-8")
TOY = (HERE / "toy.yaml").read_text(encoding="utf-8")
RULES = yaml.safe_load(TEXT)["rules"]
GIVE, TAKE, HARD, PLAIN = range(4)


def document(rules: list[dict[str, Any]] | None = None, **fields: Any) -> str:
    return yaml.safe_dump(
        {**yaml.safe_load(TEXT), "rules": RULES if rules is None else rules, **fields}, allow_unicode=True
    )


def with_rule(index: int, **fields: Any) -> str:
    return document([{**rule, **fields} if i == index else rule for i, rule in enumerate(RULES)])


def problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as refused:
        parse(text, "p.yaml")
    assert str(refused.value).splitlines() == [f"p.yaml {line}" for line in refused.value.problems]
    return refused.value.problems


def test_the_first_rule_that_fits_decides():
    policy = parse(TEXT, "p.yaml")
    assert policy.rule("finish", {"toy_grade": "hard"}).row == "finish_hard"
    assert policy.rule("finish", {"toy_grade": "plain"}).row == "finish"
    assert policy.rule("finish", {}).row == "finish"
    assert policy.rule("finish", {"toy_grade": "hard"}).parsed_limit == Limit.parse("15wd")


def test_a_rule_with_several_facts_needs_all_and_of_each_one_of_its_codes():
    rules = [{**RULES[HARD], "when": {"toy_grade": ["hard", "plain"]}}, RULES[PLAIN]]
    policy = parse(document(rules), "p.yaml")
    assert policy.rule("finish", {"toy_grade": "plain", "other": "x"}).row == "finish_hard"
    assert policy.rule("finish", {"other": "x"}).row == "finish"


def test_no_limit_is_said_not_left_out():
    policy = parse(with_rule(TAKE, limit="none"), "p.yaml")
    assert policy.rule("take", {}).parsed_limit is None


REFUSALS = [
    (with_rule(GIVE, limit="5 weeks"), "rules.0.limit: "),
    (with_rule(GIVE, limit="-1wd"), "rules.0.limit: "),
    (with_rule(GIVE, limit=""), "rules.0.limit: "),
    (with_rule(TAKE, row="give"), "rules.1.row: “give” 重复，请改名"),
    (
        document([RULES[PLAIN], RULES[HARD]]),
        "rules.1: finish 的兜底条目在它之前，本条永远不会用到，请移到前面",
    ),
    (with_rule(HARD, when={"colour": "red"}), "rules.2.when: 案件属性 “colour” 未登记；可用的有："),
    (
        with_rule(HARD, when={"toy_grade": "blue"}),
        "rules.2.when.toy_grade: “blue” 不是可用的代码：plain、hard",
    ),
    (with_rule(HARD, when={"toy_grade": []}), "rules.2.when.toy_grade: 不能为空"),
    (with_rule(GIVE, source=""), "rules.0.source: 不能为空"),
    (document([{"row": "x", "clock": "give", "limit": "1wd"}]), "rules.0.source: 缺少该项，请补上"),
    (document([]), "rules: 不能为空"),
    (document(calender="china"), "calender: 没有这一项，请检查拼写或删除"),
    (document(code="Toy"), "code: “Toy” 不是合法标识：用小写英文字母、数字和下划线，且以字母开头"),
]


@pytest.mark.parametrize(("text", "said"), REFUSALS, ids=[said.partition(":")[0] for _, said in REFUSALS])
def test_refused_with_path_and_fix(text, said):
    assert [line for line in problems(text) if line.startswith(said)] != []


@pytest.mark.parametrize("text", ["", "[1]", "a: [", TEXT + TEXT])
def test_what_is_no_policy_at_all_is_refused(text):
    assert len(problems(text)) == 1


def test_a_lifecycle_is_served_when_each_clock_ends_in_a_rule_for_every_case():
    lifecycle = lifecycles.parse(TOY, "toy.yaml")
    assert list(parse(TEXT, "p.yaml").unserved(lifecycle)) == []
    only_hard = parse(document([*RULES[:PLAIN], *RULES[PLAIN + 1 :]]), "p.yaml")
    assert list(only_hard.unserved(lifecycle)) == [
        "rules: 时限 finish 缺少不带 when 的兜底条目，流程 toy 需要它"
    ]


def test_a_stored_policy_reads_back_the_same():
    policy = parse(TEXT, "p.yaml")
    assert PolicySpec.model_validate_json(policy.model_dump_json(by_alias=True)) == policy


def test_rule_that_leaves_the_end_to_choose_names_the_longest():
    assert parse(with_rule(PLAIN, chosen=True), "p.yaml").rules[PLAIN].chosen
    words = "chosen 的条目须写明最长期限 limit，且不能有 in_total"
    for wrong in ({"limit": "none"}, {"in_total": "9wd"}):
        assert any(words in line for line in problems(with_rule(PLAIN, chosen=True, **wrong)))


QUANTITIES.add("toy_share", Quantity("玩具比例", 0, 100, default=50))
SHARES = [
    {
        "row": "share_hard",
        "quantity": "toy_share",
        "value": 80,
        "when": {"toy_grade": "hard"},
        "source": "试验",
    },
    {"row": "share", "quantity": "toy_share", "value": 20, "source": "试验"},
]


def test_a_quantity_is_decided_by_facts_or_is_its_default():
    asked = parse(document(quantities=SHARES), "p.yaml")
    assert asked.quantity("toy_share", {"toy_grade": "hard"}) == (80, "share_hard")
    assert asked.quantity("toy_share", {}) == (20, "share")
    assert parse(TEXT, "p.yaml").quantity("toy_share", {}) == (50, "")


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([{**SHARES[1], "value": 101}], "quantities.0.value: 玩具比例应在 0 至 100 之间"),
        ([{**SHARES[1], "row": "finish"}], "quantities.0.row: “finish” 重复，请改名"),
        (SHARES[::-1], "quantities.1: toy_share 的兜底条目在它之前，本条永远不会用到，请移到前面"),
        (
            [{**SHARES[0], "when": {"toy_grade": "odd"}}],
            "quantities.0.when.toy_grade: “odd” 不是可用的代码：plain、hard",
        ),
    ],
)
def test_quantities_that_cannot_be(rules: list[dict[str, Any]], problem: str):
    assert problems(document(quantities=rules)) == [problem]


def test_an_unknown_quantity_names_those_there_are():
    found = problems(document(quantities=[{**SHARES[1], "quantity": "odd"}]))
    assert len(found) == 1
    assert found[0].startswith("quantities.0.quantity: 数值 “odd” 未登记；可用的有：")


def test_changes_of_quantities_are_told_row_by_row():
    old, new = (
        parse(document(quantities=rules), "p.yaml")
        for rules in (SHARES, [SHARES[0], {**SHARES[1], "value": 30}])
    )
    assert policy_differences(old, new) == ["~ 条目 share value：20 → 30"]
    assert policy_differences(parse(TEXT, "p.yaml"), old) == [
        "+ 条目 share_hard（toy_share 80）", "+ 条目 share（toy_share 20）",
    ]  # fmt: skip
