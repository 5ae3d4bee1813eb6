import pytest

from opinion.exports.formula import escape_formula


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\ttext",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        "  =1+1",
        "\u3000＝1",
        "\u00a0@x",
        "\ufeff=1",
        "\u200b+1",
        '=HYPERLINK("http://example.invalid","点这里")',
        "=cmd|' /C calc'!A0",
    ],
)
def test_escape_formula_prefixes_what_could_run(text):
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["", "留言", "a=1", "1-2", "'=1", " 留言", "\u3000段落", "（＝）", "   ", "\ufeff"]
)
def test_escape_formula_leaves_other_text_alone(text):
    assert escape_formula(text) is text
