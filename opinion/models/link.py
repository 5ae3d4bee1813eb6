"""What ties one case to another."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from workflows.models import Case


class LinkQuerySet(models.QuerySet["Link"]):
    """Questions about ties between cases."""

    def standing(self) -> Self:
        return self.filter(ended_at=None)

    def merged(self) -> Self:
        """Merges in force."""
        return self.standing().filter(kind=Link.Kind.MERGED)

    def matters_of(self, case: Case) -> Self:
        """Cases this one was tied to as being about the same matter."""
        return self.standing().filter(from_case=case, kind=Link.Kind.SAME_MATTER)

    def hints(self) -> Self:
        return self.standing().filter(kind=Link.Kind.DUPLICATE_HINT)


class Link(models.Model):
    """from_case → to_case: the later message to the earlier, the duplicate to its master.

    Of the same matter: an event and the messages about it, each going its own way.
    A merged case keeps its number, person and clock. A master is never merged itself: one root, no cycles
    (kept by `opinion.merging`, under one lock for all merges).
    """

    class Kind(models.TextChoices):
        DUPLICATE_HINT = "duplicate_hint", "疑似重复"
        MERGED = "merged", "并案"
        SAME_MATTER = "same_matter", "同一事项"
        SEQUEL = "sequel", "后续案件"

    from_case = models.ForeignKey(Case, models.PROTECT, related_name="links_out", verbose_name="案件")
    to_case = models.ForeignKey(Case, models.PROTECT, related_name="links_in", verbose_name="主案件")
    kind = models.CharField("类别", max_length=20, choices=Kind)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="建立人"
    )
    made_at = models.DateTimeField("建立时间")
    ended_at = models.DateTimeField("解除时间", null=True, blank=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "案件关联"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["from_case", "to_case", "kind"], condition=Q(ended_at=None), name="op_link_once"
            ),
            models.UniqueConstraint(
                fields=["from_case"], condition=Q(ended_at=None, kind="merged"), name="op_link_one_master"
            ),
            models.CheckConstraint(condition=~Q(from_case=F("to_case")), name="op_link_not_itself"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("made_at")), name="op_link_ordered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_case_id} → {self.to_case_id} {self.kind}"
