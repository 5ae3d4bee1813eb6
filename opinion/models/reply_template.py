"""Wordings to begin a reply from."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models import Unit


class ReplyTemplateQuerySet(models.QuerySet["ReplyTemplate"]):
    """Templates by who may use them."""

    def in_use(self) -> Self:
        return self.filter(retired_at=None)

    def for_unit(self, unit_id: int | None) -> Self:
        """Those of the whole county and of this unit."""
        return self.filter(Q(unit=None) | Q(unit=unit_id))


class ReplyTemplate(models.Model):
    """A text with placeholders (see `opinion.templating`). unit: whose it is; null: the whole county's.

    version: counts edits; a reply once begun from a template keeps its own text, so an edit changes no reply.
    """

    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="使用单位"
    )
    name = models.CharField("名称", max_length=60)
    text = models.TextField("内容")
    version = models.PositiveSmallIntegerField("版次", default=1)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="修改人"
    )
    edited_at = models.DateTimeField("修改时间")
    retired_at = models.DateTimeField("停用时间", null=True, blank=True)

    objects = ReplyTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "答复模板"
        ordering = ["unit__name", "name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["unit", "name"],
                condition=Q(retired_at=None, unit__isnull=False),
                name="op_template_unit_name",
            ),
            models.UniqueConstraint(
                fields=["name"], condition=Q(retired_at=None, unit=None), name="op_template_county_name"
            ),
            models.CheckConstraint(condition=~Q(text="") & ~Q(name=""), name="op_template_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name
