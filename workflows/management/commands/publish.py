"""Publish a lifecycle, a policy, a ladder, approval levels or a calendar."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from workflows.documents import SpecError
from workflows.management.acting import acting
from workflows.models import ApprovalRules, CalendarVersion, Definition, LadderVersion, PolicyVersion
from workflows.publishing import publish_file
from workflows.wording import why_not_opened

KINDS = {
    Definition: "流程",
    PolicyVersion: "时限规则",
    CalendarVersion: "工作日历",
    LadderVersion: "催督阶梯",
    ApprovalRules: "审批层级",
}


class Command(BaseCommand):
    help = (
        "发布流程、时限规则、催督阶梯、审批层级或工作日历：先整体检查，再存为新版本；已发布的版本永不改变。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="YAML 文件")
        parser.add_argument("--as", dest="username", metavar="USERNAME", help="发布人的用户名，默认系统账号")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting(options["username"])
        try:
            published = publish_file(Path(options["file"]), by=by, at=timezone.now())
        except SpecError as error:
            for line in str(error).splitlines():
                self.stderr.write(line)
            raise CommandError("未发布，请按上面各行修改后重试。") from error
        except OSError as error:
            raise CommandError(f"{options['file']}：读不了这个文件：{why_not_opened(error)}。") from error
        document = published.document
        kind = KINDS[type(document)]
        if published.fresh:
            self.stdout.write(f"已发布{kind} {document.code} 第 {document.version} 版（{document.label}）")
            if isinstance(document, CalendarVersion):
                self.stdout.write(
                    f"在办时限未重算；要重算，执行 manage.py calendars {options['file']} --publish"
                )
        else:
            self.stdout.write(f"{kind} {document.code} 第 {document.version} 版：内容未变")
