"""The four grades of an event, and who may give which. Source of the grades: 国家突发公共事件总体应急预案 1.3."""

from __future__ import annotations

from opinion.access import OPINION_CASE
from workflows.models import Case, User
from workflows.registry import ROLES

# Most serious first; code list `grade` has their labels.
GRADES = ("grave", "major", "large", "plain")
# These go to the top leader from the start, and are answered within hours.
SERIOUS = frozenset({"grave", "major"})
# Role → the grades it may give. Nobody but the officer knows of a restricted event, who gives what a leader decided.
WORD = {
    "top_leader": frozenset(GRADES),
    "leader": frozenset(GRADES),
    "confidential_officer": frozenset(GRADES),
    "reviewer": frozenset({"large", "plain"}),
    "dispatcher": frozenset({"plain"}),
}


def grade_of(case: Case) -> str:
    """Code of its grade; empty while it has none."""
    return str(case.facts.get("grade", ""))


def is_serious(case: Case) -> bool:
    """特别重大 or 重大."""
    return case.kind == OPINION_CASE and grade_of(case) in SERIOUS


def within_word(case: Case, user: User) -> frozenset[str]:
    """Grades this person may give this event, and take from it."""
    return frozenset().union(*(grades for role, grades in WORD.items() if ROLES[role].may(case, user)))
