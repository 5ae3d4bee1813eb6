"""An event the public talks about: what happened and what people ask, never who said it."""

from __future__ import annotations

from django.db import models

from workflows.models import Case


class OpinionCase(models.Model):
    """One event, one-to-one with its case.

    There is no column for whoever posted or passed something on, no address of a post or an account, and there will
    be none: the subject is the event and what the agencies do about it (`tests/architecture/test_no_posters.py`).
    channels: codes of list `channel`, the kinds of place where it appeared. questions: what the public asks, one
    topic a line. agencies: offices concerned. found_at: when it was first seen; its hours count from then
    (`Case.counts_from`).
    """

    case = models.OneToOneField(
        Case, models.PROTECT, primary_key=True, related_name="opinion_case", verbose_name="案件"
    )
    title = models.CharField("事件", max_length=200)
    summary = models.TextField("事件概况")
    place = models.CharField("发生地点", max_length=200, blank=True)
    found_at = models.DateTimeField("发现时间")
    channels = models.JSONField("出现渠道", default=list)
    domain = models.CharField("领域", max_length=30, blank=True)
    questions = models.TextField("公众关切", blank=True)
    agencies = models.CharField("涉及单位", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "舆情事件"

    def __str__(self) -> str:
        return self.title
