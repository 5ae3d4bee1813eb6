"""Offices and people of the county that does not exist: 云溪县."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from workflows.models import Membership, Unit, User

PASSWORD = "yunxi-demo-2026"  # noqa: S105  # printed at start, for a county that does not exist

# code, name, parent, kind, desk, peer group
UNITS = (
    ("tousu", "网络问政办", "root", Unit.Kind.DEPARTMENT, True, ""),
    ("xuanchuan", "宣传办", "root", Unit.Kind.DEPARTMENT, False, ""),
    ("jiwei", "监督办", "root", Unit.Kind.DEPARTMENT, False, ""),
    ("zhujian", "住建局", "root", Unit.Kind.DEPARTMENT, False, "部门"),
    ("jiaotong", "交通局", "root", Unit.Kind.DEPARTMENT, False, "部门"),
    ("jiaoyu", "教育局", "root", Unit.Kind.DEPARTMENT, False, "部门"),
    ("chengguan", "城管局", "root", Unit.Kind.DEPARTMENT, False, "部门"),
    ("renshe", "人社局", "root", Unit.Kind.DEPARTMENT, False, "部门"),
    ("shuiwu", "水务公司", "root", Unit.Kind.ENTERPRISE, False, "企事业"),
    ("dongpu", "东浦街道", "root", Unit.Kind.TERRITORIAL, False, "镇街"),
    ("xihe", "西禾镇", "root", Unit.Kind.TERRITORIAL, False, "镇街"),
    ("dongpu_chengjian", "东浦街道城建科", "dongpu", Unit.Kind.TERRITORIAL, False, ""),
)


@dataclass(frozen=True)
class Login:
    """Somebody to log in as: username, made-up name, unit code, roles."""

    username: str
    name: str
    unit: str
    roles: tuple[str, ...]


STAFF = (
    Login("dengji", "登记员·小登", "tousu", ("desk_clerk",)),
    Login("paidan", "派单员·小派", "tousu", ("dispatcher", "desk_clerk")),
    Login("shenhe", "审核员·小审", "tousu", ("reviewer",)),
    Login("xuanchuan", "宣传审核员·小宣", "root", ("publicity",)),
    Login("huifang", "回访员·小访", "tousu", ("caller",)),
    Login("lingdao", "批办领导·老批", "root", ("leader",)),
    Login("caiding", "争议裁定领导·老裁", "root", ("arbiter",)),
    Login("zhuyao", "主要领导·老首", "root", ("top_leader",)),
    Login("duban", "督办员、导出员·小督", "root", ("supervisor", "exporter")),
    Login("zhuanban", "专办员·小专", "tousu", ("confidential_officer",)),
    Login("fuhe", "专办员·老专", "tousu", ("confidential_officer",)),
    Login("xitong", "系统管理员·小系", "root", ("sysadmin",)),
    Login("anquan", "安全管理员·小安", "root", ("secadmin",)),
    Login("shenji", "审计管理员·小计", "root", ("auditadmin",)),
)
HANDLING = ("zhujian", "jiaotong", "jiaoyu", "chengguan", "renshe", "shuiwu", "dongpu", "xihe")


def logins() -> list[Login]:
    """Everybody: the desk and the county, then a handler, a head and a deputy head for each unit that handles."""
    names = {code: name for code, name, *_ in UNITS}
    handlers = [
        Login(f"{unit}_chengban", f"承办人·{names[unit]}小承", unit, ("unit_handler",)) for unit in HANDLING
    ]
    heads = [Login(f"{unit}_fuze", f"负责人·{names[unit]}老负", unit, ("unit_head",)) for unit in HANDLING]
    deputies = [
        Login(f"{unit}_fenguan", f"分管负责人·{names[unit]}老分", unit, ("deputy_head",)) for unit in HANDLING
    ]
    # Who handles complaints that name an official works with the confidential officer's rights.
    inspectors = [
        Login("jiwei_chengban", "承办人·监督办小监", "jiwei", ("unit_handler", "confidential_officer")),
        Login("jiwei_fuze", "负责人·监督办老监", "jiwei", ("unit_head", "confidential_officer")),
    ]
    return [*STAFF, *handlers, *inspectors, *heads, *deputies]


def build() -> dict[str, User]:
    """Make units and people; returns users by username. Runs on a freshly migrated database."""
    root = Unit.objects.root()
    root.name = "云溪县（演示）"
    root.save(update_fields=["name"])
    units = {"root": root}
    for code, name, parent, kind, desk, peers in UNITS:
        units[code] = Unit.objects.create(
            code=code, name=name, parent=units[parent], kind=kind, is_desk=desk, peer_group=peers
        )
    hashed = make_password(PASSWORD)
    users = {}
    for login in logins():
        is_admin = "sysadmin" in login.roles
        users[login.username] = User.objects.create(
            username=login.username,
            display_name=login.name,
            email=f"{login.username}@yunxi.example",
            password=hashed,
            is_staff=is_admin,
            is_superuser=is_admin,
        )
        Membership.objects.bulk_create(
            Membership(user=users[login.username], unit=units[login.unit], role=role) for role in login.roles
        )
    return users
