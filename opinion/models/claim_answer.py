"""Which passage of a draft answers which claim, and with what result."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from opinion.models.claim import Claim
from workflows.models import Case, Evidence

# Beside the codes of list `result`: not in this reply, for a reason that is given.
SEPARATELY = "separately"


class ClaimAnswer(Evidence):
    """One claim held against one version of the draft; the event carries the results by the claims' numbers.

    version: of the draft. result: code of list `result`, or `separately`; empty in a draft not yet submitted.
    words: as typed, some words of the passage, or why it is answered separately. start, length: the passage in the
    draft's text, whole sentences; null where there is none.
    Source: 办理情况报告, conclusion per item.
    """

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="+", verbose_name="案件")
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="answers", verbose_name="诉求")
    version = models.PositiveSmallIntegerField("拟稿版本")
    result = models.CharField("结果", max_length=30, blank=True)
    words = models.TextField("对应语句或理由", blank=True)
    start = models.PositiveIntegerField("起点", null=True)
    length = models.PositiveIntegerField("长度", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "诉求回应"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "version", "claim"], name="op_claim_answer_once"),
            models.CheckConstraint(
                condition=Q(start=None, length=None) | Q(start__isnull=False, length__gte=1),
                name="op_claim_answer_passage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} 拟稿 {self.version} 诉求 {self.claim_id} {self.result}"

    def passage(self, text: str) -> str:
        """The sentences of the draft that answer the claim; empty where none does."""
        if self.start is None or self.length is None:
            return ""
        return text[self.start : self.start + self.length].strip()
