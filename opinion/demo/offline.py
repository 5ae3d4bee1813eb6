"""Offline work in the demo: what was asked for, who went there, two drawn pictures, and a day to come back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image, ImageDraw

from opinion.attachments.receiving import receive
from workflows.engine import fire
from workflows.models import Case, User

SIZE = (1280, 960)
SKY, WALL, ROAD, WATER, LINE = "#cfe3f5", "#d9cbb2", "#7b7f86", "#5c86ad", "#f4f1e8"
CLAIMS = ("到现场查看并说明原因", "处理到位，恢复正常", "告知今后由谁负责、怎样联系")
# Of the three cases: what came of each claim, what the person thinks, in how many days somebody comes back.
VISITS: tuple[dict[str, Any], ...] = (
    {"outcomes": {1: "solved", 2: "under_way", 3: "explained"}, "view": "agrees", "view_words": "来得及时，等修好。", "days": 3},
    {"outcomes": {1: "solved", 2: "partly"}, "view": "disagrees", "view_words": "只做了一半。", "days": 5},
    {"outcomes": {1: "explained"}, "view": "silent", "view_words": "", "days": None},
)  # fmt: skip


def visit_places(users: Mapping[str, User], *, at: datetime) -> None:
    """Three cases under way: claims listed, a visit recorded an hour or a day after it took place."""
    under_way = Case.objects.filter(state="handling", restricted=False, opened_at__lt=at - timedelta(days=2))
    for number, (case, said) in enumerate(
        zip(under_way.select_related("lead").order_by("pk"), VISITS, strict=False)
    ):
        assert case.lead is not None
        by = users[f"{case.lead.code}_chengban"]
        moment = at - timedelta(minutes=9 - number)
        fire(case.pk, "list_claims", by=by, at=moment, data={"claims": list(CLAIMS)})
        fire(case.pk, "record_visit", by=by, at=moment, data=_record(case, by, said, number, moment))


def _record(case: Case, by: User, said: dict[str, Any], number: int, at: datetime) -> dict[str, Any]:
    pictures = [("处理前.jpg", scene(flooded=True)), ("处理后.jpg", scene(flooded=False))]
    uploads = [
        receive(SimpleUploadedFile(name, content), case=case, by=by, at=at).pk for name, content in pictures
    ]
    day = timezone.localtime(at).date() + timedelta(days=said["days"]) if said["days"] else None
    return {
        "action": ("survey", "repair", "mediation")[number],
        "happened_at": at - timedelta(hours=1 + 20 * number),
        "place": "",
        "outcome": "与村社干部、产权单位一同到场，查明原因，当场处理了能处理的部分，其余已排定人员和材料。",
        "present": {"staff": 2, "person": 1, "village": 1, "owner": number + 1},
        "uploads": uploads if number < 2 else uploads[:1],
        "follow_up_on": day,
        **{name: said[name] for name in ("outcomes", "view", "view_words")},
    }


def scene(*, flooded: bool) -> bytes:
    """A street by a wall, under water or dry."""
    image = Image.new("RGB", SIZE, SKY)
    draw = ImageDraw.Draw(image)
    wide, high = SIZE
    draw.rectangle((0, high // 5, wide, high // 2), fill=WALL)
    for left in range(80, wide, 260):
        draw.rectangle((left, high // 4, left + 120, high // 4 + 130), fill="#8fa9bf", outline=LINE, width=6)
    draw.rectangle((0, high // 2, wide, high), fill=ROAD)
    for left in range(60, wide, 220):
        draw.rectangle((left, high * 3 // 4, left + 110, high * 3 // 4 + 14), fill=LINE)
    if flooded:
        draw.ellipse((180, high // 2 + 60, wide - 160, high - 60), fill=WATER)
        for step in range(4):
            draw.arc(
                (260 + 60 * step, 600 + 25 * step, 900 + 40 * step, 700 + 25 * step),
                200,
                340,
                fill=SKY,
                width=5,
            )
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
