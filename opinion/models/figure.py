"""What supervision and statistics read: derived from the log, the clocks and the ratings, never entered by anybody.

Rows a case (`OpenCase`, `CaseFigure`, `Held`, `Act`) and sums over them (`OpenSum`, `MonthSum`, `HeldSum`, `ActSum`), so
that a page over a million cases reads a few hundred sums. `opinion.reports.keeping` writes both in the transaction that
hands the events on; `manage.py rebuild_figures` makes them anew. Restricted cases (an official is named) have no row
here: their officer alone looks after them. A month is written as its first day, local time.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from workflows.models import Case, Clock, Unit


def _case() -> Any:
    return models.ForeignKey(Case, models.CASCADE, related_name="+", verbose_name="案件")


def _unit(*, index: bool = False) -> Any:
    return models.ForeignKey(Unit, models.PROTECT, db_index=index, related_name="+", verbose_name="单位")


class OpenCase(models.Model):
    """A case somebody has to do something about, as the supervisor's board counts it.

    unit: who holds it; since: from when on, in this step. level: colour, a position in `workflows.ladders.LEVELS`.
    """

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="+", verbose_name="案件")
    unit = _unit()
    step = models.CharField("环节", max_length=30)
    level = models.PositiveSmallIntegerField("颜色级别")
    due_at = models.DateTimeField("最近时限", null=True)
    since = models.DateTimeField("持有自")

    class Meta:
        verbose_name = verbose_name_plural = "在办案件"
        indexes: ClassVar = [
            # Every column of the board's question, so that the answer is in the index.
            models.Index(fields=["due_at", "unit", "level"], name="op_open_due"),
            models.Index(fields=["unit", "step", "level"], name="op_open_unit"),
        ]


class OpenSum(models.Model):
    """Open cases of a unit in a step and colour. since_seconds: sum of their `since`, in seconds of 1970."""

    unit = _unit()
    step = models.CharField("环节", max_length=30)
    level = models.PositiveSmallIntegerField("颜色级别")
    cases = models.IntegerField("件数", default=0)
    since_seconds = models.BigIntegerField("持有起点之和", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "在办件数"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit", "step", "level"], name="op_open_sum_once")
        ]


class CaseFigure(models.Model):
    """One cycle of a message's resolve clock: when it was due, how it ended, and who answers for that.

    unit: the lead unit when the clock ended, or now; the desk while there is none. state: of the clock, never void.
    month, original_month: of due_at and original_due_at. on_time: null while it runs.
    Seconds are natural time from start to finish of that clock. satisfied: by what the person said last in this
    cycle; null where nobody said anything.
    """

    case = _case()
    cycle = models.PositiveSmallIntegerField("轮次")
    unit = _unit()
    state = models.CharField("状态", max_length=8, choices=Clock.State)
    due_at = models.DateTimeField("到期时间")
    original_due_at = models.DateTimeField("原定到期时间")
    month = models.DateField("到期月份")
    original_month = models.DateField("原定到期月份")
    on_time = models.BooleanField("按时", null=True)
    original_on_time = models.BooleanField("按原定期限按时", null=True)
    accept_seconds = models.PositiveBigIntegerField("签收用时", null=True)
    contact_seconds = models.PositiveBigIntegerField("首次联系用时", null=True)
    resolve_seconds = models.PositiveBigIntegerField("办结用时", null=True)
    satisfied = models.BooleanField("满意", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "案件统计"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "cycle"], name="op_case_figure_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["month", "unit", "resolve_seconds"], name="op_figure_month"),
            models.Index(fields=["original_month", "unit"], name="op_figure_original"),
            models.Index(fields=["due_at", "unit"], condition=Q(state="running"), name="op_figure_due"),
            models.Index(
                fields=["original_due_at", "unit"], condition=Q(on_time=None), name="op_figure_original_due"
            ),
        ]


class MonthSum(models.Model):
    """Cycles of a unit whose deadline lies in a month. basis: whether by the deadline in force or the original one.

    on_time, late: ended. going: can become overdue: the clock runs, or (original deadline) has merely not ended.
    rated, satisfied: of the deadline in force only.
    """

    class Basis(models.TextChoices):
        DUE = "due", "现行期限"
        ORIGINAL = "original", "原定期限"

    unit = _unit()
    basis = models.CharField("口径", max_length=8, choices=Basis)
    month = models.DateField("月份")
    on_time = models.IntegerField("按时办结", default=0)
    late = models.IntegerField("逾期办结", default=0)
    going = models.IntegerField("未办结", default=0)
    rated = models.IntegerField("已评价", default=0)
    satisfied = models.IntegerField("满意", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "月度统计"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "basis", "unit"], name="op_month_sum_once")
        ]


class Held(models.Model):
    """How long a unit held a case in a step: stretches that ended in a month. times: how many stretches."""

    case = _case()
    unit = _unit()
    step = models.CharField("环节", max_length=30)
    month = models.DateField("月份")
    seconds = models.PositiveBigIntegerField("秒数")
    times = models.PositiveSmallIntegerField("次数")

    class Meta:
        verbose_name = verbose_name_plural = "持有时长"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "unit", "step", "month"], name="op_held_once")
        ]
        indexes: ClassVar = [models.Index(fields=["month", "unit", "step"], name="op_held_month")]


class HeldSum(models.Model):
    """Sum of `Held` over the cases of a unit, step and month."""

    unit = _unit()
    step = models.CharField("环节", max_length=30)
    month = models.DateField("月份")
    cases = models.IntegerField("件数", default=0)
    seconds = models.BigIntegerField("秒数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "持有时长合计"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "unit", "step"], name="op_held_sum_once")
        ]


class Act(models.Model):
    """Something a unit did with a case, or was charged with, in a month. times: how often.

    assigned: it was given the case. declined, and what came of that: upheld, rejected, or designated (by the desk or
    a leader); disputed: put before a leader. transferred: handed on to another. redone: by a bad rating or by
    reopening, which is also counted alone. replied, drawn: answered, and drawn for a call-back. called, reached:
    somebody tried to reach the person, or did.
    """

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", "交办"
        DECLINED = "declined", "退单"
        UPHELD = "upheld", "同意退单"
        REJECTED = "rejected", "驳回退单"
        DESIGNATED = "designated", "退单后指定"
        DISPUTED = "disputed", "提请裁定"
        TRANSFERRED = "transferred", "转出"
        REPLIED = "replied", "答复"
        REDONE = "redone", "重办"
        REOPENED = "reopened", "重新办理"
        DRAWN = "drawn", "抽中回访"
        CALLED = "called", "回访"
        REACHED = "reached", "接通"

    case = _case()
    unit = _unit()
    kind = models.CharField("类别", max_length=12, choices=Kind)
    month = models.DateField("月份")
    times = models.PositiveSmallIntegerField("次数")

    class Meta:
        verbose_name = verbose_name_plural = "办理行为"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "unit", "kind", "month"], name="op_act_once")
        ]
        indexes: ClassVar = [models.Index(fields=["month", "unit", "kind"], name="op_act_month")]


class ActSum(models.Model):
    """Cases of a unit with such an act in a month."""

    unit = _unit()
    kind = models.CharField("类别", max_length=12, choices=Act.Kind)
    month = models.DateField("月份")
    cases = models.IntegerField("件数", default=0)
    times = models.IntegerField("次数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "办理行为合计"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "unit", "kind"], name="op_act_sum_once")
        ]
