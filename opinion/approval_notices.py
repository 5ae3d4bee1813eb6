"""The catalogue of notices for approvals: who is asked to sign, who gets a copy, what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from notifications.registry import CATALOGUE, InOneGo, Silent, Told, Urgency
from opinion.audiences import reviewers, supervisors, together
from opinion.awaiting import levels_in
from opinion.due_words import dues_of
from opinion.notices import DESK_FALLBACKS, UNIT_FALLBACKS, news, pressing, still_open, work
from opinion.signing import (
    asked,
    copied,
    matter,
    nobody,
    requesters,
    signers,
    still_asked,
    still_asked_of,
    still_running,
)
from workflows.models import Event


def of_levels(sentence: Callable[[Event, str, str], str]) -> InOneGo:
    """sentence: of an event, the level it is about, in brackets or empty, and until when that one runs."""

    def say(events: Sequence[Event]) -> dict[int, str]:
        levels = levels_in(events)
        due = dues_of({event: levels[event.pk][1] for event in events})
        return {
            event.pk: sentence(event, f"（{label}）" if label else "", due[event.pk])
            for event in events
            for label, _ in [levels[event.pk]]
        }

    return InOneGo(say)


def to_sign() -> Told:
    """Whoever is asked by an event decides; a copy goes to whom the level names. Events that ask nobody are told to nobody."""
    return Told(
        of_levels(lambda event, level, due: f"{event.case.number} {matter(event)}{level}，请表态{due}"),
        together(asked, copied), UNIT_FALLBACKS,
        applies=lambda event: bool(event.data.get("asked")),
        urgency=lambda event: Urgency.URGENT if pressing(event) else Urgency.PROMPT, still_true=still_asked,
        still_for=still_asked_of,
    )  # fmt: skip


APPROVAL_NOTICES: dict[str, Told | Silent] = {
    # ---- 答复、延期、暂停、督办
    "message.extension_requested": to_sign(),
    "message.decline_requested": to_sign(),
    "message.decline_refused": work("退单未获本单位负责人同意，请签收办理"),
    "message.decline_retracted": Silent("撤回的申请不再需要任何人审批"),
    "message.suspension_requested": to_sign(),
    "message.suspension_refused": work("暂停未获同意，请继续办理", still_true=still_open),
    "message.suspension_retracted": Silent("撤回的申请不再需要任何人审批"),
    "message.closing_requested": to_sign(),
    "message.closing_refused": work("不答复办结未获同意，请继续办理并答复", still_true=still_open),
    "message.closing_retracted": Silent("撤回的申请不再需要任何人审批"),
    "message.private_asked": to_sign(),
    "message.private_allowed": work("可以只答复本人，请答复", reviewers, DESK_FALLBACKS),
    "message.private_refused": work("应公开答复，请答复", reviewers, DESK_FALLBACKS),
    "message.private_retracted": Silent("撤回的申请不再需要任何人审批"),
    "message.draft_retracted": news("答复送审已撤回，请修改后重新送审", still_true=still_open),
    "message.drafted": to_sign(),
    "order.proposed": to_sign(),
    "order.refused": news("报请的督办单未获签发", supervisors, still_true=still_open),
    "order.retracted": Silent("撤回的报请不再需要任何人签发"),
    # ---- 审批
    "approval.signed": to_sign(),
    "approval.signer_added": to_sign(),
    "approval.handed": to_sign(),
    "approval.reseated": to_sign(),
    "approval.signer_removed": Silent("减去的人待办随即消失，不必再做什么"),
    "approval.copied": Told(
        lambda event: f"{event.case.number} 抄送给您，请阅知", copied, must_reach=False, still_true=still_open
    ),
    "approval.discussed": Told(
        lambda event: f"{event.case.number} {matter(event)}有新意见，请查看",
        together(signers, requesters), must_reach=False, still_true=still_running,
    ),
    # 不告知任何一个人：值守人员在告警页看到，去安排任职或加签。
    "approval.unmanned": Told(
        of_levels(
            lambda event, level, _: f"{event.case.number} {matter(event)}{level or '本级'}没有合适的审批人，"
            "已请代审或无人可请，请安排任职或加签"
        ),
        nobody,
    ),
}  # fmt: skip

for _name, _declared in APPROVAL_NOTICES.items():
    CATALOGUE.add(_name, _declared)
