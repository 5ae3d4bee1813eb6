"""A made-up spreadsheet of messages, the same on every machine."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

HEADINGS = ("留言编号", "留言用户", "联系电话", "地址", "留言主题", "留言时间", "留言详情")
PLACES = ("东河街", "西岭镇", "南山社区", "北桥村", "中心路", "新城小区")
MATTERS = ("路灯不亮", "井盖破损", "供水不稳", "夜间施工", "公交绕行", "垃圾清运", "学位安排", "医保报销")
SENTENCES = (
    "上个月起就有邻居反映过，至今没有看到处理结果。",
    "希望有关部门到现场看一看，给大家一个准确的时间。",
    "老人和孩子出行不便，遇到下雨天更加困难。",
    "我们理解工作不容易，但也希望有人把进展告诉我们。",
    "附近几个小区情况相同，大家都愿意配合。",
    "如需补充材料，请与我联系，我可以提供照片。",
)
BEGAN = datetime(2026, 1, 5, 8, 0)  # noqa: DTZ001  # as spreadsheets write it, without a zone
LENGTH = 300


def messages(path: Path, count: int) -> None:
    """CSV with `count` messages of about 300 characters."""
    chance = random.Random(20261124)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADINGS)
        for number in range(count):
            place, matter = chance.choice(PLACES), chance.choice(MATTERS)
            body = f"{place}{number % 97 + 1}号{matter}。"
            while len(body) < LENGTH:
                body += chance.choice(SENTENCES)
            writer.writerow(
                (
                    f"BM{number:07d}",
                    f"用户{number % 5000}",
                    f"139{number % 100_000_000:08d}",
                    f"{place}{number % 300 + 1}号",
                    f"关于{place}{matter}的问题",
                    (BEGAN + timedelta(minutes=4 * number)).strftime("%Y-%m-%d %H:%M:%S"),
                    body,
                )
            )
