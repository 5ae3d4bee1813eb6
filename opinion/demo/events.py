"""Two made-up events the public talks about, one from first report to review and one running, and a commitment.

Through the one door, like the messages (`opinion.demo.lives`), at the hours at which it would have happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone

from opinion.access import OPINION_CASE, WORK_PLAN
from opinion.forms.opening import OpinionCaseForm
from opinion.forms.work_plan import WorkPlanForm
from opinion.opening import open_once
from workflows.calendars import WorkingCalendar
from workflows.engine import fire
from workflows.models import Case, Unit, User
from workflows.sweeper import sweep

DESK, ROAD, WATER = "tousu", "jiaotong", "shuiwu"
STATEMENT = (
    "11月以来南桥东引道出现路面沉陷，交通局已封闭一侧车道抢修。经检测，原因是老旧排水管渗漏，未造成人员伤亡。"
    "抢修将于三日内完成，期间请绕行北桥；同类路段正在全面排查，结果将向社会公布。"
)

# hours after it was seen, who, which move, what is said
Deed = tuple[float, str, str, dict[str, Any]]
WHOLE: tuple[Deed, ...] = (
    (0.7, "dengji", "report", {
        "known": "南桥东引道路面沉陷约三平方米，一侧车道中断，无人受伤。", "measures": "已设围挡，交警现场疏导。",
        "proposed_grade": "large",
    }),
    (1.2, "lingdao", "grade", {"grade": "large", "legacy": "no", "remark": "影响过江交通，按较大处置"}),
    (1.5, "paidan", "assign", {"lead": ROAD, "assisting": [], "requirement": "两个工作日内查明原因并报核查报告。"}),
    (2.0, "shenhe", "release_information", {
        "text": "南桥东引道路面沉陷，无人员伤亡，已封闭一侧车道抢修，请绕行北桥。", "outlet": "县政府网、政务新媒体",
    }),
    (5.0, "jiaotong_chengban", "record_visit", {
        "action": "survey", "place": "南桥东引道", "outcome": "会同水务公司开挖查看，排水管接口渗漏。",
    }),
    (6.0, "jiaotong_fuze", "verify", {
        "finding": "confirmed", "known": "沉陷原因为1998年敷设的排水管接口渗漏，路基被掏空。",
        "measures": "更换管段、回填压实；排查同年代管线。",
    }),
    (7.0, "jiaotong_chengban", "draft_response", {"text": STATEMENT}),
    (7.5, "shenhe", "sign_response", {"text": STATEMENT, "remark": "同意"}),
    (8.0, "lingdao", "sign_response", {"text": STATEMENT, "remark": "同意"}),
    (8.5, "shenhe", "publish_response", {"outlet": "县政府网、政务新媒体"}),
    (56.0, "jiaotong_fuze", "conclude_follow_up", {"remark": "路面已修复通车，同类路段排查出隐患两处，已列入整改。"}),
    (74.0, "shenhe", "draw_lessons", {
        "lessons": "首报、权威信息均在时限内；日常巡查未及时发现路面变形，管线台账不全。",
    }),
    (75.0, "shenhe", "set_task", {"unit": ROAD, "assignment": "桥梁引道每月检测一次，结果报应急部门。"}),
    (75.1, "shenhe", "set_task", {"unit": WATER, "assignment": "补齐2000年以前管线台账。"}),
    (98.0, "shenhe", "finish_task", {"task": 1, "outcome": "检测制度已建立并完成首次检测。"}),
)  # fmt: skip
RUNNING: tuple[Deed, ...] = (
    (0.4, "paidan", "report", {
        "known": "西禾镇中心小学附近施工扬尘和噪声引起家长集中反映，家长在校门口聚集，已散去。", "measures": "已责令停工。",
        "proposed_grade": "major",
    }),
    (0.8, "lingdao", "grade", {"grade": "major", "legacy": "no", "remark": "涉及学生健康，按重大处置"}),
    (1.0, "paidan", "assign", {"lead": "xihe", "assisting": [], "requirement": "立即核查，今日内报核查报告。"}),
    (1.2, "xihe_fuze", "ask_co_handling", {
        "assisting": ["jiaoyu"], "asked": "了解学生身体状况，做好家校沟通。", "required": True,
        "legal_basis": "未成年人保护法第三十五条、县教育局职责规定",
    }),
    (1.4, "jiaoyu_chengban", "accept_co_task", {"task": 1}),
    (1.6, "shenhe", "release_information", {
        "text": "西禾镇中心小学附近工地已停工，环境检测正在进行，结果将及时公布。", "outlet": "县政府网",
    }),
    (1.7, "lingdao", "instruct", {"instruction": "请西禾镇和教育局负责人到现场，学生健康放在首位。"}),
    (2.4, "xihe_fuze", "propose_information", {
        "text": "学校附近空气检测结果已出，各项指标均在标准以内，工地继续停工整改。", "outlet": "县政府网、政务新媒体",
    }),
)  # fmt: skip


def live_events(
    users: Mapping[str, User], units: Mapping[str, Unit], on: WorkingCalendar, *, at: datetime
) -> None:
    """The commitment is the oldest, then the event that has been reviewed, then the one that runs."""
    today = timezone.localtime(at).date()
    planned = timezone.make_aware(datetime.combine(on.add_working_days(today, -45), time(9)))
    _commit(users, units, planned, at=at)
    begun = timezone.make_aware(datetime.combine(on.add_working_days(today, -5), time(8, 30)))
    _live(users, units, WHOLE, begun, at, {
        "title": "南桥东引道路面沉陷", "place": "南桥东引道", "channels": ["video", "forum"], "domain": "transport",
        "summary": "早高峰后南桥东引道路面沉陷，一侧车道中断。", "questions": "有没有人受伤\n什么时候能通车\n其他桥安全吗",
        "agencies": "交通局、水务公司",
    })  # fmt: skip
    _live(users, units, RUNNING, at - timedelta(hours=3), at, {
        "title": "西禾镇中心小学附近施工扬尘", "place": "西禾镇", "channels": ["messenger", "video"], "domain": "environment",
        "summary": "家长反映学校附近工地扬尘和噪声影响上课。", "questions": "孩子的健康有没有影响\n工地有没有许可",
        "agencies": "西禾镇、教育局、城管局",
    })  # fmt: skip


def _live(
    users: Mapping[str, User], units: Mapping[str, Unit], deeds: tuple[Deed, ...], found: datetime, at: datetime,
    said: dict[str, Any],
) -> None:  # fmt: skip
    registered = found + timedelta(minutes=15)
    given = {**said, "desk": units[DESK].pk, "found_at": found}
    form = OpinionCaseForm(given, kind=OPINION_CASE, by=users["dengji"], at=registered)
    if not form.is_valid():
        raise ValueError(f"{said['title']}: {form.errors}")
    case = open_once(OPINION_CASE, form.draft(), by=users["dengji"], key=f"demo-{found:%H%M%S}")
    for hours, who, move, data in deeds:
        now = found + timedelta(hours=hours)
        if now > at:
            break
        sweep(at=now)
        fire(case.pk, move, by=users[who], at=now, data=_with_rows(data, move, units, now))


TIMED = {"release_information", "publish_response", "record_visit"}


def _with_rows(data: dict[str, Any], move: str, units: Mapping[str, Unit], at: datetime) -> dict[str, Any]:
    """Units by their ids, and when it took place."""
    said = dict(data)
    for name in ("lead", "unit"):
        if name in said:
            said[name] = units[said[name]].pk
    if "assisting" in said:
        said["assisting"] = [units[code].pk for code in said["assisting"]]
    if move == "set_task":
        said["due_on"] = timezone.localtime(at).date() + timedelta(days=14)
    return {**said, "happened_at": at} if move in TIMED else said


def _commit(users: Mapping[str, User], units: Mapping[str, Unit], begun: datetime, *, at: datetime) -> None:
    """Kept in its first period, missed in the second, in its third now."""
    said = {
        "desk": units[DESK].pk,
        "title": "每月一次集体学习",
        "requirement": "全体人员参加，学习群众工作法规和典型案例。",
    }
    form = WorkPlanForm(said, kind=WORK_PLAN, by=users["dengji"], at=begun)
    if not form.is_valid():
        raise ValueError(f"{said['title']}: {form.errors}")
    case: Case = open_once(WORK_PLAN, form.draft(), by=users["dengji"], key="demo-plan")
    fire(case.pk, "assign", by=users["paidan"], at=begun + timedelta(hours=2), data={
        "lead": units["renshe"].pk, "assisting": [], "requirement": "",
    })  # fmt: skip
    kept = begun + timedelta(days=12)
    fire(case.pk, "fulfil", by=users["renshe_chengban"], at=kept, data={
        "action": "activity", "happened_at": kept, "place": "人社局会议室", "outcome": "学习信访工作条例，二十三人参加。",
    })  # fmt: skip
    sweep(at=at)
