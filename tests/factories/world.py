"""A made-up county for tests: a desk, two bureaus and a street, one person per role, and cases in any state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from opinion.attachments.receiving import receive
from opinion.contacts.book import Person
from opinion.models import Attachment
from opinion.registering import register
from workflows.engine import fire
from workflows.models import ApprovalTask, Case, Event, LadderVersion, Membership, Unit, User
from workflows.published import lifecycle

PERSON = Person(
    name="何晓枫", phone="13800005678", address="云溪县东浦街道桂花路3号2单元", email="he@example.org"
)
# What an approval grants: the move → the approval.
APPROVED_BY = {
    "approve": "reply",
    "grant_extension": "extension",
    "dispatch_order": "order",
    "approve_final": "final",
    "close_unanswered": "closing",
    "allow_private": "private_reply",
}
PACE = timedelta(minutes=1)


@dataclass(frozen=True)
class World:
    """Offices and people. Desk roles work at `desk`, which is no office's superior; leader and watchers at the root."""

    county: Unit
    desk: Unit
    housing: Unit
    housing_office: Unit
    water: Unit
    street: Unit
    clerk: User
    dispatcher: User
    reviewer: User
    publicity: User
    caller: User
    officer: User
    leader: User
    arbiter: User
    top_leader: User
    supervisor: User
    exporter: User
    sysadmin: User
    secadmin: User
    auditadmin: User
    handler: User
    head: User
    deputy_head: User
    office_handler: User
    other_handler: User
    other_head: User
    street_handler: User
    street_head: User

    def register(self, at: datetime, *, person: Person = PERSON, **options: Any) -> Case:
        """A message of the hotline, unless `options` say otherwise; options of `register` go to it."""
        said = {
            "source": "12345",
            "type": "help",
            "subject": "楼道积水",
            "body": f"三号楼楼道积水，请处理。{at:%f}",
        }
        outer = {
            name: options.pop(name)
            for name in ("restricted", "barred", "key", "sequel_to", "same_person")
            if name in options
        }
        by = options.pop("by", self.clerk)
        return register({**said, **options}, person, desk=self.desk.pk, by=by, at=at, **outer)

    def do(self, case: Case, name: str, *, at: datetime, by: User | None = None, **data: Any) -> Event:
        """One move by whoever usually makes it, with data that fits; `data` overrides it."""
        if name in APPROVED_BY and by is None:
            return self.sign(case, APPROVED_BY[name], at=at, **data)
        step = STEPS[name]
        actor = by or self.actor(case, step)
        said = dict(step.data(self, at))
        if name == "reply":
            # As it was chosen when it was put up for approval.
            said["public"] = Case.objects.get(pk=case.pk).facts.get("publish") == "yes"
        return fire(case.pk, name, by=actor, at=at, data={**said, **data})

    def attach(self, case: Case, *, at: datetime, name: str = "积水.jpg") -> Attachment:
        """A record with a photo, by the handler."""
        upload = receive(SimpleUploadedFile(name, photo()), case=case, by=self.handler, at=at)
        event = self.do(case, "record_visit", at=at, uploads=[upload.pk])
        return Attachment.objects.get(case=case, seq=event.seq)

    def sign(self, case: Case, kind: str, *, at: datetime, step: Step | None = None, **data: Any) -> Event:
        """Everybody asked agrees, level by level, one for each seat, until the approval is granted; its last event."""
        spec = lifecycle(Case.objects.values_list("definition_id", flat=True).get(pk=case.pk)).approvals[kind]
        step = step or STEPS[spec.granted]
        if self.seat(case, kind) is None:
            return fire(
                case.pk, spec.signs, by=self.actor(case, step), at=at, data={**step.data(self, at), **data}
            )
        while seat := self.seat(case, kind):
            fire(case.pk, spec.signs, by=seat.owner, at=at, data={**step.data(self, at), **data})
        return Event.objects.filter(case=case).latest("seq")

    @staticmethod
    def seat(case: Case, kind: str) -> ApprovalTask | None:
        """A seat of an approval that waits for its owner."""
        waiting = ApprovalTask.objects.waiting().filter(case=case, process__kind=kind)
        found: ApprovalTask | None = waiting.select_related("owner").order_by("id").first()
        return found

    def actor(self, case: Case, step: Step) -> User:
        """Who makes a step; at the desk it is the confidential officer where the case is restricted."""
        if step.by.startswith("seat:"):
            seat = self.seat(case, step.by.removeprefix("seat:"))
            return seat.owner if seat else self.reviewer
        person = User.objects.system() if step.by == "system" else self._person(case, step.by)
        desk = {self.clerk, self.dispatcher, self.reviewer, self.caller, self.leader, self.arbiter}
        restricted = Case.objects.filter(pk=case.pk, restricted=True).exists()
        officer: User = self.officer if restricted and person in desk else person
        return officer

    def _person(self, case: Case, name: str) -> User:
        """name: of the World's person, or `lead_head` for the head of the unit that leads."""
        if name != "lead_head":
            person: User = getattr(self, name)
            return person
        lead = Case.objects.filter(pk=case.pk).values_list("lead", flat=True).first()
        heads = {self.water.pk: self.other_head, self.street.pk: self.street_head}
        return heads.get(lead or 0, self.head)

    def walk(self, state: str, at: datetime, **options: Any) -> Case:
        """A case in `state`, one minute a step from `at` on; options as for `register`."""
        return self.along(PATHS[state], at, **options)

    def along(self, steps: Sequence[str], at: datetime, **options: Any) -> Case:
        """A case these steps were taken with, one minute each from `at` on; options as for `register`.

        public: whether its answer is put up for approval as one to be published.
        """
        public = options.pop("public", False)
        case = self.register(at, **options)
        for number, name in enumerate(steps, 1):
            now = at + number * PACE
            extra: dict[str, Any] = (
                {"master": self.register(at, subject="积水主案件").pk} if name == "merge" else {}
            )
            if name == "draft_reply":
                extra["public"] = public
            self.do(case, name, at=now, **extra)
        return Case.objects.get(pk=case.pk)


def photo(size: tuple[int, int] = (60, 40), colour: str = "navy", **options: Any) -> bytes:
    """A JPEG as a phone would send it; options of Pillow's `save` go to it."""
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", **options)
    return out.getvalue()


@dataclass(frozen=True)
class Step:
    """by: the World's person who usually makes it, or `seat:` and the approval whose next signer does. data: what its form would say."""

    by: str
    data: Callable[[World, datetime], dict[str, Any]] = lambda world, at: {}


def _visit(world: World, at: datetime) -> dict[str, Any]:
    return {
        "action": "home",
        "happened_at": at,
        "place": "三号楼",
        "present": {"staff": 2, "person": 1},
        "outcome": "已现场查看",
    }


def _extension(world: World, at: datetime) -> dict[str, Any]:
    return {
        "clock": "resolve",
        "amount": "3wd",
        "reason": "appraisal",
        "evidence": "已委托检测，预计三日出结论",
        "told": "正在检测，结论出来后答复您。",
    }


def _said(**data: Any) -> Callable[[World, datetime], dict[str, Any]]:
    return lambda world, at: dict(data)


def _lead(name: str) -> Callable[[World, datetime], dict[str, Any]]:
    return lambda world, at: {"lead": getattr(world, name).pk, "assisting": [], "requirement": "请按期办理"}


STEPS = {
    "assign": Step("dispatcher", _lead("housing")),
    "designate": Step("dispatcher", _lead("housing")),
    "recall": Step("dispatcher", _said(remark="派错单位")),
    "accept": Step("handler"),
    "deem_accepted": Step("system"),
    "decline": Step("lead_head", _said(reason="r1", basis="依据三定方案，不属本单位职责", suggested=None)),
    "request_decline": Step(
        "handler", _said(reason="r1", basis="依据三定方案，不属本单位职责", suggested=None)
    ),
    "sign_decline": Step("seat:decline", _said(remark="同意")),
    "refuse_decline": Step("seat:decline", _said(remark="应由本单位先行处理")),
    "retract_decline": Step("handler"),
    "uphold_decline": Step("dispatcher", _said(remark="同意")),
    "reassign": Step("dispatcher", _lead("water")),
    "reject_decline": Step("dispatcher", _said(remark="依据职责清单，应由你单位承办")),
    "raise_dispute": Step("head", _said(basis="职责清单未列本单位", suggested=None)),
    "refer_dispute": Step("dispatcher", _said(basis="三家单位均称非本单位职责", suggested=None)),
    "arbitrate": Step("arbiter", _lead("water")),
    "classify": Step(
        "clerk", _said(type="complaint", domain="housing", urgency="normal", complexity="plain")
    ),
    "list_claims": Step("clerk", _said(claims=["清理楼道积水", "查明积水原因并修复"])),
    "transfer": Step("dispatcher", _lead("water")),
    "claim": Step("handler"),
    "release": Step("handler"),
    "contact": Step("handler", _visit),
    "record_visit": Step("handler", _visit),
    "close_follow_up": Step("handler", _said(remark="本人来电确认已解决")),
    "withdraw_file": Step("head", _said(file=1, remark="误传")),
    "interim_reply": Step("head", _said(text="正在协调施工单位，三日内答复。")),
    "save_draft": Step("handler", _said(text="正在清理排水管。", result="")),
    "draft_reply": Step("handler", _said(text="已清理排水管，积水已退。", result="solved")),
    "suspend": Step("dispatcher", _said(reason="appraisal", remark="待鉴定结论")),
    "request_suspension": Step("handler", _said(reason="appraisal", remark="待鉴定结论")),
    "sign_suspension": Step("seat:suspension", _said(remark="同意")),
    "refuse_suspension": Step("seat:suspension", _said(remark="请按期办理")),
    "retract_suspension": Step("handler"),
    "request_closing": Step(
        "head", _said(reason="c6", grounds="同一事项已有终审判决", told="已书面告知不再受理及理由。")
    ),
    "sign_closing": Step("seat:closing", _said(remark="同意")),
    "refuse_closing": Step("seat:closing", _said(remark="仍应答复")),
    "retract_closing": Step("head"),
    "resume": Step("head"),
    "ask_co_handling": Step(
        "head",
        lambda world, at: {
            "assisting": [world.water.pk],
            "asked": "请核实供水管网是否渗漏",
            "legal_basis": "",
            "required": True,
        },
    ),
    "accept_co_task": Step("other_handler"),
    "decline_co_task": Step("other_handler", _said(grounds="不属本单位职责")),
    "finish_co_task": Step(
        "other_handler", _said(contribution="管网完好，积水与供水无关。", result="explained")
    ),
    "send_back_co_task": Step("handler", _said(comments="请补充检测时间")),
    "waive_co_task": Step("head", _said(grounds="现场已查明，不再需要")),
    "request_extension": Step("handler", _extension),
    "request_late_extension": Step("supervisor", _extension),
    "grant_extension": Step("dispatcher", _said(text="因需鉴定，答复时间延长三个工作日。")),
    "sign_extension": Step("seat:extension", _said(text="因需鉴定，答复时间延长三个工作日。")),
    "refuse_extension": Step("seat:extension", _said(remark="请按期办结")),
    "retract_extension": Step("handler"),
    "approve": Step("reviewer", _said(text="您反映的积水已清理完毕。", remark="同意")),
    "sign_reply": Step("seat:reply", _said(text="您反映的积水已清理完毕。", remark="同意")),
    "retract_draft": Step("handler", _said(remark="再核实一下")),
    "take_back_approval": Step("reviewer", _said(comments="发布前发现有误")),
    "send_back": Step("seat:reply", _said(comments="请补充清理时间")),
    "ask_private": Step("reviewer", _said(grounds="答复涉及留言人的病情")),
    "sign_private": Step("seat:private_reply", _said(remark="同意")),
    "refuse_private": Step("seat:private_reply", _said(remark="隐去后可以公开")),
    "retract_private": Step("reviewer"),
    "reply": Step("reviewer"),
    "merge": Step("dispatcher", _said(remark="同一件事")),
    "unmerge": Step("dispatcher", _said(remark="不是同一件事")),
    "press": Step(
        "system",
        lambda world, at: {"ladder": LadderVersion.objects.latest_of("a").pk, "rung": "near", "duplicate": 0},
    ),
    "reply_merged": Step("dispatcher", _said(text="您反映的积水已清理完毕。", public=False)),
    "call_back": Step("caller", lambda world, at: {"happened_at": at, "record": "本人表示已解决"}),
    "record_unreached": Step("caller", lambda world, at: {"happened_at": at, "record": "无人接听"}),
    "rate": Step("caller", _said(satisfaction="good", solved=4, manner=5, speed=4, remark="")),
    "redo": Step("caller", _said(satisfaction="bad", solved=1, manner=3, speed=2, remark="又积水了")),
    "record_unreachable": Step("caller", _said(remark="")),
    "contest": Step("caller", _said(satisfaction="very_bad", solved=1, manner=2, speed=1, remark="还是积水")),
    "ask_final": Step(
        "dispatcher", _said(text="三次核实，积水系管道老化，已列入改造。", result="planned", public=False)
    ),
    "approve_final": Step("leader"),
    "sign_final": Step("seat:final"),
    "return_final": Step("seat:final", _said(comments="请写明改造时间")),
    "retract_final": Step("dispatcher", _said(remark="再核实一下")),
    "close_unrated": Step("system"),
    "close": Step("dispatcher", _said(reason="c6", satisfaction="", remark="经审核终止")),
    "reopen": Step("dispatcher", _said(remark="又积水了")),
    "archive": Step("clerk"),
    "refer": Step("dispatcher", _said(reason="c2", told="请向人民法院提起诉讼")),
    "withdraw": Step("clerk", _said(remark="本人来电撤回")),
    "instruct": Step("leader", _said(instruction="请抓紧办理")),
    "issue_order": Step(
        "supervisor",
        lambda world, at: {
            "unit": world.housing.pk,
            "colour": "yellow",
            "problem": "逾期未办结",
            "demand": "三日内办结并说明原因",
        },
    ),
    "sign_order": Step("seat:order", _said(remark="同意")),
    "refuse_order": Step("seat:order", _said(remark="先催办")),
    "retract_order": Step("supervisor"),
    "raise_order": Step("supervisor", _said(colour="red", remark="仍未办理")),
    "acknowledge_order": Step("head"),
    "answer_order": Step("head", _said(answer="已安排抢修，今日完成。")),
    "send_back_order": Step("supervisor", _said(comments="请补充逾期原因")),
    "close_order": Step("supervisor", _said(remark="已办结")),
    "withdraw_order": Step("supervisor", _said(remark="签发有误")),
    "urge": Step("supervisor", _said(remark="请抓紧")),
    "acknowledge_urge": Step("handler"),
    "acknowledge_rung": Step("handler"),
    "comment": Step("supervisor", _said(comment="请注意时限")),
    "bar_unit": Step("clerk", lambda world, at: {"unit": world.water.pk, "remark": ""}),
    "reveal_contact": Step("clerk", _said(reason="联系留言人核实情况")),
}
# Around an approval: who else is to sign, to be told or to be heard.
STEPS |= {
    "close_unanswered": STEPS["sign_closing"],
    "allow_private": STEPS["sign_private"],
    "dispatch_order": STEPS["sign_order"],
    "propose_order": Step("supervisor", STEPS["issue_order"].data),
    "add_signer": Step("dispatcher", lambda world, at: {"person": world.leader.pk, "remark": "请一并审核"}),
    "remove_signer": Step("dispatcher", lambda world, at: {"person": world.leader.pk, "remark": ""}),
    "hand_over": Step("seat:reply", lambda world, at: {"person": world.deputy_head.pk, "remark": "我在开会"}),
    "send_copy": Step("dispatcher", lambda world, at: {"people": [world.leader.pk], "remark": ""}),
    "discuss": Step("handler", _said(comment="依据已补充")),
}

_HANDLING = ("assign", "accept", "contact")
_REPLIED = (*_HANDLING, "draft_reply", "approve", "reply")
_ANEW = ("redo", "draft_reply", "approve", "reply")
_CONTESTED = (*_REPLIED, *_ANEW, "redo", "draft_reply", "approve", "reply", "contest")
PATHS: dict[str, tuple[str, ...]] = {
    "registered": (),
    "assigned": ("assign",),
    "designated": ("designate",),
    "declined": ("assign", "decline"),
    "disputed": ("assign", "decline", "reject_decline", "raise_dispute"),
    "accepted": ("assign", "accept"),
    "handling": _HANDLING,
    "drafted": (*_HANDLING, "draft_reply"),
    "reviewed": (*_HANDLING, "draft_reply", "approve"),
    "replied": _REPLIED,
    "called_back": (*_REPLIED, "call_back"),
    "redo": (*_REPLIED, "call_back", "redo"),
    "contested": _CONTESTED,
    "final_drafted": (*_CONTESTED, "ask_final"),
    "suspended": (*_HANDLING, "suspend"),
    "merged": ("merge",),
    "closed": (*_REPLIED, "call_back", "rate"),
    "referred": ("refer",),
    "withdrawn": ("withdraw",),
    "archived": (*_REPLIED, "call_back", "rate", "archive"),
}


def make_world() -> World:
    """Add the county below the root unit that `migrate` made."""
    county = Unit.objects.root()

    def office(code: str, name: str, parent: Unit = county, **more: Any) -> Unit:
        return Unit.objects.create(code=code, name=name, parent=parent, **more)

    def person(username: str, name: str, unit: Unit, *roles: str) -> User:
        user = User.objects.create_user(username=username, display_name=name)
        Membership.objects.bulk_create(Membership(user=user, unit=unit, role=role) for role in roles)
        return user

    desk = office("desk", "网络问政办", is_desk=True)
    housing, water = office("housing", "住建局"), office("water", "水务局")
    street = office("street", "东浦街道", kind=Unit.Kind.TERRITORIAL)
    housing_office = office("housing_office", "住建局物业科", housing)
    return World(
        county=county, desk=desk, housing=housing, housing_office=housing_office, water=water, street=street,
        clerk=person("clerk", "登小明", desk, "desk_clerk"),
        dispatcher=person("dispatcher", "派小红", desk, "dispatcher"),
        reviewer=person("reviewer", "审小刚", desk, "reviewer"),
        publicity=person("publicity", "宣小秦", county, "publicity"),
        caller=person("caller", "访小兰", desk, "caller"),
        officer=person("officer", "专小青", desk, "confidential_officer"),
        leader=person("leader", "批老王", county, "leader"),
        arbiter=person("arbiter", "裁老许", county, "arbiter"),
        top_leader=person("top_leader", "首老张", county, "top_leader"),
        supervisor=person("supervisor", "督老李", county, "supervisor"),
        exporter=person("exporter", "导小周", county, "exporter"),
        sysadmin=person("sysadmin", "系小吴", county, "sysadmin"),
        secadmin=person("secadmin", "安小郑", county, "secadmin"),
        auditadmin=person("auditadmin", "计小冯", county, "auditadmin"),
        handler=person("handler", "承小陈", housing, "unit_handler"),
        head=person("head", "负老褚", housing, "unit_head"),
        deputy_head=person("deputy_head", "副老卫", housing, "deputy_head"),
        office_handler=person("office_handler", "科小卫", housing_office, "unit_handler"),
        other_handler=person("other_handler", "承小蒋", water, "unit_handler"),
        other_head=person("other_head", "负老沈", water, "unit_head"),
        street_handler=person("street_handler", "承小韩", street, "unit_handler"),
        street_head=person("street_head", "负老杨", street, "unit_head"),
    )  # fmt: skip
