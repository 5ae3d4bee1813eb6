"""How often a case was declined, handed on, sent back, handled again: counted from its log, for its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opinion.quantities import DECLINES, quantity
from opinion.timeline import Entry
from workflows.models import Case

# Transition → what it is called when counted, in the order of the page.
COUNTED = {
    "decline": "退单", "transfer": "转办", "recall": "收回", "send_back": "退回修改", "grant_extension": "延期",
    "redo": "不满意重办", "reopen": "重新办理", "record_unreached": "回访未接通",
}  # fmt: skip


def counters(case: Case, entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Label → how often, of what has happened at all; declines against how many the policy allows."""
    times = Counter(entry.event.transition for entry in entries)
    found = []
    for name, label in COUNTED.items():
        if times[name]:
            of = f"／{quantity(case, DECLINES)}" if name == "decline" else ""
            found.append((label, f"{times[name]}{of} 次"))
    return found
