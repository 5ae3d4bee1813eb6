"""Reply work to look at: templates, a reply in three drafts held against its claims, and one answer for several people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone

from opinion.contacts.book import Person
from opinion.models import Claim, ReplyTemplate
from opinion.registering import register
from workflows.calendars import WorkingCalendar
from workflows.engine import fire
from workflows.limits import Limit
from workflows.models import Case, Unit, User

TEMPLATES = (
    (
        None,
        "开头",
        "您好！您于${登记日期}反映的“${标题}”（编号 ${编号}）收悉，由${承办单位}办理。现答复如下：",
    ),
    (None, "延后告知", "您好！您反映的事项（编号 ${编号}）正在办理，因需现场核查，将于${办理期限}前答复您。"),
    (
        None,
        "结尾",
        "感谢您对我县工作的关心和支持。如有疑问，请在工作时间联系${受理单位}。${承办单位} ${今天}",
    ),
    ("zhujian", "物业类开头", "您好！您反映的物业问题（编号 ${编号}）收悉，我局已会同属地街道到场核查。"),
)
CLAIMS = ["更换失灵的单元门禁", "公开维修资金使用情况", "明确今后由谁维护"]
DRAFTS = (
    "您好！您反映的门禁问题收悉。门禁已安排更换。维修资金情况请向物业查询。",
    "您好！您反映的门禁问题收悉。单元门禁已于昨日更换并逐户试用。维修资金使用情况已在小区公告栏公开。",
    "您好！您反映的门禁问题收悉。单元门禁主机已于昨日更换，并逐户试用正常。维修资金使用情况已在小区公告栏公开，公示期七天。今后由物业公司负责维护。",
)
ANSWERS = (("solved", "单元门禁"), ("solved", "维修资金使用情况"), ("explained", "今后由物业公司"))
MASTER = "您好！您反映的青禾里夜间停水（编号 {number}）系加压泵故障，水务公司已于昨晚更换水泵，供水恢复正常。"
BOARD = "您好！您反映的望溪路夜间施工扰民属实。该工地未取得夜间施工许可，已责令停止夜间施工并立案查处，结果将依法公开。"
RELIEF = "您好！您提交的临时救助申请已经审核通过，救助金将于五个工作日内发放到您登记的账户，后续可同时申请医疗救助。"
WRITERS = ("壬某某", "癸某某", "子某某", "丑某某")
STEP_MINUTES = 40


def seed_templates(users: Mapping[str, User], units: Mapping[str, Unit], *, at: datetime) -> None:
    """For this county only; a real one writes its own."""
    for unit, name, text in TEMPLATES:
        by = users[f"{unit}_fuze" if unit else "shenhe"]
        ReplyTemplate.objects.create(
            unit=units[unit] if unit else None, name=name, text=text, edited_by=by, edited_at=at
        )


class ReplyWork:
    """The stories, on working time, ending in front of whoever is to act next."""

    def __init__(
        self, users: Mapping[str, User], units: Mapping[str, Unit], on: WorkingCalendar, *, at: datetime
    ) -> None:
        self.users, self.units, self.calendar, self.now = users, units, on, at

    def tell(self) -> None:
        day = self.calendar.add_working_days(timezone.localtime(self.now).date(), -1)
        begin = timezone.make_aware(datetime.combine(day, time(9, 0)))
        self._three_drafts(begin)
        self._one_answer_for_all(begin + timedelta(minutes=5))
        self._up_to_publicity(begin + timedelta(minutes=10))
        self._better_in_private(begin + timedelta(minutes=15))

    def _three_drafts(self, begin: datetime) -> None:
        """Sent back once; the third draft waits for the reviewer."""
        case = self._register(
            "锦云苑单元门禁失灵、维修资金未公开",
            "门禁坏了一个月，维修资金没有公示，请处理并说明今后由谁维护。",
            "庚某某",
            begin,
        )
        handler = "zhujian_chengban"
        self._taken_up(case, "zhujian")
        self._do(case, "list_claims", handler, claims=CLAIMS)
        self._do(case, "save_draft", handler, text=DRAFTS[0], result="partly")
        answers = self._answers(case)
        first = [*answers[:2], {**answers[2], "result": "separately", "words": "待街道会商后另行答复"}]
        self._do(case, "draft_reply", handler, text=DRAFTS[1], result="partly", answers=first)
        self._do(case, "sign_reply", "zhujian_fuze", text=DRAFTS[1], remark="同意")
        self._do(case, "send_back", "shenhe", comments="请写明公示期，并答复今后由谁维护。")
        self._do(case, "draft_reply", handler, text=DRAFTS[2], result="solved", answers=answers)
        self._do(case, "sign_reply", "zhujian_fuze", text=DRAFTS[2], remark="已补充，同意")

    def _one_answer_for_all(self, begin: datetime) -> None:
        """The master is answered; those merged into it wait for one answer each."""
        cases = [
            self._register(
                "青禾里夜间停水",
                f"青禾里夜里十点后停水，已持续{number}天，请尽快抢修。",
                name,
                begin + timedelta(minutes=number),
            )
            for number, name in enumerate(WRITERS, 2)
        ]
        master = cases[0]
        self._taken_up(master, "shuiwu")
        for case in cases[1:]:
            self._do(case, "merge", "paidan", master=master.pk, remark="同一小区同一原因。")
        text = MASTER.format(number=master.number)
        self._do(master, "draft_reply", "shuiwu_chengban", text=text, result="solved", public=True)
        for who in ("shuiwu_fuze", "shenhe", "xuanchuan"):
            self._do(master, "sign_reply", who, text=text, remark="同意")
        self._do(master, "reply", "shenhe", public=True)

    def _up_to_publicity(self, begin: datetime) -> None:
        """Will be read by everybody on the leader board: after two levels it waits for a third."""
        case = self._register(
            "望溪路夜间施工扰民", "望溪路工地夜里还在打桩，请依法处理并公开结果。", "寅某某", begin, source="lb", kind="complaint"
        )  # fmt: skip
        self._taken_up(case, "chengguan")
        self._do(case, "draft_reply", "chengguan_chengban", text=BOARD, result="solved")
        for who in ("chengguan_fuze", "shenhe"):
            self._do(case, "sign_reply", who, text=BOARD, remark="同意")

    def _better_in_private(self, begin: datetime) -> None:
        """Written in public about somebody's illness: a leader is asked whether the answer may go to the writer alone."""
        case = self._register(
            "柳岸社区临时救助申请进度", "家人重病，两周前提交临时救助申请，请告知进度。", "卯某某", begin, source="lb", kind="help"
        )  # fmt: skip
        self._taken_up(case, "dongpu")
        self._do(case, "draft_reply", "dongpu_chengban", text=RELIEF, result="solved")
        for who in ("dongpu_fuze", "shenhe", "xuanchuan"):
            self._do(case, "sign_reply", who, text=RELIEF, remark="同意")
        self._do(
            case, "ask_private", "shenhe", grounds="答复涉及留言人家属的病情和家庭收入，隐去后答复已无内容。"
        )

    def _register(
        self,
        subject: str,
        body: str,
        name: str,
        at: datetime,
        *,
        source: str = "mailbox",
        kind: str = "consult",
    ) -> Case:
        self.now = at
        said = {
            "source": source, "subject": subject, "body": body, "type": kind, "domain": "housing",
            "urgency": "normal", "received_at": at - timedelta(minutes=10),
        }  # fmt: skip
        person = Person(name=name, phone=f"1001234{sum(map(ord, name)) % 10000:04}", address="云溪县锦云苑")
        return register(said, person, desk=self.units["tousu"].pk, by=self.users["dengji"], at=at)

    def _taken_up(self, case: Case, unit: str) -> None:
        self._do(case, "assign", "paidan", lead=self.units[unit].pk, assisting=[], requirement="请逐项答复。")
        self._do(case, "accept", f"{unit}_chengban")
        self._do(case, "contact", f"{unit}_chengban", **self._phoned())

    def _phoned(self) -> dict[str, Any]:
        return {"action": "phone", "happened_at": self.now, "outcome": "已电话联系，核对诉求。"}

    def _answers(self, case: Case) -> list[dict[str, Any]]:
        claims = Claim.objects.filter(case=case).standing().order_by("number")
        return [
            {"claim": claim.pk, "result": result, "words": words}
            for claim, (result, words) in zip(claims, ANSWERS, strict=True)
        ]

    def _do(self, case: Case, step: str, who: str, **data: Any) -> None:
        self.now = self.calendar.due(self.now, Limit.parse(f"{STEP_MINUTES}min")).at
        fire(case.pk, step, by=self.users[who], at=self.now, data=data)
