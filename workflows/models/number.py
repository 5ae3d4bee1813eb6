"""Case numbers."""

from __future__ import annotations

from typing import ClassVar

from django.db import connection, models


class NumberSeries(models.Model):
    """The last number given out per prefix and year."""

    prefix = models.CharField("前缀", max_length=4)
    year = models.PositiveSmallIntegerField("年份")
    last = models.PositiveBigIntegerField("已用至", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "编号序列"
        constraints: ClassVar = [models.UniqueConstraint(fields=["prefix", "year"], name="wf_number_series")]

    def __str__(self) -> str:
        return f"{self.prefix}{self.year}-{self.last}"

    @classmethod
    def take(cls, prefix: str, year: int, count: int = 1) -> list[str]:
        """The next `count` numbers, such as LY2026-000123. Must run inside the transaction that uses them."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO workflows_numberseries (prefix, year, last) VALUES (%s, %s, %s)"
                " ON CONFLICT (prefix, year) DO UPDATE SET last = workflows_numberseries.last + excluded.last"
                " RETURNING last",
                [prefix, year, count],
            )
            last: int = cursor.fetchone()[0]
        return [f"{prefix}{year}-{n:06d}" for n in range(last - count + 1, last + 1)]
