"""How often a case was declined, handed on, sent back, handled again: counted from its log, for its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opinion.quantities import DECLINES, quantity
from opinion.timeline import Entry
from workflows.models import Case

# What it is called when counted → the transitions it is, in the order of the page. A text is sent back by whoever is to
# sign it, and also after approval, before it is published.
COUNTED = {
    "退单": ("decline",), "转办": ("transfer",), "收回": ("recall",),
    "退回修改": ("send_back", "take_back_approval", "return_final", "send_back_response", "take_back_response"),
    "延期": ("grant_extension",), "不满意重办": ("redo",), "重新办理": ("reopen",), "回访未接通": ("record_unreached",),
}  # fmt: skip


def counters(case: Case, entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Label → how often, of what has happened at all; declines against how many the policy allows."""
    times = Counter(entry.event.transition for entry in entries)
    found = []
    for label, names in COUNTED.items():
        if number := sum(times[name] for name in names):
            of = f"／{quantity(case, DECLINES)}" if "decline" in names else ""
            found.append((label, f"{number}{of} 次"))
    return found
