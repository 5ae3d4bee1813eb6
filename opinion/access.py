"""Who may open which page that is not about one case. Pages, menu and tests ask the same questions.

What concerns one case is asked of its lifecycle (`workflows.permits`), never here.
"""

from __future__ import annotations

from workflows.models import Case, Definition, Unit, User
from workflows.published import lifecycle
from workflows.registry import ROLES

MESSAGE = "message"
OPINION_CASE = "opinion_case"
WORK_PLAN = "work_plan"


def desks_of(user: User, kind: str = MESSAGE) -> list[Unit]:
    """Desks at which this user may register cases of this kind, as the lifecycle's opening says."""
    opening = _opening_roles(kind)
    if not any(user.standing.roles.get(name) for name in opening):
        return []
    desks = Unit.objects.filter(is_desk=True)
    return [
        d for d in desks if any(ROLES[name].may(Case(desk=d, unit=d, kind=kind), user) for name in opening)
    ]


def desks_held(user: User, kind: str) -> list[Unit]:
    """Desks at which a role that opens cases of this kind is held; the door says whether it opens this one."""
    held = {unit for name in _opening_roles(kind) for unit in user.standing.roles.get(name, ())}
    return list(Unit.objects.filter(pk__in=held, is_desk=True)) if held else []


def may_register(user: User, kind: str = MESSAGE) -> bool:
    """Whether a role that opens cases is held anywhere; which desk it is good for says `desks_of`."""
    return any(user.standing.roles.get(name) for name in _opening_roles(kind))


def may_import(user: User) -> bool:
    """Whether there is a desk to import for; what is imported is not restricted, so the confidential officer has none."""
    return bool(desks_of(user))


def may_see_cases(user: User) -> bool:
    """Whether any role of this user looks at cases at all; the three administrators' do not."""
    return bool(user.standing.sees)


def watched(user: User) -> frozenset[int]:
    """Units a supervisor or a leader is placed over: the offices of those roles and all below them."""
    areas = user.standing.areas
    return frozenset().union(
        *(areas.get(role, frozenset()) for role in ("supervisor", "leader", "top_leader"))
    )


def may_supervise(user: User) -> bool:
    """Whether the board and the statistics are open to this user."""
    return bool(watched(user))


def may_export(user: User) -> bool:
    return bool(user.standing.roles.get("exporter"))


def may_audit_exports(user: User) -> bool:
    """Whether the list of everybody's exports is open to this user; the files stay with who asked for them."""
    return bool(user.standing.roles.get("auditadmin"))


def may_keep_calendars(user: User) -> bool:
    """System administrators publish calendars; they see numbers and dates of cases, and no content."""
    return bool(user.standing.roles.get("sysadmin"))


def may_keep_policies(user: User) -> bool:
    """The same who keep calendars: what moves are numbers and dates."""
    return may_keep_calendars(user)


def _opening_roles(kind: str) -> tuple[str, ...]:
    newest = Definition.objects.filter(code=kind).order_by("-version").values_list("pk", flat=True).first()
    return () if newest is None else lifecycle(newest).opening.role
