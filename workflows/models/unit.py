"""The tree of offices, the people in it, and the roles they hold there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from workflows.standing import Standing, standing_of


class UnitQuerySet(models.QuerySet["Unit"]):
    """Questions about the tree."""

    def root(self) -> Unit:
        """The one unit without a parent. `migrate` makes it."""
        return self.get(parent=None)


class Unit(models.Model):
    """An office: county, bureau, street, office, community or grid."""

    class Kind(models.TextChoices):
        TERRITORIAL = "territorial", "属地"
        DEPARTMENT = "department", "部门"
        VERTICAL = "vertical", "垂直"
        ENTERPRISE = "enterprise", "企事业"

    code = models.CharField("代码", max_length=30, unique=True)
    name = models.CharField("名称", max_length=60)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级"
    )
    kind = models.CharField("类别", max_length=12, choices=Kind, default=Kind.DEPARTMENT)
    is_desk = models.BooleanField("受理台", default=False, help_text="可登记、派单的单位")
    peer_group = models.CharField("考核组", max_length=30, blank=True)
    valid_from = models.DateField("启用日期", null=True, blank=True)
    valid_until = models.DateField("停用日期", null=True, blank=True)

    objects = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "单位"
        ordering = ["code"]
        constraints: ClassVar = [
            # NULLs never collide in a unique index, so the absent parent is indexed as 0.
            models.UniqueConstraint(Coalesce("parent", 0), condition=Q(parent=None), name="wf_unit_one_root"),
            models.CheckConstraint(condition=~Q(parent=models.F("id")), name="wf_unit_not_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.pk and self.parent_id and self.parent_id in subtree_ids([self.pk]):
            raise ValidationError({"parent": "上级不能是本单位或其下级，请另选"})


def subtree_ids(unit_ids: Iterable[int]) -> frozenset[int]:
    """The units given and every unit below them; one statement."""
    return _walk(unit_ids, "u.parent_id = w.id", "u.id")


def ancestor_ids(unit_ids: Iterable[int]) -> frozenset[int]:
    """The units given and every unit above them; one statement."""
    return _walk(unit_ids, "u.id = w.id AND u.parent_id IS NOT NULL", "u.parent_id")


def at_or_above(unit_ids: Iterable[int]) -> RawSQL:
    """The same as a condition for another statement: `unit__in=at_or_above(…)`."""
    sql, params = _walked(unit_ids, "u.id = w.id AND u.parent_id IS NOT NULL", "u.parent_id")
    return RawSQL(sql, params)  # noqa: S611  # our own names and ids


def _walk(unit_ids: Iterable[int], step: str, reached: str) -> frozenset[int]:
    sql, params = _walked(unit_ids, step, reached)
    if not params:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return frozenset(row[0] for row in cursor.fetchall())


def _walked(unit_ids: Iterable[int], step: str, reached: str) -> tuple[str, list[int]]:
    start = sorted(set(unit_ids))
    marks = ", ".join(["%s"] * len(start)) or "NULL"
    sql = (
        f"WITH RECURSIVE walk(id) AS (SELECT id FROM workflows_unit WHERE id IN ({marks})"  # noqa: S608  # no input
        f" UNION SELECT {reached} FROM workflows_unit u JOIN walk w ON {step}) SELECT id FROM walk"
    )
    return sql, start


class HuiyinUserManager(UserManager["User"]):
    """Users, and the one that is nobody."""

    def system(self) -> User:
        """The named actor of commands and periodic work. `migrate` makes it; nobody can log in as it."""
        return self.get(is_system=True)


class User(AbstractUser):
    """A person who works here, or the system itself."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    display_name = models.CharField("姓名", max_length=40, blank=True)
    is_system = models.BooleanField("系统账号", default=False, editable=False)

    objects: ClassVar[HuiyinUserManager] = HuiyinUserManager()

    class Meta:
        verbose_name = verbose_name_plural = "用户"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_system"], condition=Q(is_system=True), name="wf_user_one_system"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    @cached_property
    def standing(self) -> Standing:
        """Roles held and units overseen, read once per instance; a fresh request reads it afresh."""
        return standing_of(self)


class Membership(models.Model):
    """A user works in a unit in a role."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name="用户")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="memberships", verbose_name="单位")
    role = models.CharField("角色", max_length=30)

    class Meta:
        verbose_name = verbose_name_plural = "任职"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "unit", "role"], name="wf_membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}：{self.unit} {self.role}"

    def clean(self) -> None:
        from workflows.registry import ROLES

        given = [name for name, item in ROLES.items() if item.given]
        if self.role not in given:
            raise ValidationError({"role": f"角色“{self.role}”未登记，可用的有：{'、'.join(given)}"})
