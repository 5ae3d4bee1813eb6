"""Who may do what, one predicate a role; documents combine them by name.

A restricted case is known at the desk to the confidential officer alone (`Case.objects.visible_to`), so wherever
the desk acts, the documents name that officer beside the ordinary role.
"""

from __future__ import annotations

from workflows.models import Case, Participation, User
from workflows.registry import role

DESK_ROLES = ("desk_clerk", "dispatcher", "confidential_officer")
HELPING = ("unit_handler", "unit_head", "deputy_head")


@role("desk_clerk", "登记员", sees="own")
def desk_clerk(case: Case, user: User) -> bool:
    """Registers, classifies, proposes units."""
    return user.standing.holds("desk_clerk", case.desk_id)


@role("dispatcher", "派单员", sees="own")
def dispatcher(case: Case, user: User) -> bool:
    """Assigns, decides declines and merges."""
    return user.standing.holds("dispatcher", case.desk_id)


@role("leader", "批办领导", sees="area")
def leader(case: Case, user: User) -> bool:
    """Instructs and sets the grade, for the desk of the own office and those below it."""
    return user.standing.oversees("leader", case.desk_id)


@role("top_leader", "主要领导", sees="area")
def top_leader(case: Case, user: User) -> bool:
    """The last one a late case is reported to."""
    return user.standing.oversees("top_leader", case.desk_id)


@role("arbiter", "争议裁定领导", sees="area")
def arbiter(case: Case, user: User) -> bool:
    """Named by the organisation to say, finally, who handles what units dispute. Source: 潍坊条例 20–26."""
    return user.standing.oversees("arbiter", case.desk_id)


@role("unit_handler", "承办人", sees="own")
def unit_handler(case: Case, user: User) -> bool:
    """Handles and drafts, in the lead unit."""
    return user.standing.holds("unit_handler", case.lead_id)


@role("unit_head", "承办单位负责人", sees="own")
def unit_head(case: Case, user: User) -> bool:
    """Answers for the lead unit."""
    return user.standing.holds("unit_head", case.lead_id)


@role("deputy_head", "承办单位分管负责人", sees="own")
def deputy_head(case: Case, user: User) -> bool:
    """Is told before the head is, of the lead unit's clocks."""
    return user.standing.holds("deputy_head", case.lead_id)


@role("assisting_unit", "协办单位", sees="nothing", given=False)
def assisting_unit(case: Case, user: User) -> bool:
    """Handles, or answers for, a unit that helps with this case: for its own task there, and nothing else."""
    units = helping_units(user) - {case.lead_id, case.desk_id}
    if not units or case.pk is None:
        return False
    helping = Participation.objects.filter(case=case.pk, unit__in=units, ended_at=None)
    return helping.filter(role=Participation.Role.ASSISTING).exists()


def helping_units(user: User) -> frozenset[int]:
    """Units for which this person does what they are asked to help with."""
    return frozenset().union(*(user.standing.roles.get(name, frozenset()) for name in HELPING))


@role("reviewer", "审核员", sees="own")
def reviewer(case: Case, user: User) -> bool:
    """Approves the wording, at the desk."""
    return user.standing.holds("reviewer", case.desk_id)


@role("publicity", "宣传审核员", sees="area")
def publicity(case: Case, user: User) -> bool:
    """Signs what is said in public, for the desk of the own office and those below it."""
    return user.standing.oversees("publicity", case.desk_id)


@role("caller", "回访员", sees="own")
def caller(case: Case, user: User) -> bool:
    """Calls back, at the desk; never somebody who works in the handling unit or below it. Source: 国办发〔2020〕53号."""
    return user.standing.holds("caller", case.desk_id) and case.lead_id not in user.standing.barred_by


@role("supervisor", "督办员", sees="area")
def supervisor(case: Case, user: User) -> bool:
    """Watches the handling over the desk's office and those below it."""
    return user.standing.oversees("supervisor", case.desk_id)


@role("confidential_officer", "专办员", sees="own", confidential=True)
def confidential_officer(case: Case, user: User) -> bool:
    """The restricted queue of the desk. Source: 信访工作条例 30(3), 46(5)."""
    return case.restricted and user.standing.holds("confidential_officer", case.desk_id)


@role("exporter", "导出员", sees="area")
def exporter(case: Case, user: User) -> bool:
    """May export the log of what is visible, and move nothing."""
    return False


@role("sysadmin", "系统管理员", sees="nothing")
def sysadmin(case: Case, user: User) -> bool:
    """Settings, units and users; no case. Source: 等保三级，三员分立."""
    return False


@role("secadmin", "安全管理员", sees="nothing")
def secadmin(case: Case, user: User) -> bool:
    """Rights and keys; no case."""
    return False


@role("auditadmin", "审计管理员", sees="nothing")
def auditadmin(case: Case, user: User) -> bool:
    """The audit log; no case."""
    return False
