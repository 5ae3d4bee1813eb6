"""What happened to a case, written once. Triggers refuse to change or delete it on both databases."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models.case import Case
from workflows.models.unit import Unit


class Event(models.Model):
    """One change of one case; also the outbox (`relayed_at`).

    seq: 1, 2, 3… within the case. unit: who holds the case afterwards. data: codes and ids only.
    happened_at / recorded_at differ for what is entered later. key: the caller's, harmless to repeat.
    digest: `sha256:` or `sm3:` over this row and the digest before it (see `workflows.chain`).
    """

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="events", verbose_name="案件")
    seq = models.PositiveIntegerField("序号")
    name = models.CharField("事件", max_length=40)
    transition = models.CharField("流转", max_length=30, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="经手人"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="其后责任单位")
    source = models.CharField("原状态", max_length=30, blank=True)
    target = models.CharField("新状态", max_length=30)
    data = models.JSONField("数据", default=dict)
    happened_at = models.DateTimeField("发生时间")
    recorded_at = models.DateTimeField("记录时间")
    key = models.CharField("幂等键", max_length=80, null=True, blank=True)  # noqa: DJ001  # null: unique only when given
    digest = models.CharField("摘要", max_length=80)
    relayed_at = models.DateTimeField("转发时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "事件"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "seq"], name="wf_event_seq"),
            models.UniqueConstraint(
                fields=["case", "key"], condition=Q(key__isnull=False), name="wf_event_key"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(relayed_at=None), name="wf_event_outbox"),
            models.Index(fields=["recorded_at", "id"], name="wf_event_recorded"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.seq} {self.name}"


class Evidence(models.Model):
    """A row that belongs to one event of a case: its free text and particulars, which the log carries by digest.

    `Move.add` takes it; the door fills in `seq`.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="+", verbose_name="案件")
    seq = models.PositiveIntegerField("事件序号", default=0)

    class Meta:
        abstract = True


class Note(Evidence):
    """Free text of an event, kept apart so that erasing it never breaks the chain.

    The event carries the text's digest under the note's kind.
    """

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="notes", verbose_name="案件")
    kind = models.CharField("类别", max_length=30)
    text = models.TextField("内容")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="作者"
    )
    written_at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "记录文字"
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "seq", "kind"], name="wf_note_once")]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.seq} {self.kind}"
