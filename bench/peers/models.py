"""A django-fsm model over the case table."""

from __future__ import annotations

from typing import Any

from django.db import models
from django_fsm import FSMField, transition

from workflows.models import Definition, PolicyVersion, Unit, User


def handles(case: Any, user: Any) -> bool:
    """The same question that the lifecycle's role asks."""
    return bool(user.standing.holds("bench_clerk", case.desk_id))


class FsmCase(models.Model):
    """The case as somebody with django-fsm would write it: same table, columns, indexes and triggers."""

    number = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    state = FSMField(max_length=30)
    parked = models.CharField(max_length=30, blank=True)
    definition = models.ForeignKey(Definition, models.DO_NOTHING, related_name="+")
    policy = models.ForeignKey(PolicyVersion, models.DO_NOTHING, related_name="+")
    rev = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=80)
    desk = models.ForeignKey(Unit, models.DO_NOTHING, related_name="+")
    unit = models.ForeignKey(Unit, models.DO_NOTHING, related_name="+")
    lead = models.ForeignKey(Unit, models.DO_NOTHING, null=True, related_name="+")
    user = models.ForeignKey(User, models.DO_NOTHING, null=True, related_name="+")
    facts = models.JSONField(default=dict)
    restricted = models.BooleanField(default=False)
    rung = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    provisional = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    state_since = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "workflows_case"

    @transition(field=state, source="working", target="drafting", permission=handles)
    def draft(self) -> None:
        """No clock changes."""

    @transition(field=state, source="drafting", target="working", permission=handles)
    def revise(self) -> None:
        """No clock changes."""

    @transition(field=state, source="working", target="checking", permission=handles)
    def submit(self) -> None:
        """`work` is met, `check` begins."""

    @transition(field=state, source="checking", target="working", permission=handles)
    def back(self) -> None:
        """`check` is met, `work` begins."""
