"""Look at policies, compare versions, and move running cases to another one."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone

from workflows.calendars import NoWorkingTime
from workflows.differences import policy_differences
from workflows.documents import SpecError
from workflows.foreseeing import Foreseen
from workflows.management.acting import acting
from workflows.models import Case, PolicyVersion, User
from workflows.policy import PolicySpec
from workflows.publishing import check_file, publish_file
from workflows.repolicing import move, preview
from workflows.wording import clock_labels, why_not_opened


class Command(BaseCommand):
    help = "时限规则：列出、比较版本、预览新版本对在办时限的影响、把在办案件换到某一版。"

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|diff|preview|apply|move")
        actions.add_parser("list", help="列出各版本及其在办案件数")
        diff = actions.add_parser("diff", help="比较两个版本")
        diff.add_argument("code", metavar="CODE")
        diff.add_argument("old", type=int, metavar="V1")
        diff.add_argument("new", type=int, metavar="V2")
        looking = actions.add_parser("preview", help="检查文件，列出在办案件换过去会怎样；不发布")
        looking.add_argument("file", metavar="FILE")
        applying = actions.add_parser("apply", help="发布文件，并把在办案件换过去，每件留一条日志")
        applying.add_argument("file", metavar="FILE")
        moving = actions.add_parser("move", help="把在办案件换到已发布的某一版；换回旧版即撤销")
        moving.add_argument("code", metavar="CODE")
        moving.add_argument("--to", type=int, required=True, metavar="VERSION", help="哪一版")
        moving.add_argument("--dry-run", action="store_true", help="只预览")
        for acts in (applying, moving):
            acts.add_argument(
                "--as", dest="username", metavar="USERNAME", help="经手人的用户名，默认系统账号"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except SpecError as error:
            for line in str(error).splitlines():
                self.stderr.write(line)
            raise CommandError("没有改动，请按上面各行修改后重试。") from error
        except NoWorkingTime as error:
            raise CommandError(f"没有改动：{error}") from error
        except OSError as error:
            raise CommandError(f"{options['file']}：读不了这个文件：{why_not_opened(error)}。") from error

    def _list(self, options: dict[str, Any]) -> None:
        cases = dict(Case.objects.open().values_list("policy").annotate(Count("id")).order_by())
        for found in PolicyVersion.objects.defer("source").order_by("code", "version"):
            self.stdout.write(
                f"{found.code} 第 {found.version} 版 {found.label}：{len(found.parsed.rules)} 个条目，"
                f"{cases.get(found.pk, 0)} 件在办，{timezone.localtime(found.published_at):%Y-%m-%d %H:%M} 发布"
            )

    def _diff(self, options: dict[str, Any]) -> None:
        old, new = (_version(options["code"], options[which]) for which in ("old", "new"))
        for line in policy_differences(old.parsed, new.parsed) or ["内容相同"]:
            self.stdout.write(line)

    def _preview(self, options: dict[str, Any]) -> None:
        spec = check_file(Path(options["file"]))
        if not isinstance(spec, PolicySpec):
            raise CommandError(f"{options['file']}：这不是时限规则。")
        newest = PolicyVersion.objects.filter(code=spec.code).order_by("-version").first()
        for line in policy_differences(newest.parsed, spec) if newest else ():
            self.stdout.write(line)
        self._show(*preview(spec, at=timezone.now()))
        self.stdout.write(
            "以上仅为预览。publish 只发布，在办案件不变；policies apply 发布并把在办案件换过去。"
        )

    def _apply(self, options: dict[str, Any]) -> None:
        by, at = acting(options["username"]), timezone.now()
        if not isinstance(check_file(Path(options["file"])), PolicySpec):
            raise CommandError(f"{options['file']}：这不是时限规则。")
        published = publish_file(Path(options["file"]), by=by, at=at)
        version = PolicyVersion.objects.get(pk=published.document.pk)
        self.stdout.write(
            f"{version.code} 第 {version.version} 版{'已发布' if published.fresh else '早已发布'}"
        )
        self._carry_out(version, by)

    def _move(self, options: dict[str, Any]) -> None:
        by, version = acting(options["username"]), _version(options["code"], options["to"])
        self._show(*preview(version.parsed, at=timezone.now(), version=version))
        if not options["dry_run"]:
            self._carry_out(version, by)

    def _show(self, found: Foreseen, unfit: dict[str, str]) -> None:
        foreseen = found.in_words(clock_labels())
        self.stdout.write(
            f"{foreseen.cases} 件案件会换过去，其中期限或阶梯改变的时限 {foreseen.met} 个：推后 {foreseen.later}、"
            f"提前 {foreseen.earlier}、不再计时 {foreseen.ended}、立即逾期 {foreseen.late_at_once}；重新催督 {foreseen.anew} 级"
        )
        for kind, before, after, (later, earlier, same, ended) in foreseen.by_group:
            self.stdout.write(
                f"  {kind} {before} → {after}：推后 {later}、提前 {earlier}、不变 {same}、不再计时 {ended}"
            )
        for days, count in foreseen.by_days:
            self.stdout.write(f"  {days:+d} 天：{count} 个")
        for shift in foreseen.examples[:10]:
            self.stdout.write(f"  {shift}")
        for number, reason in list(unfit.items())[:10]:
            self.stdout.write(f"  {number} 留在原版本：{reason}")

    def _carry_out(self, version: PolicyVersion, by: User) -> None:
        done, unfit = move(version, by=by, at=timezone.now())
        self.stdout.write(
            f"{done.cases} 件案件已换到第 {version.version} 版，{done.clocks} 个时限改变，各有一条记录；"
            f"每批占用不超过 {done.longest_seconds * 1000:.0f} 毫秒"
        )
        for number, reason in unfit.items():
            self.stderr.write(f"{number} 留在原版本：{reason}")


def _version(code: str, number: int) -> PolicyVersion:
    try:
        return PolicyVersion.objects.get(code=code, version=number)
    except PolicyVersion.DoesNotExist as error:
        raise CommandError(f"时限规则“{code}”没有第 {number} 版；policies list 列出各版本。") from error
