"""The catalogue of notices for disputes, for review and reply where a draw or a redo decides who is told, and for ratings."""

from __future__ import annotations

from dataclasses import replace

from notifications.registry import CATALOGUE, Silent, Told
from opinion.approval_notices import to_sign
from opinion.audiences import (
    arbiters,
    assisting,
    callers,
    dispatchers,
    handlers,
    heads,
    supervisors,
    together,
    top_leaders,
)
from opinion.notices import DESK_FALLBACKS, news, work

DRAWN_STATE = "replied"


def drawn(told: Told) -> Told:
    """Of what the draw chose for a call-back only; nobody calls about the rest."""
    return replace(told, applies=lambda event: event.target == DRAWN_STATE)


FEEDBACK_NOTICES: dict[str, Told | Silent] = {
    # ---- 争议
    "message.disputed": work("承办有争议，请裁定", arbiters, (top_leaders, supervisors)),
    "message.arbitrated": work("已裁定承办，请签收", together(handlers, heads, assisting)),
    # ---- 审核与答复
    "message.replied": drawn(work("已答复，请回访", callers, DESK_FALLBACKS)),
    "message.merged_replied": drawn(work("已并案答复，请回访", callers, DESK_FALLBACKS)),
    # ---- 回访与评价
    "message.called_back": Silent("回访记录供查阅，等待评价"),
    "message.unreached": Silent("未接通由回访员自己继续联系"),
    "message.unreachable": Silent("无法联系的转入待评价，期满由系统办结"),
    "message.rated": news("留言人已评价，案件办结"),
    "message.rating_lapsed": Silent("评价期满由系统办结，无须动作"),
    "message.redone": work("留言人不满意，请重办"),
    "message.reopened": work("已重新办理，请重办"),
    # ---- 最终答复
    "message.contested": work("重办两次仍不满意，请作最终答复", dispatchers, DESK_FALLBACKS),
    "message.final_drafted": to_sign(),
    "message.final_approved": news("最终答复已批准，案件办结", together(handlers, dispatchers)),
    "message.final_retracted": Silent("撤回由受理台自己所为，审批人的待办随即消失"),
    "message.final_returned": work("最终答复被退回，请修改", dispatchers, DESK_FALLBACKS),
}

for _name, _declared in FEEDBACK_NOTICES.items():
    CATALOGUE.add(_name, _declared)
