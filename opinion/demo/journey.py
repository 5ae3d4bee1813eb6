"""One new message from registration to the archive, over HTTP, by the people whose turn it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone

from opinion.demo.county import PASSWORD
from opinion.demo.visitor import VisitFailed, Visitor
from workflows.models import Case, Event
from workflows.wording import event_label

UNIT = "zhujian"
REPLY = "您好！单元门禁已于今日更换，并已逐户试用。"
SUBJECT = "锦云苑单元门禁失灵（演示检查）"


@dataclass(frozen=True)
class Stop:
    """Who does which move and what they write; choices may be given by their label."""

    who: str
    move: str
    said: dict[str, str | list[str]] = field(default_factory=dict)


STOPS = (
    Stop("paidan", "assign", {"lead": "住建局", "requirement": "请三个工作日内答复。"}),
    Stop(f"{UNIT}_chengban", "accept"),
    Stop(f"{UNIT}_chengban", "contact", {"outcome": "已电话联系，约定上门时间。"}),
    Stop(f"{UNIT}_chengban", "record_visit", {"action": "整改维修", "outcome": "更换门禁主机并试用。"}),
    Stop(f"{UNIT}_chengban", "draft_reply", {"text": REPLY, "result": "已解决"}),
    # Three levels: the unit's head, the desk, and, since it is published, publicity.
    Stop(f"{UNIT}_fuze", "sign_reply", {"text": REPLY}),
    Stop("shenhe", "sign_reply", {"text": REPLY}),
    Stop("xuanchuan", "sign_reply", {"text": REPLY}),
    Stop("shenhe", "reply", {"public": "on"}),
    Stop("huifang", "call_back", {"record": "已接通，门禁恢复正常。"}),
    Stop("huifang", "rate", {"satisfaction": "满意", "solved": "5", "manner": "5", "speed": "4"}),
    Stop("dengji", "archive"),
)


def drive(base_url: str, say: Callable[[str], object]) -> Case:
    """Make the journey; `say` gets a line a step. Raises VisitFailed where a page or the log is not as it should be."""
    visitors: dict[str, Visitor] = {}

    def visitor(username: str) -> Visitor:
        if username not in visitors:
            visitors[username] = Visitor(base_url)
            visitors[username].log_in(username, PASSWORD)
        return visitors[username]

    clerk = visitor("dengji")
    landed = clerk.submit(
        clerk.get("/register/"), "subject", source="lb", type="求助", subject=SUBJECT,
        body="单元门禁三天打不开，老人进出不便，请尽快维修。", name="甲某某", phone="10012345678",
    )  # fmt: skip
    case = Case.objects.filter(title=SUBJECT).order_by("-id").first()
    if case is None or case.number not in landed.text:
        raise VisitFailed(f"登记后没有见到新案件：{landed.path}")
    say(f"已登记 {case.number}")
    for stop in STOPS:
        here = visitor(stop.who)
        page = here.get(f"/cases/{case.number}/do/{stop.move}/")
        landed = here.submit(page, "rev", **_with_time(page.text, stop.said))
        if landed.path != f"/cases/{case.number}/":
            raise VisitFailed(f"{stop.who} 办理 {stop.move} 后停在 {landed.path}")
    case.refresh_from_db()
    if case.state != "archived":
        raise VisitFailed(f"{case.number} 没有归档，停在 {case.state}")
    for event in Event.objects.filter(case=case).select_related("actor", "unit").order_by("seq"):
        when = timezone.localtime(event.happened_at)
        say(
            f"{event.seq:>3}  {when:%Y-%m-%d %H:%M:%S}  {event_label(case, event)}  {event.actor}  → {event.unit}"
        )
    return case


def _with_time(text: str, said: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
    """Where a form asks when it happened: now."""
    now = timezone.localtime(timezone.now())
    return {**said, "happened_at": f"{now:%Y-%m-%dT%H:%M}"} if 'name="happened_at"' in text else said
