"""The catalogue of notices for commitments of the work plan. Deadlines are told of as everywhere, by their ladder."""

from __future__ import annotations

from notifications.registry import CATALOGUE, Silent, Told
from opinion.audiences import assisting, dispatchers, handlers, heads, together
from opinion.notices import DESK_FALLBACKS, news, still_open, still_there, work

PLAN_NOTICES: dict[str, Told | Silent] = {
    "plan.registered": work("已登记，请交办", dispatchers, DESK_FALLBACKS, still_true=still_there),
    "plan.assigned": work("已交办，请按期落实", together(handlers, heads, assisting)),
    "plan.fulfilled": Silent("按期完成是预期中的一步，案件页可见"),
    "plan.period_turned": news("进入新的一期，请按期落实", still_true=still_open),
    "plan.completed": news("计划期满"),
    "plan.cancelled": news("已取消，不必再落实", together(handlers, heads, assisting)),
    "plan.commented": news("有新备注", together(handlers, dispatchers), still_true=still_open),
    "plan.archived": Silent("归档不改变任何人的工作"),
}

for _name, _declared in PLAN_NOTICES.items():
    CATALOGUE.add(_name, _declared)
