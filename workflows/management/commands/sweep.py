"""manage.py sweep [--at ISO] [--dry-run [--until ISO]]"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from workflows.forecasting import StepAhead, Whom, clocks_until, steps_ahead, whom
from workflows.management.moments import moment_of
from workflows.published import lifecycle
from workflows.registry import RECIPIENTS
from workflows.sweeper import sweep

CHUNK = 500


class Command(BaseCommand):
    help = "检查时限：逾期的记入日志（每个只记一次，时间为到期时刻），按阶梯催督，执行到期自动流转"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at", help="按哪一时刻计算，如 2026-11-24T09:30+08:00；不带时区按北京时间；默认现在"
        )
        parser.add_argument("--dry-run", action="store_true", help="只列出将到哪一级、告知谁，不写入任何内容")
        parser.add_argument("--until", help="与 --dry-run 一起用：预计到哪一时刻为止，默认与 --at 相同")

    def handle(self, *args: Any, **options: Any) -> None:
        at = moment_of(options["at"], "--at") if options["at"] else timezone.now()
        if options["dry_run"]:
            until = moment_of(options["until"], "--until") if options["until"] else at
            if until < at:
                raise CommandError("--until 早于 --at，请改晚")
            self._forecast(at, until)
            return
        if options["until"]:
            raise CommandError("--until 只能与 --dry-run 一起用：真正的检查只按一个时刻")
        done = sweep(at=at)
        self.stdout.write(
            f"截至 {timezone.localtime(at):%Y-%m-%d %H:%M:%S}：新增逾期 {done.missed} 条，自动流转 {done.fired} 件。"
        )
        if done.failed:
            self.stdout.write(
                f"{done.failed} 项到期自动办理没有办成，原因在日志和“通知告警”页，稍后自动再试。"
            )
        if done.held:
            self.stdout.write(f"{done.held} 件正被他人办理，留待下一轮。")

    def _forecast(self, at: datetime, until: datetime) -> None:
        """In chunks of clocks, the longest waiting first; lines are in order of time within a chunk."""
        lines, alone, clocks = 0, 0, clocks_until(until)
        ids = list(clocks.values_list("pk", flat=True))
        for start in range(0, len(ids), CHUNK):
            steps = steps_ahead(list(clocks.filter(pk__in=ids[start : start + CHUNK])), at=at, until=until)
            told = whom(steps, lambda name, events: RECIPIENTS[name].find(events))
            for step in steps:
                self.stdout.write(_line(step, told.get(step.event.pk)))
                alone += step.event.pk in told and told[step.event.pk].nobody
            lines += len(steps)
        self.stdout.write(
            f"预计至 {timezone.localtime(until):%Y-%m-%d %H:%M:%S}，如无人办理：{lines} 项"
            + (f"，其中 {alone} 项无人可告知，请补设人员。" if alone else "。")
        )


def _line(step: StepAhead, told: Whom | None) -> str:
    case = step.event.case
    clock = lifecycle(case.definition_id).clocks.get(step.clock.kind)
    words = [
        f"{timezone.localtime(step.event.recorded_at):%Y-%m-%d %H:%M:%S}", case.number, case.unit.name,
        clock.label if clock else step.clock.kind, step.rung.label if step.rung else "逾期",
    ]  # fmt: skip
    if told is not None:
        people = "、".join(
            f"{label}：{'、'.join(map(str, users)) if users else '无人'}" for label, users in told.named
        )
        words.append(f"{'原对象无人，改告知' if told.instead else '告知'} {people}")
        if told.nobody:
            words.append("【无人可告知】")
    if step.fires:
        words.append(f"系统自动“{'”或“'.join(step.fires)}”")
    return "  ".join(words)
