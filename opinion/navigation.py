"""The menu: what this person can open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from opinion.access import (
    MESSAGE,
    may_audit_exports,
    may_export,
    may_import,
    may_keep_calendars,
    may_keep_policies,
    may_register,
    may_see_cases,
    may_supervise,
)
from opinion.call_list import may_call
from opinion.reply_templates import may_keep_templates
from workflows.models import User


@dataclass(frozen=True)
class Entry:
    """One line of the menu. here: the page being shown belongs to it."""

    label: str
    href: str
    here: bool


def _anybody(user: User) -> bool:
    return True


def _exports(user: User) -> bool:
    return may_export(user) or may_audit_exports(user)


# label, URL name, arguments, who, URL names that belong to it
MENU: tuple[tuple[str, str, tuple[str, ...], Callable[[User], bool], str], ...] = (
    ("待办", "todo", (), _anybody, "todo signing absences"),
    (
        "案件",
        "case_list",
        (),
        may_see_cases,
        "case_list case action audit explain case_forecast approval replies reply_linked report",
    ),
    ("回访", "call_backs", (), may_call, "call_backs"),
    ("督办", "board", (), may_supervise, "board board_cases forecast unapproved"),
    ("督办单", "orders", (), may_see_cases, "orders order"),
    ("统计", "figures", (), may_supervise, "figures"),
    ("登记", "register", (), may_register, "register open_case"),
    ("导入", "imports", (), may_import, "imports import import_columns"),
    ("导出", "exports", (), _exports, "exports export export_file"),
    ("模板", "reply_templates", (), may_keep_templates, "reply_templates reply_template reply_template_new"),
    ("日历", "calendars", (), may_keep_calendars, "calendars"),
    ("时限", "policies", (), may_keep_policies, "policies"),
    ("审批", "levels", (), may_keep_policies, "levels"),
    ("流程", "lifecycle", (MESSAGE,), _anybody, "lifecycle"),
)


def entries(user: User, current: str) -> list[Entry]:
    """current: the URL name of the page being shown, empty where there is none."""
    return [
        Entry(label, reverse(name, args=args), current in belonging.split())
        for label, name, args, allowed, belonging in MENU
        if allowed(user)
    ]
