"""YAML as people write it: read strictly, and what is wrong said in Chinese with line, column and the fix."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any

import yaml


class YamlError(ValueError):
    """Text that cannot be read. `problems` are lines `place or path: what is wrong, and the fix`."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read(text: str) -> Any:
    """What the text says, the caller's own to change. Raises YamlError."""
    try:
        data = deepcopy(_parsed(text))
        problems = list(unstorable(data))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else "文件"
        raise YamlError([f"{place}: YAML 格式有误{_in_words(error)}"]) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = f"第 {before.count(chr(10)) + 1} 行第 {len(before) - before.rfind(chr(10))} 列"
        said = f"有不可见的控制字符（U+{ord(text[error.position]):04X}），请删去"
        raise YamlError([f"{place}: YAML 格式有误：{said}"]) from error
    except RecursionError as error:
        raise YamlError(["文件: YAML 嵌套过深，请检查缩进和括号"]) from error
    if problems:
        raise YamlError(problems)
    return data


def unstorable(data: Any) -> Iterator[str]:
    """Texts with characters that no database keeps: NUL, which PostgreSQL refuses, and halves of surrogate pairs."""
    yield from _unstorable(data, "", set())


def _unstorable(data: Any, path: str, seen: set[int]) -> Iterator[str]:
    if isinstance(data, str) and _UNSTORABLE.search(data):
        yield f"{path or '文件'}: “{_visible(data)}”含有无法保存的字符（如空字符 \\0），请删去"
    if not isinstance(data, dict | list) or id(data) in seen:  # an alias may lead back to what it is part of
        return
    seen.add(id(data))
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(key, str) and _UNSTORABLE.search(key):
            yield f"{path or '文件'}: 名称“{_visible(key)}”含有无法保存的字符（如空字符 \\0），请删去"
        yield from _unstorable(value, f"{path}.{key}" if path else str(key), seen)


_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def _visible(text: str) -> str:
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


class _Refused(yaml.constructor.ConstructorError):
    """A refusal of our own: its problem is a Chinese sentence already."""


_SORTS = {"timestamp": "日期或时间", "int": "整数", "float": "数字", "bool": " true 或 false"}


class UniqueKeyLoader(yaml.SafeLoader):
    """A YAML loader for which a key written twice is an error, not a silent loss of the first."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """PyYAML lets Python's own errors through where a value does not fit its sort: a 31st of February."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, AttributeError) as error:
            if not isinstance(node, yaml.ScalarNode):
                raise
            sort = _SORTS.get(node.tag.rpartition(":")[2], "值")
            value = node.value if len(node.value) <= 40 else f"{node.value[:40]}…"
            raise _Refused(
                None,
                None,
                f"“{_visible(value)}” 不是有效的{sort}，请更正；若本意是文字，请加引号",
                node.start_mark,
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):  # such as `!!set x`, whatever the signature says
            raise _Refused(None, None, "这里应为“名称: 内容”的对照表", node.start_mark)
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _Refused(None, None, "名称应为文字，不能是列表或对照表", key_node.start_mark)
            if key in seen:
                raise _Refused(
                    None, None, f"“{_visible(str(key))}” 重复出现，请只保留一处", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    """A document is read when it is offered, told from others, checked and stored; PyYAML is slow enough to do it once."""
    return yaml.load(text, UniqueKeyLoader)  # noqa: S506  # a SafeLoader subclass


# PyYAML's words → ours, tried in order; {0} is what the parentheses caught.
_WORDS = [
    (r"found character '\\t' that cannot start any token", "不能用制表符（Tab）缩进，请改用空格"),
    (
        r"found character '(.)' that cannot start any token",
        "内容不能以“{0}”开头，请给这段文字加引号",
    ),
    (r"mapping values are not allowed here", "此处不应有冒号：可能上一行的冒号后缺空格、缩进不一致，或文字里有冒号而未加引号"),
    (r"could not find expected ':'", "上一行不是“名称: 内容”：请用半角冒号，冒号后空一格"),
    (r"expected ',' or '([\]}])', but got '<stream end>'", "括号没有闭合，请补上“{0}”"),
    (r"expected ',' or '([\]}])', but got .*", "括号里缺逗号，或括号没有闭合，请补上逗号或“{0}”"),
    (r"expected the node content, but found '([\]},])'", "多出“{0}”，请删去或补上它前面的内容"),
    (r"found unexpected end of stream", "引号没有闭合，请补上引号"),
    (r"expected <block end>, but found .*|expected '<document start>', but found .*", "缩进不一致，请与同级各行对齐"),
    (r"found undefined alias '(.*)'", "“*{0}” 没有对应的 “&{0}”；若本意是文字，请加引号"),
    (r"but found another document", "一份文件只能有一篇，请删去“---”和另一篇"),
]  # fmt: skip


def _in_words(error: yaml.MarkedYAMLError) -> str:
    """What is wrong; in PyYAML's English, in brackets, where it has no Chinese sentence."""
    problem = error.problem or ""
    if isinstance(error, _Refused):
        return f"：{problem}"
    for pattern, words in _WORDS:
        if found := re.fullmatch(pattern, problem):
            begun = error.context_mark
            opened = (
                f"（第 {begun.line + 1} 行第 {begun.column + 1} 列起）" if begun and "闭合" in words else ""
            )
            return f"：{words.format(*found.groups())}{opened}"
    return f"（{problem}）"
