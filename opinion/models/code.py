"""Code lists a county edits: types, sources, domains, reasons."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models


class CodeQuerySet(models.QuerySet["Code"]):
    """Questions about the lists."""

    def of(self, list_name: str) -> Self:
        """One list, in its order, retired codes included: old cases still carry them."""
        return self.filter(list=list_name)

    def offered(self, list_name: str) -> Self:
        """What may still be chosen from a list."""
        return self.of(list_name).filter(active=True)


class Code(models.Model):
    """One entry of one list. Events and cases carry `code`, people read `label`.

    A code in use is retired (`active`), never deleted: policies and old cases go on naming it.
    """

    list = models.CharField("代码表", max_length=30)
    code = models.CharField("代码", max_length=30)
    label = models.CharField("名称", max_length=60)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("启用", default=True)

    objects = CodeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "代码"
        ordering = ["list", "position", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["list", "code"], name="op_code_once"),
            models.CheckConstraint(condition=~models.Q(code=""), name="op_code_not_empty"),
        ]

    def __str__(self) -> str:
        return self.label
