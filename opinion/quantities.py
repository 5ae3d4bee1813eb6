"""Numbers other than lengths of time that a policy sets for a message: shares in percent, and how often."""

from __future__ import annotations

from workflows.models import Case
from workflows.published import policy
from workflows.registry import QUANTITIES, Quantity

CALL_BACK_SHARE = "call_back_share"
CALL_ATTEMPTS = "call_attempts"
DECLINES = "declines"

QUANTITIES.add(CALL_BACK_SHARE, Quantity("回访比例（百分之几）", 0, 100, default=100))
QUANTITIES.add(CALL_ATTEMPTS, Quantity("无法联系前的拨打次数", 1, 20, default=3))
QUANTITIES.add(DECLINES, Quantity("每件退单次数上限", 1, 20, default=3))


def quantity(case: Case, name: str) -> int:
    """What the policy of the case says of it."""
    return policy(case.policy_id).quantity(name, case.facts)[0]
