"""Running clocks on their way to a calendar or policy that was published, whether in the request or after it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from opinion.models.jobs import QueuedJob
from workflows.models import CalendarVersion, PolicyVersion


class RecastJob(QueuedJob):
    """One publication's move of the running cases. done/total: cases. counts: `cases` with an event, `clocks` that
    changed, `stayed` cases that the version does not serve; written with the cases themselves.

    One at a time and in order, whatever the document: two at once would each undo half of the other.
    """

    IN_TURN = True
    COUNTED: ClassVar = {"cases": "有变动的案件", "clocks": "改变的时限", "stayed": "留在原版本的案件"}

    calendar = models.ForeignKey(
        CalendarVersion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="工作日历"
    )
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="时限规则"
    )

    class Meta:
        verbose_name = verbose_name_plural = "时限重算任务"
        indexes: ClassVar = [models.Index(fields=["state", "id"], name="op_recast_state")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(calendar=None, policy__isnull=False) | Q(calendar__isnull=False, policy=None),
                name="op_recast_one_document",
            ),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="op_recast_one_runs"
            ),
            models.UniqueConstraint(
                fields=["calendar"], condition=Q(finished_at=None), name="op_recast_calendar_once"
            ),
            models.UniqueConstraint(
                fields=["policy"], condition=Q(finished_at=None), name="op_recast_policy_once"
            ),
        ]

    @property
    def version(self) -> CalendarVersion | PolicyVersion:
        """The document that the clocks are moved to."""
        version = self.calendar or self.policy
        assert version is not None, "held by op_recast_one_document"
        return version

    def files(self) -> list[models.fields.files.FieldFile]:
        return []
