"""Imports and exports under way: small records whose states are fixed by the code that runs them.

`opinion.jobs` drives them. A transition method here changes the record in memory only; whoever calls it holds the
row (SELECT … FOR UPDATE, or SQLite's IMMEDIATE transaction) and saves.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import django_fsm
from django.conf import settings
from django.db import models

from opinion.models.export_record import ExportRecord
from workflows.models import Unit

F = TypeVar("F", bound=Callable[..., None])
# django_fsm ships no types: a decorated method keeps its own.
transition: Callable[..., Callable[[F], F]] = django_fsm.transition


def upload_name(_: models.Model, filename: str) -> str:
    """A name that cannot be guessed and says nothing; what the person called it is kept in the row."""
    return f"jobs/{secrets.token_hex(20)}"


class Job(models.Model):
    """A piece of work that outlives a request.

    worker, heartbeat_at: who holds the lease and when it last gave a sign; a lease that has gone quiet may be taken
    by another worker, and the old one notices at its next step. done/total: rows, for the progress bar.
    counts: results by name. reason: why it failed, in Chinese. files_deleted_at: when its files were cleaned up.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="发起人"
    )
    options = models.JSONField("选项", default=dict)
    done = models.PositiveBigIntegerField("已处理", default=0)
    total = models.PositiveBigIntegerField("总数", default=0)
    counts = models.JSONField("计数", default=dict)
    reason = models.CharField("失败原因", max_length=300, blank=True)
    worker = models.CharField("执行者", max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField("执行次数", default=0)
    created_at = models.DateTimeField("建立时间")
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    heartbeat_at = models.DateTimeField("最近心跳", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    files_deleted_at = models.DateTimeField("文件清理时间", null=True, blank=True)

    # Each concrete job adds a `state` of its own and these moves.
    state: Any
    WAITING: ClassVar[str]
    # Whether one runs at a time, in the order they were made.
    IN_TURN: ClassVar[bool] = False

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    def take(self) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        raise NotImplementedError

    def fail(self, reason: str) -> None:
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None

    def files(self) -> list[models.fields.files.FieldFile]:
        """Stored files that are deleted when the job has aged."""
        raise NotImplementedError


class ImportJob(Job):
    """A file of messages: uploaded, its columns confirmed, imported in chunks.

    options: `mapping` {field: heading or column}, `clocks` registered | received.
    checkpoint: number of the last row whose chunk is committed; a resumed job registers from the next one on.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", "待确认列"
        MAPPED = "mapped", "排队中"
        RUNNING = "running", "导入中"
        DONE = "done", "已完成"
        FAILED = "failed", "未成功"
        CANCELLED = "cancelled", "已取消"

    WAITING = State.MAPPED

    state = django_fsm.FSMField("状态", max_length=10, choices=State.choices, default=State.UPLOADED)
    file = models.FileField("原文件", upload_to=upload_name, max_length=100)
    file_name = models.CharField("原文件名", max_length=200)
    sha256 = models.CharField("文件摘要", max_length=64)
    source = models.CharField("来源", max_length=30)
    desk = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="受理台")
    checkpoint = models.PositiveBigIntegerField("已提交至行", default=0)
    problems_file = models.FileField("问题清单", upload_to=upload_name, max_length=100, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "导入任务"
        indexes: ClassVar = [models.Index(fields=["state", "id"], name="op_import_state")]

    @transition("state", source=[State.UPLOADED, State.MAPPED], target=State.MAPPED)
    def map_columns(self, overrides: dict[str, str | int]) -> None:
        self.options = {**self.options, "mapping": overrides}

    @transition("state", source=[State.MAPPED, State.RUNNING], target=State.RUNNING)
    def take(self) -> None:
        """By a worker, for the first time or after another one died."""

    @transition("state", source=State.RUNNING, target=State.DONE)
    def finish(self) -> None:
        """Every row has been read."""

    @transition("state", source=[State.UPLOADED, State.MAPPED, State.RUNNING], target=State.FAILED)
    def fail(self, reason: str) -> None:
        self.reason = reason[:300]

    @transition("state", source=[State.UPLOADED, State.MAPPED, State.RUNNING], target=State.CANCELLED)
    def cancel(self, at: datetime) -> None:
        self.finished_at = at

    def files(self) -> list[models.fields.files.FieldFile]:
        return [self.file, self.problems_file]


class QueuedJob(Job):
    """A job that needs nobody's word once it is there."""

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "进行中"
        DONE = "done", "已完成"
        FAILED = "failed", "未成功"

    WAITING = State.QUEUED

    state = django_fsm.FSMField("状态", max_length=10, choices=State.choices, default=State.QUEUED)

    class Meta:
        abstract = True

    @transition("state", source=[State.QUEUED, State.RUNNING], target=State.RUNNING)
    def take(self) -> None:
        """By a worker, for the first time or after another one died."""

    @transition("state", source=State.RUNNING, target=State.DONE)
    def finish(self) -> None:
        """All is done."""

    @transition("state", source=[State.QUEUED, State.RUNNING], target=State.FAILED)
    def fail(self, reason: str) -> None:
        self.reason = reason[:300]


class ExportJob(QueuedJob):
    """A table of cases or events being written. options: see `opinion.exports.request.ExportRequest`."""

    file = models.FileField("导出文件", upload_to=upload_name, max_length=100, blank=True)
    file_name = models.CharField("文件名", max_length=200)
    record = models.ForeignKey(
        ExportRecord, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="导出记录"
    )

    class Meta:
        verbose_name = verbose_name_plural = "导出任务"
        indexes: ClassVar = [models.Index(fields=["state", "id"], name="op_export_state")]

    def files(self) -> list[models.fields.files.FieldFile]:
        return [self.file]
