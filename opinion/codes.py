"""Reading and seeding the code lists, and the facts a policy may ask about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opinion.models import Code
from workflows.documents import load_yaml
from workflows.registry import FACTS

SEED = Path(__file__).parent / "data" / "codes.yaml"

# What a policy may ask about a case; each is a code list of the same name.
FACT_LISTS = ("source", "type", "urgency", "complexity", "grade")

# How often a message has been handled again, by a bad rating or by reopening: kept by effects, listed nowhere.
REDO = {"none": "未重办", "once": "重办一次", "again": "再次重办"}

# 举报: a message that names who is complained about.
REPORT = "report"

# Whether the answer is published, as chosen when it was put up for approval: kept by effects, listed nowhere.
PUBLISH = {"yes": "公开答复", "no": "只答复本人"}

# Satisfaction codes that a person can say, the good and the bad; the rest say why nobody did.
SATISFIED = ("very_good", "good", "fair")
DISSATISFIED = ("bad", "very_bad")
# Marks from 1 to 5 that go with it.
GRADES = ("solved", "manner", "speed")


def labels(list_name: str) -> dict[str, str]:
    """code → label of a whole list, in its order, retired codes included."""
    return dict(Code.objects.of(list_name).values_list("code", "label"))


def choices(list_name: str, *only: str) -> list[tuple[str, str]]:
    """What a form offers: the active codes, or those of `only` among them."""
    found = Code.objects.offered(list_name)
    if only:
        found = found.filter(code__in=only)
    return list(found.values_list("code", "label"))


def seeded() -> dict[str, dict[str, Any]]:
    """The shipped lists: list → {label, codes: {code: label}}."""
    lists: dict[str, dict[str, Any]] = load_yaml(SEED.read_text(encoding="utf-8"), SEED.name)
    return lists


def seed_codes() -> None:
    """Add what is missing and change nothing that is there."""
    there = set(Code.objects.values_list("list", "code"))
    Code.objects.bulk_create(
        Code(list=list_name, code=code, label=label, position=position)
        for list_name, shipped in seeded().items()
        for position, (code, label) in enumerate(shipped["codes"].items(), 1)
        if (list_name, code) not in there
    )


def _register(list_name: str) -> None:
    # Retired codes stay answerable: a published policy may name one, and old cases carry it.
    FACTS.add(list_name, lambda: labels(list_name))


for _list_name in FACT_LISTS:
    _register(_list_name)
# Whether an event goes back to a problem of long standing: its verification may take longer.
FACTS.add("legacy", lambda: {"yes": "历史遗留问题", "no": "非历史遗留问题"})
FACTS.add("redo", lambda: REDO)
FACTS.add("publish", lambda: PUBLISH)
