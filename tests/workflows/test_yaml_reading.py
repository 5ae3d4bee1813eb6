"""What is wrong with YAML is said in Chinese, with line, column and the fix."""

import pytest

from workflows.yaml_reading import YamlError, read


def problems(text: str) -> list[str]:
    with pytest.raises(YamlError) as refused:
        read(text)
    return refused.value.problems


SYNTAX = [
    ("a:\n\t- x", "第 2 行第 1 列: YAML 格式有误：不能用制表符（Tab）缩进，请改用空格"),
    ("a: [1", "第 1 行第 6 列: YAML 格式有误：括号没有闭合，请补上“]”（第 1 行第 4 列起）"),
    ("a: {b: 1", "第 1 行第 9 列: YAML 格式有误：括号没有闭合，请补上“}”（第 1 行第 4 列起）"),
    ("a: [1,\nb: 2\nc: 3",
     "第 3 行第 2 列: YAML 格式有误：括号里缺逗号，或括号没有闭合，请补上逗号或“]”（第 1 行第 4 列起）"),
    ("a: ]", "第 1 行第 4 列: YAML 格式有误：多出“]”，请删去或补上它前面的内容"),
    ("a: 'x", "第 1 行第 6 列: YAML 格式有误：引号没有闭合，请补上引号（第 1 行第 4 列起）"),
    ("a:b\nc: 1",
     "第 2 行第 2 列: YAML 格式有误：此处不应有冒号：可能上一行的冒号后缺空格、缩进不一致，或文字里有冒号而未加引号"),
    ("x: 1\na：b\nc: 1", "第 3 行第 1 列: YAML 格式有误：上一行不是“名称: 内容”：请用半角冒号，冒号后空一格"),
    ("a:\n  - b\n c: 1", "第 3 行第 2 列: YAML 格式有误：缩进不一致，请与同级各行对齐"),
    ("  a: 1\nb: 2", "第 2 行第 1 列: YAML 格式有误：缩进不一致，请与同级各行对齐"),
    ("a: @x", "第 1 行第 4 列: YAML 格式有误：内容不能以“@”开头，请给这段文字加引号"),
    ("a: *x", "第 1 行第 4 列: YAML 格式有误：“*x” 没有对应的 “&x”；若本意是文字，请加引号"),
    ("a: 1\n---\nb: 2", "第 2 行第 1 列: YAML 格式有误：一份文件只能有一篇，请删去“---”和另一篇"),
    ("a: !!set x", "第 1 行第 4 列: YAML 格式有误：这里应为“名称: 内容”的对照表"),
    ('a: "\\q"', "第 1 行第 6 列: YAML 格式有误（found unknown escape character 'q'）"),
    ("a\nb: \x00", "第 2 行第 4 列: YAML 格式有误：有不可见的控制字符（U+0000），请删去"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), SYNTAX)
def test_broken_yaml_is_told_in_chinese(text, problem):
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    ("value", "sort"),
    [
        ("2026-02-31", "日期或时间"),
        ("2026-11-24 25:00:00", "日期或时间"),
        ("2026-01-01T00:00:00+99:00", "日期或时间"),
        ("!!timestamp x", "日期或时间"),
        ("!!int abc", "整数"),
        ("!!int ''", "整数"),
        ("1" * 5000, "整数"),
        ("!!float x", "数字"),
        ("1:" + "59:" * 300 + "1.5", "数字"),
        ("!!bool maybe", " true 或 false"),
    ],
)
def test_a_value_that_is_none_of_its_sort_is_named(value, sort):
    """On the third line, in a list, so that line and column are those of the value."""
    (problem,) = problems(f"a:\n\n  - {value}\n")
    assert problem.startswith("第 3 行第 5 列: YAML 格式有误：“")
    assert problem.endswith(f"不是有效的{sort}，请更正；若本意是文字，请加引号")


def test_characters_that_no_database_keeps_are_refused_by_their_path():
    assert problems('a: {b: ["x\\0y", "\\ud800"]}\n"c\\0": 1') == [
        "a.b.0: “x\\0y”含有无法保存的字符（如空字符 \\0），请删去",
        "a.b.1: “\\ud800”含有无法保存的字符（如空字符 \\0），请删去",
        "文件: 名称“c\\0”含有无法保存的字符（如空字符 \\0），请删去",
    ]


def test_what_is_read_is_the_callers_own():
    text = "a: [1]"
    read(text)["a"].append(2)
    assert read(text) == {"a": [1]}


def test_a_list_that_holds_itself_is_read_to_its_end():
    data = read("a: &a [*a]")
    assert data["a"][0] is data["a"]
