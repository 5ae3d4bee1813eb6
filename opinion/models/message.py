"""What a citizen wrote."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from workflows.models import Case


class Message(models.Model):
    """One message, one-to-one with its case. Who wrote it is in `Contact`, apart.

    source and the classification (type, domain, urgency, complexity) are codes; empty: not given, never invented.
    external_number: the number at the source; external_key: what makes a second import of it harmless (that number,
    or one made from the content). body_digest: SHA-256 of the body with white space collapsed, for duplicate hints.
    received_at: when the person sent it; null where the source does not say.
    """

    case = models.OneToOneField(
        Case, models.PROTECT, primary_key=True, related_name="message", verbose_name="案件"
    )
    source = models.CharField("来源", max_length=30)
    external_number = models.CharField("来源编号", max_length=100, blank=True)
    external_key = models.CharField("来源键", max_length=120)
    subject = models.CharField("主题", max_length=200)
    body = models.TextField("内容")
    body_digest = models.CharField("内容摘要", max_length=64)
    type = models.CharField("类型", max_length=30, blank=True)
    domain = models.CharField("领域", max_length=30, blank=True)
    urgency = models.CharField("紧急程度", max_length=30, blank=True)
    complexity = models.CharField("复杂程度", max_length=30, blank=True)
    place = models.CharField("事发地点", max_length=200, blank=True)
    board = models.CharField("版块编号", max_length=60, blank=True)
    received_at = models.DateTimeField("留言时间", null=True, blank=True)
    asked_confidential = models.BooleanField("要求保密", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "留言"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "external_key"], name="op_message_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["body_digest", "case"], name="op_message_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_key}"
