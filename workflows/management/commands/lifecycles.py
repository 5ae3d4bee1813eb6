"""Look at lifecycles, compare versions, and move running cases to a newer one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone

from workflows.adopting import CannotAdopt, Preview, adopt, preview
from workflows.diagrams import svg
from workflows.differences import differences
from workflows.documents import SpecError
from workflows.management.acting import acting
from workflows.models import Case, Definition
from workflows.publishing import check_file
from workflows.spec import LifecycleSpec
from workflows.wording import why_not_opened

PHASES = {"open": "办理中", "closed": "已办结", "archived": "已归档"}
HOLDERS = {"desk": "受理台", "lead": "主办单位", "none": "无"}


class Command(BaseCommand):
    help = "流程定义：列出、检查文件、比较版本、查看内容与状态图、把在办案件换到新版本。"

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|check|diff|show|adopt")
        actions.add_parser("list", help="列出各版本及其案件数")
        check = actions.add_parser("check", help="检查文件，不发布")
        check.add_argument("files", nargs="+", metavar="FILE")
        diff = actions.add_parser("diff", help="比较两个版本")
        diff.add_argument("code", metavar="CODE")
        diff.add_argument("old", type=int, metavar="V1")
        diff.add_argument("new", type=int, metavar="V2")
        show = actions.add_parser("show", help="查看一个版本")
        show.add_argument("code", metavar="CODE")
        show.add_argument("--version", dest="number", type=int, metavar="N", help="版本，默认最新")
        show.add_argument("--svg", metavar="OUT", help="把状态图写到这个文件")
        adopting = actions.add_parser("adopt", help="把在办案件换到新版本，每件留一条日志")
        adopting.add_argument("code", metavar="CODE")
        adopting.add_argument("--to", type=int, required=True, metavar="VERSION", help="新版本")
        adopting.add_argument(
            "--map", nargs="+", default=[], metavar="OLD=NEW", help="状态对照；同名的不必写"
        )
        adopting.add_argument("--dry-run", action="store_true", help="只预览")
        adopting.add_argument("--reason", default="", metavar="TEXT", help="换版原因，记入每件案件")
        adopting.add_argument(
            "--as", dest="username", metavar="USERNAME", help="经手人的用户名，默认系统账号"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        cases = dict(Case.objects.values_list("definition").annotate(Count("id")).order_by())
        for found in Definition.objects.defer("source").order_by("code", "version"):
            self.stdout.write(
                f"{found.code} 第 {found.version} 版 {found.label}：{len(found.parsed.states)} 个状态、"
                f"{len(found.parsed.transitions)} 种流转，{cases.get(found.pk, 0)} 件案件，"
                f"{timezone.localtime(found.published_at):%Y-%m-%d %H:%M} 发布"
            )

    def _check(self, options: dict[str, Any]) -> None:
        bad = 0
        for name in options["files"]:
            try:
                spec = check_file(Path(name))
                self.stdout.write(f"{name}：{spec.code}（{spec.label}）可以发布")
            except SpecError as error:
                bad += 1
                for line in str(error).splitlines():
                    self.stderr.write(line)
            except OSError as error:
                bad += 1
                self.stderr.write(f"{name}：读不了这个文件：{why_not_opened(error)}")
        if bad:
            raise CommandError(f"{bad} 个文件有误，请按上面各行修改。")

    def _diff(self, options: dict[str, Any]) -> None:
        old, new = (_definition(options["code"], options[which]) for which in ("old", "new"))
        for line in differences(old.parsed, new.parsed) or ["内容相同"]:
            self.stdout.write(line)

    def _show(self, options: dict[str, Any]) -> None:
        found = _definition(options["code"], options["number"])
        if options["svg"]:
            try:
                Path(options["svg"]).write_text(svg(found.parsed), encoding="utf-8")
            except OSError as error:
                raise CommandError(f"--svg：写不了 {options['svg']}：{why_not_opened(error)}。") from error
            self.stdout.write(f"{found} 的状态图已写到 {options['svg']}")
            return
        self.stdout.write(f"{found.code} 第 {found.version} 版 {found.label}")
        for line in _outline(found.parsed):
            self.stdout.write(line)

    def _adopt(self, options: dict[str, Any]) -> None:
        definition = _definition(options["code"], options["to"])
        state_map = _pairs(options["map"])
        by = acting(options["username"])
        try:
            self._print(preview(definition.code, definition.version, state_map))
            if options["dry_run"]:
                return
            done = adopt(None, definition, state_map, by=by, at=timezone.now(), reason=options["reason"])
        except CannotAdopt as error:
            for reason in error.reasons:
                self.stderr.write(reason)
            raise CommandError("一件也没有换版，请补充 --map 后重试。") from error
        for line in done.left:
            self.stderr.write(line)
        self.stdout.write(f"{done.moved} 件已换到 {definition.code} 第 {definition.version} 版")
        if done.left:
            raise CommandError(f"{len(done.left)} 件在办理中途变了状态，未换版，请重新运行。")

    def _print(self, found: Preview) -> None:
        for group in found.groups:
            where = f"→ {group.target}" if group.target else f"无处可去：{group.reason}"
            self.stdout.write(f"第 {group.version} 版 {group.state} {group.cases} 件 {where}")
        self.stdout.write(f"共 {found.cases} 件")


def _definition(code: str, version: int | None) -> Definition:
    versions = {found.version: found for found in Definition.objects.filter(code=code).order_by("version")}
    if not versions:
        known = "、".join(Definition.objects.order_by("code").values_list("code", flat=True).distinct())
        raise CommandError(f"没有发布过流程“{code}”；已发布的有：{known or '无'}。")
    if version is None:
        return versions[max(versions)]
    if version not in versions:
        raise CommandError(f"流程“{code}”没有第 {version} 版；现有版本：{'、'.join(map(str, versions))}。")
    return versions[version]


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        old, sign, new = text.partition("=")
        if not (old and sign and new):
            raise CommandError(f"--map：看不懂“{text}”，写成 旧状态=新状态。")
        if pairs.setdefault(old, new) != new:
            raise CommandError(f"--map：“{old}”对照了两个新状态。")
    return pairs


def _outline(spec: LifecycleSpec) -> Iterable[str]:
    for name, state in spec.states.items():
        clocks = [*state.clocks, *(f"{clock}（暂停）" for clock in state.pauses)]
        with_clocks = f"，时限 {'、'.join(clocks)}" if clocks else ""
        yield f"{name} {state.label}：{PHASES[state.phase]}，责任方 {HOLDERS[state.holder]}{with_clocks}"
        for code, t in spec.leaving(name):
            to = {"stay": "（不变）", "resume": "（恢复）"}.get(t.to) or spec.states[t.to].label
            yield f"  {code} {t.label} → {to}，角色 {'、'.join(t.role)}"
