"""Declines and call-backs to look at: a decline that ends in designation, a dispute before the leader, a redo, a last word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone

from opinion.contacts.book import Person
from opinion.registering import register
from workflows.calendars import WorkingCalendar
from workflows.engine import fire
from workflows.limits import Limit
from workflows.models import ApprovalTask, Case, Unit, User
from workflows.sweeper import sweep

STEP_MINUTES = 40
REASONS = {
    "jiaotong": ("r3", "该路段未移交交通部门，按职责清单由住建部门负责。"),
    "zhujian": ("r1", "道路照明运维已划出住建部门，见三定方案。"),
    "chengguan": ("r2", "该路段在镇区以外，不在城管局管辖范围。"),
}
ANSWERS = (
    "您好！您反映的排水沟堵塞收悉。已安排人员清淤，现已疏通。",
    "您好！您再次反映的排水沟堵塞收悉。已对全段清淤并更换三处破损盖板，请继续监督。",
    "您好！您反映的排水沟堵塞，我局已增设沉沙井并明确每月清淤一次，由专人负责。",
)
LAST_WORD = "您好！三次现场核实，堵塞系上游管网老化所致，已列入明年管网改造计划；改造前每月清淤一次。如不同意本答复，可依法申请复查。"


class FeedbackWork:
    """Four stories on working time, three of them ending in front of whoever is to act next."""

    def __init__(
        self, users: Mapping[str, User], units: Mapping[str, Unit], on: WorkingCalendar, *, at: datetime
    ) -> None:
        self.users, self.units, self.calendar, self.now = users, units, on, at

    def tell(self) -> None:
        today = timezone.localtime(self.now).date()
        for days, story in (
            (4, self._designated),
            (1, self._disputed),
            (5, self._redone),
            (9, self._last_word),
        ):
            day = self.calendar.add_working_days(today, -days)
            self.now = timezone.make_aware(datetime.combine(day, time(8, 50)))
            story()

    def _designated(self) -> None:
        """Three units decline; the desk designates one of them, and that is final."""
        case = self._register(
            "迎宾路延伸段路灯整夜不亮", "延伸段两百多米路灯不亮，晚上骑车看不清，请修复。", "寅某某"
        )
        units = list(REASONS)
        for number, (unit, following) in enumerate(zip(units, [*units[1:], "zhujian"], strict=True)):
            step = "reassign" if number else "assign"
            self._do(case, step, "paidan", lead=self.units[unit].pk, assisting=[])
            reason, basis = REASONS[unit]
            suggested = self.units[following].pk
            self._do(case, "decline", f"{unit}_fuze", reason=reason, basis=basis, suggested=suggested)
        self._do(
            case, "designate", "paidan", lead=self.units["zhujian"].pk, assisting=[],
            requirement="三家单位均已退单，延伸段由住建局建设，移交前由建设单位负责，请立即修复。",
        )  # fmt: skip
        self._do(case, "accept", "zhujian_chengban")

    def _disputed(self) -> None:
        """The desk rejects a decline; the unit's head puts it before the leader, who has not decided yet."""
        case = self._register("河堤步道护栏松动", "步道护栏松动十几米，老人孩子经过很危险。", "卯某某")
        self._do(case, "assign", "paidan", lead=self.units["xihe"].pk, assisting=[])
        self._do(case, "decline", "xihe_fuze", reason="r1", basis="河堤设施由水利单位管护。", suggested=None)
        self._do(case, "reject_decline", "paidan", remark="护栏为镇里修建的步道设施，按首接负责办理。")
        self._do(
            case, "raise_dispute", "xihe_fuze", basis="步道立项批复载明建成后移交城管部门管护，镇里无管护经费。",
            suggested=self.units["chengguan"].pk,
        )  # fmt: skip

    def _redone(self) -> None:
        """Called back, not content, handled again and answered; the second call-back has not got through yet."""
        case = self._register("菜市场后巷排水沟堵塞", "排水沟堵了半个月，污水漫到路面。", "辰某某")
        self._answer(case, ANSWERS[0])
        self._called(case)
        self._bad(case, "redo", "只清了入口一段，里面还是堵的。")
        self._draft(case, ANSWERS[1])
        self._do(case, "record_unreached", "huifang", happened_at=self.now, record="响铃无人接听。")

    def _last_word(self) -> None:
        """Handled again twice and still not accepted: the desk's last word waits for a leader."""
        case = self._register("老城街雨后积水排水沟反复堵塞", "一下雨就积水，清了又堵。", "巳某某")
        self._answer(case, ANSWERS[0])
        self._called(case)
        self._bad(case, "redo", "雨后又堵了。")
        self._draft(case, ANSWERS[1])
        self._called(case)
        self._bad(case, "redo", "还是积水。")
        self._draft(case, ANSWERS[2])
        self._called(case)
        self._bad(case, "contest", "没有根本解决。")
        self._do(case, "ask_final", "paidan", text=LAST_WORD, result="planned")

    def _answer(self, case: Case, text: str) -> None:
        self._do(case, "assign", "paidan", lead=self.units["chengguan"].pk, assisting=[])
        self._do(case, "accept", "chengguan_chengban")
        self._do(
            case,
            "contact",
            "chengguan_chengban",
            action="phone",
            happened_at=self.now,
            outcome="已电话联系。",
        )
        self._draft(case, text)

    def _draft(self, case: Case, text: str) -> None:
        """Drafted, signed level by level, given to the person; after a second redo a leader is one of those asked."""
        self._do(case, "draft_reply", "chengguan_chengban", text=text, result="solved")
        while signer := self._asked(case):
            self._do(case, "sign_reply", signer, text=text, remark="同意")
        self._do(case, "reply", "shenhe", public=False)

    def _asked(self, case: Case) -> str | None:
        """Username of somebody whose signature under the reply is awaited."""
        waiting = ApprovalTask.objects.waiting().filter(case=case, process__kind="reply").order_by("id")
        return waiting.values_list("owner__username", flat=True).first()

    def _called(self, case: Case) -> None:
        self._do(case, "call_back", "huifang", happened_at=self.now, record="已接通，本人说明了情况。")

    def _bad(self, case: Case, step: str, words: str) -> None:
        self._do(case, step, "huifang", satisfaction="bad", solved=1, manner=3, speed=3, remark=words)

    def _register(self, subject: str, body: str, name: str) -> Case:
        said = {
            "source": "12345", "subject": subject, "body": body, "type": "help", "domain": "city", "urgency": "normal",
            "received_at": self.now - timedelta(minutes=10),
        }  # fmt: skip
        person = Person(name=name, phone=f"1001235{sum(map(ord, name)) % 10000:04}", address="云溪县老城街")
        desk = self.units["tousu"].pk
        return register(said, person, desk=desk, by=self.users["dengji"], at=self.now)

    def _do(self, case: Case, step: str, who: str, **data: Any) -> None:
        """Forty working minutes later; what ran out meanwhile is logged first."""
        self.now = self.calendar.due(self.now, Limit.parse(f"{STEP_MINUTES}min")).at
        if "happened_at" in data:
            data["happened_at"] = self.now
        sweep(at=self.now)
        fire(case.pk, step, by=self.users[who], at=self.now, data=data)
