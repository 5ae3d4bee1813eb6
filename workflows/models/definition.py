"""Published documents: a version, once written, never changes. Triggers refuse it in the database too."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models

from workflows.ladders import LadderSpec
from workflows.policy import PolicySpec
from workflows.spec import LifecycleSpec

if TYPE_CHECKING:
    from workflows.approvals.rules import ApprovalRulesSpec

D = TypeVar("D", bound="PublishedDocument")


class PublishedQuerySet(models.QuerySet[D]):
    """Versions of documents."""

    def latest_of(self, code: str) -> D:
        """The newest version of `code`. Raises DoesNotExist."""
        return self.filter(code=code).latest("version")

    def newest(self) -> Self:
        """One row a code: its newest version."""
        later = self.model._default_manager.filter(
            code=models.OuterRef("code"), version__gt=models.OuterRef("version")
        )
        return self.filter(~models.Exists(later))


class PublishedDocument(models.Model):
    """code × version → spec. `source` keeps the text as it was published, comments included; of a calendar made
    from a pasted notice, the notice."""

    code = models.CharField("代码", max_length=30)
    version = models.PositiveIntegerField("版本")
    label = models.CharField("名称", max_length=60)
    spec = models.JSONField("内容")
    source = models.TextField("原文")
    published_at = models.DateTimeField("发布时间")
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="发布人"
    )

    objects: ClassVar[PublishedQuerySet[Any]] = PublishedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.label} v{self.version}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the original, to compare it with the paper."""
        return sha256(self.source.encode()).hexdigest()


class Definition(PublishedDocument):
    """A lifecycle."""

    class Meta:
        verbose_name = verbose_name_plural = "流程定义"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="wf_definition_version")
        ]

    @cached_property
    def parsed(self) -> LifecycleSpec:
        return LifecycleSpec.model_validate(self.spec)


class PolicyVersion(PublishedDocument):
    """A policy: which limit each clock has, for which cases, by which source."""

    class Meta:
        verbose_name = verbose_name_plural = "时限规则"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="wf_policy_version")
        ]

    @cached_property
    def parsed(self) -> PolicySpec:
        return PolicySpec.model_validate(self.spec)


class LadderVersion(PublishedDocument):
    """A ladder: when a clock makes itself heard, to whom, and what is then done."""

    class Meta:
        verbose_name = verbose_name_plural = "催督阶梯"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="wf_ladder_version")
        ]

    @cached_property
    def parsed(self) -> LadderSpec:
        return LadderSpec.model_validate(self.spec)


class ApprovalRules(PublishedDocument):
    """Approval levels: through whom each matter goes, for which cases."""

    class Meta:
        verbose_name = verbose_name_plural = "审批层级"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="wf_approvalrules_version")
        ]

    @cached_property
    def parsed(self) -> ApprovalRulesSpec:
        from workflows.approvals.rules import ApprovalRulesSpec

        return ApprovalRulesSpec.model_validate(self.spec)
