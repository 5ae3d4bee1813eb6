"""Reply templates: text with a few placeholders such as ${编号}, and nothing that could reach further.

`string.Template` only replaces names; `str.format` would follow attributes. What a placeholder may say is listed here:
never anything of the contact.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.utils import timezone

from workflows.models import Case, Unit

# What is filled in where the case does not know; a reply that still has it is not ready.
OPEN = "（请填写：{label}）"
_OPEN_HEAD = "（请填写："


@dataclass(frozen=True)
class Placeholder:
    """label: as written between ${ and }. value: empty where the case does not know. example: for previews."""

    name: str
    label: str
    value: Callable[[Case, datetime], str]  # with `lead` and `desk` loaded
    example: str


def _day(at: datetime | None) -> str:
    return f"{(local := timezone.localtime(at)).year}年{local.month}月{local.day}日" if at else ""


def _due(case: Case, at: datetime) -> str:
    """A provisional deadline is promised to nobody."""
    return "" if case.provisional else _day(case.due_at)


PLACEHOLDERS = (
    Placeholder("number", "编号", lambda case, at: case.number, "LY2026-000123"),
    Placeholder("title", "标题", lambda case, at: case.title, "东街路灯不亮"),
    Placeholder("unit", "承办单位", lambda case, at: case.lead.name if case.lead else "", "住建局"),
    Placeholder("desk", "受理单位", lambda case, at: case.desk.name, "网络问政办"),
    Placeholder("received", "登记日期", lambda case, at: _day(case.opened_at), "2026年11月3日"),
    Placeholder("due", "办理期限", _due, "2026年11月20日"),
    Placeholder("today", "今天", lambda case, at: _day(at), "2026年11月12日"),
)
ALLOWED = {each.label: each for each in PLACEHOLDERS}


class TemplateError(ValueError):
    """A text that is no template; says what and what would be right."""


class ReplyText(string.Template):
    """Only ${label} is a placeholder, $$ is a dollar sign, and any other $ is a mistake."""

    pattern: ClassVar[str] = r"""
        \$(?:
          (?P<escaped>\$) |
          (?P<named>(?!)) |
          \{(?P<braced>[^{}$\n]{0,40})\} |
          (?P<invalid>)
        )
    """  # type: ignore[assignment]


def problems(text: str) -> list[str]:
    """Why a text is no template, in Chinese; empty where it is one."""
    found = []
    for match in ReplyText.pattern.finditer(text):  # type: ignore[attr-defined]
        if match["invalid"] is not None:
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"第 {line} 行的“$”后面不是占位符；要写出美元符号本身，请写两个“$$”")
        elif match["braced"] is not None and match["braced"] not in ALLOWED:
            found.append(f"没有“${{{match['braced']}}}”这个占位符，可以用的有：{_listed()}")
    return list(dict.fromkeys(found))


def fill(text: str, case: Case, *, at: datetime, unit: Unit | None = None) -> str:
    """The template for one case. What the case does not know stays open. Raises TemplateError.

    unit: who handles the case, where it has nobody of its own.
    """
    values = {each.label: each.value(case, at) for each in PLACEHOLDERS}
    if unit is not None:
        values["承办单位"] = unit.name
    return _filled(text, {label: value or OPEN.format(label=label) for label, value in values.items()})


def preview(text: str) -> str:
    """The template with examples. Raises TemplateError."""
    return _filled(text, {each.label: each.example for each in PLACEHOLDERS})


def left_open(text: str) -> str | None:
    """The first thing still to be filled in, None where there is nothing."""
    start = text.find(_OPEN_HEAD)
    if start < 0:
        return None
    return text[start + len(_OPEN_HEAD) :].partition("）")[0][:20]


def _filled(text: str, values: dict[str, str]) -> str:
    if wrong := problems(text):
        raise TemplateError("；".join(wrong))
    return ReplyText(text).substitute(values)


def _listed() -> str:
    return "、".join(f"${{{label}}}" for label in ALLOWED)
