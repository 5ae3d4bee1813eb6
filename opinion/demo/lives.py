"""How far each made-up message has come: every state of the lifecycle, on working time, some of it late.

All of it goes through the one door at the times it would have happened, so the log, the clocks and the deadlines
are what the desk itself would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from opinion.contacts.book import Person
from opinion.demo.asking import SIGNS, asked
from opinion.demo.events import live_events
from opinion.demo.fates import FATES, Fate
from opinion.demo.feedback import FeedbackWork
from opinion.demo.messages import MadeUp, made_up
from opinion.demo.news import tell
from opinion.demo.offline import visit_places
from opinion.demo.replies import ReplyWork, seed_templates
from opinion.models import SupervisionOrder
from opinion.registering import register
from workflows.calendars import WorkingCalendar
from workflows.engine import fire
from workflows.limits import Limit
from workflows.models import CalendarVersion, Case, Unit, User
from workflows.published import calendar
from workflows.sweeper import sweep

DESK = {
    "dengji": ("comment", "archive", "withdraw"),
    "paidan": ("assign", "reassign", "reject_decline", "merge", "reopen", "refer"),
    "shenhe": ("reply",),
    "huifang": ("call_back", "record_unreached", "rate", "redo"),
    "lingdao": ("instruct",),
}
ACTOR = {step: username for username, steps in DESK.items() for step in steps}
OTHER_UNIT, THIRD_UNIT = "chengguan", "dongpu"
# What the unit does that is asked to help; a restricted case is handled without.
HELPING = ("accept_co_task", "finish_co_task")
SUPERVISED = {
    "answer_order": {"answer": "已现场处置，因备件到货晚逾期，明日上午完成并答复。"},
    "send_back_order": {"comments": "请写明责任人和完成时间。"},
    "urge": {"remark": "请今日内办结。"},
}


def populate(users: Mapping[str, User], *, at: datetime) -> None:
    """Register the messages and take each as far as its fate says, then log what was missed by `at`."""
    newest = CalendarVersion.objects.latest_of("china")
    lives = _Lives(users, calendar(newest.pk), {unit.code: unit for unit in Unit.objects.all()}, at)
    begun = [
        (lives.start(FATES[i % len(FATES)], i), FATES[i % len(FATES)], said)
        for i, said in enumerate(made_up())
    ]
    # In the order of their time, so that numbers rise with it.
    for start, fate, said in sorted(begun, key=lambda each: each[0]):
        lives.live(said, fate, start)
    live_events(users, lives.units, lives.calendar, at=at)
    seed_templates(users, lives.units, at=at - timedelta(days=30))
    ReplyWork(users, lives.units, lives.calendar, at=at).tell()
    FeedbackWork(users, lives.units, lives.calendar, at=at).tell()
    sweep(at=at)
    _supervise(users, at=at)
    _propose(users, at=at)
    visit_places(users, at=at)
    tell(at=at)


def _supervise(users: Mapping[str, User], *, at: datetime) -> None:
    """What units and supervisor have done about some of the orders and reminders by now."""
    moment = at - timedelta(minutes=2)
    standing = SupervisionOrder.objects.open().filter(
        unit=F("case__lead"), case__unit=F("unit"), case__restricted=False
    )
    steps = (
        (), ("acknowledge_order",), ("acknowledge_order", "answer_order"), ("answer_order", "send_back_order"),
        ("answer_order", "close_order"), ("urge",), ("urge", "acknowledge_urge"),
    )  # fmt: skip
    for order, names in zip(standing.select_related("unit").order_by("pk"), steps, strict=False):
        for name in names:
            own = name in {"acknowledge_order", "answer_order", "acknowledge_urge"}
            by = users[f"{order.unit.code}_fuze" if own else "duban"]
            fire(order.case_id, name, by=by, at=moment, data=SUPERVISED.get(name, {}))


def _propose(users: Mapping[str, User], *, at: datetime) -> None:
    """One order more is put up for a leader's signature, of a case that is late and has none."""
    late = Case.objects.filter(state="handling", restricted=False, due_at__lt=at)
    case = late.exclude(pk__in=SupervisionOrder.objects.values("case")).order_by("pk").first()
    if case is not None:
        said = {
            "unit": case.lead_id,
            "colour": "yellow",
            "problem": "逾期未办结，催办后仍无进展。",
            "demand": "两日内办结并说明原因。",
        }
        fire(case.pk, "propose_order", by=users["duban"], at=at - timedelta(minutes=1), data=said)


def _another(unit: str) -> str:
    return OTHER_UNIT if unit != OTHER_UNIT else THIRD_UNIT


class _Lives:
    def __init__(
        self, users: Mapping[str, User], on: WorkingCalendar, units: dict[str, Unit], at: datetime
    ) -> None:
        self.users, self.calendar, self.units, self.at = users, on, units, at
        self.masters: dict[str, int] = {}

    def start(self, fate: Fate, index: int) -> datetime:
        """Some office hour, so many working days back; today, an hour or less ago."""
        if fate.ago == 0:
            return self.at - timedelta(minutes=index % 50 + 5)
        day = self.calendar.add_working_days(timezone.localtime(self.at).date(), -fate.ago)
        return timezone.make_aware(datetime.combine(day, time(8, 40))) + timedelta(minutes=7 * (index % 20))

    def live(self, said: MadeUp, fate: Fate, start: datetime) -> None:
        case = self._register(said, start)
        unit = said.unit
        now = start
        for step in self._levels(case, fate.steps):
            now = self._later(fate, now, quickly=step in SIGNS)
            if now > self.at:
                break
            # What ran out on the way is logged first, and silence has become acceptance.
            sweep(at=now)
            state = Case.objects.values_list("state", flat=True).get(pk=case.pk)
            if step == "accept" and state not in {"assigned", "designated"}:
                continue
            # What the draw passed over is not called back.
            if step in {"call_back", "record_unreached"} and state != "replied":
                continue
            if case.restricted and step in {"ask_co_handling", *HELPING}:
                continue
            if step == "reassign":
                unit = _another(unit)
            if step == "merge" and said.subject not in self.masters:
                continue
            # One level, or two, may have been enough, and a restricted case stays where it is.
            if (step in SIGNS or step == "hand_over") and not self._signer(case, step):
                continue
            if step == "hand_over" and case.restricted:
                continue
            # What is due within a day has no more time to be given.
            if step == "request_extension" and said.urgency != "normal":
                continue
            fire(
                case.pk,
                step,
                by=self._actor(case, step, unit),
                at=now,
                data=self._data(step, unit, said, now),
            )
        if fate.steps[:1] == ("assign",) and not case.restricted:
            self.masters.setdefault(said.subject, case.pk)

    def _levels(self, case: Case, steps: tuple[str, ...]) -> Iterator[str]:
        for step in steps:
            if step != "approve":
                yield step
                continue
            while asked(case.pk, "reply"):
                yield "sign_reply"

    def _later(self, fate: Fate, now: datetime, *, quickly: bool) -> datetime:
        """The next step: in office hours, except that what began today has happened whatever the hour.

        quickly: who only signs takes half as long.
        """
        gap = fate.gap // 2 if quickly else fate.gap
        if fate.ago == 0:
            return now + timedelta(minutes=gap)
        return self.calendar.due(now, Limit.parse(f"{gap}min")).at

    def _register(self, said: MadeUp, at: datetime) -> Case:
        fields = ("source", "subject", "body", "type", "domain", "urgency")
        report = said.type == "report"
        return register(
            {**{name: getattr(said, name) for name in fields}, "received_at": at - timedelta(minutes=10)},
            Person(name=said.name, phone=said.phone, address=said.address),
            desk=self.units["tousu"].pk, by=self.users["zhuanban" if report else "dengji"], at=at,
            restricted=report, barred=[self.units["dongpu"].pk] if report else [],
        )  # fmt: skip

    def _signer(self, case: Case, step: str) -> User | None:
        return asked(case.pk, SIGNS.get(step, "reply"))

    def _actor(self, case: Case, step: str, unit: str) -> User:
        if step in SIGNS or step in {"send_back", "hand_over"}:
            signer = self._signer(case, step)
            assert signer is not None
            return signer
        if step in ACTOR:
            restricted = case.restricted and step != "instruct"
            return self.users["zhuanban" if restricted else ACTOR[step]]
        if step in HELPING:
            return self.users[f"{_another(unit)}_chengban"]
        head = (
            step in {"interim_reply", "ask_co_handling", "decline", "request_closing"}
            and f"{unit}_fuze" in self.users
        )
        return self.users[f"{unit}_fuze" if head else f"{unit}_chengban"]

    def _data(self, step: str, unit: str, said: MadeUp, at: datetime) -> dict[str, Any]:
        return _DATA[step](self, unit, said, at) if step in _DATA else {}

    def lead(self, unit: str) -> dict[str, Any]:
        return {"lead": self.units[unit].pk, "assisting": [], "requirement": "请按时限办理，并逐项答复。"}


Say = Callable[[_Lives, str, MadeUp, datetime], dict[str, Any]]


def _always(**data: Any) -> Say:
    return lambda lives, unit, said, at: data


def _went(action: str, outcome: str) -> Say:
    return lambda lives, unit, said, at: {
        "action": action, "happened_at": at - timedelta(minutes=5), "place": "", "present": {"staff": 2},
        "outcome": outcome,
    }  # fmt: skip


REPLY = "您好！您反映的“{subject}”收悉。经现场核实，情况属实，我单位已安排处理并明确专人跟进，预计五个工作日内完成。感谢您的监督。"
TOLD = "您反映的事项需检测后才能答复，检测结论三日后作出，届时答复您，请谅解。"
_DATA: dict[str, Say] = {
    "assign": lambda lives, unit, said, at: lives.lead(unit),
    "reassign": lambda lives, unit, said, at: lives.lead(unit),
    "decline": _always(reason="r1", basis="依据职责清单，该路段由城市管理部门维护。", suggested=None),
    "reject_decline": _always(remark="依据首接负责的规定，请你单位先行处理。"),
    "contact": _went("phone", "已电话联系，核对诉求和地点，说明办理时限。"),
    "record_visit": _went("survey", "到现场查看，情况属实，已商定处理办法。"),
    "ask_co_handling": lambda lives, unit, said, at: {
        "assisting": [lives.units[_another(unit)].pk],
        "asked": "请到现场核实权属和现状，提供书面意见和可配合处置的时间。",
        "legal_basis": "",
        "required": True,
    },
    "finish_co_task": _always(
        contribution="已到现场核实：该处由我单位负责日常维护，已安排班组配合，两日内完成。", result="solved"
    ),
    "interim_reply": _always(text="您反映的事项正在处理，材料已到位，预计三个工作日内答复结果。"),
    "draft_reply": lambda lives, unit, said, at: {
        "text": REPLY.format(subject=said.subject),
        "result": "solved",
    },
    "request_decline": _always(
        reason="r2", basis="经现场查看，该处在城市管理部门管养范围内。", suggested=None
    ),
    "sign_decline": _always(remark="情况属实，同意。"),
    "request_closing": _always(
        reason="c6",
        grounds="同一事项已有生效判决，本人已申请执行，行政机关不再作出处理。",
        told="已书面告知不再受理的理由，并告知可向执行法院反映。",
    ),
    "sign_closing": _always(remark="同意"),
    "sign_reply": lambda lives, unit, said, at: {
        "text": REPLY.format(subject=said.subject),
        "remark": "同意",
    },
    "hand_over": lambda lives, unit, said, at: {
        "person": lives.users["paidan"].pk,
        "remark": "下午外出开会，请代为审核。",
    },
    "request_extension": lambda lives, unit, said, at: {
        "clock": "resolve",
        "amount": "3d" if said.source == "visit" else "3wd",
        "reason": "appraisal",
        "evidence": "已委托检测机构取样，三日后出结论。",
        "told": TOLD,
    },
    "sign_extension": _always(text=TOLD),
    "send_back": _always(comments="请写明完成时间和联系人单位。"),
    "reply": lambda lives, unit, said, at: {"public": said.source == "lb" and said.type != "report"},
    "request_suspension": _always(reason="appraisal", remark="委托检测机构鉴定，等待结论。"),
    "sign_suspension": _always(remark="同意，结论出来后立即恢复办理。"),
    "call_back": lambda lives, unit, said, at: {
        "happened_at": at - timedelta(minutes=5),
        "record": "已接通，本人说明了感受。",
    },
    "record_unreached": lambda lives, unit, said, at: {
        "happened_at": at - timedelta(minutes=5),
        "record": "无人接听。",
    },
    "rate": _always(satisfaction="good", solved=4, manner=5, speed=4, remark=""),
    "redo": _always(satisfaction="bad", solved=1, manner=3, speed=2, remark="只修了一半，晚上又坏了。"),
    "reopen": _always(remark="本人来电称问题再次出现。"),
    "refer": _always(reason="c2", told="该事项已进入诉讼程序，已告知向受理法院反映。"),
    "withdraw": _always(remark="本人来电称问题已解决，自愿撤回。"),
    "comment": _always(comment="正在等材料进场，请关注时限。"),
    "instruct": _always(instruction="请承办单位本周内到现场解决。"),
    "merge": lambda lives, unit, said, at: {
        "master": lives.masters[said.subject],
        "remark": "同一地点同一事项。",
    },
}
