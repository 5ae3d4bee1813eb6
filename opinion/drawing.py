"""The draw for call-backs: each reply by itself, by chance and not by choice. What was drawn is in the log.

Source: 国办发〔2020〕53号 (call-backs by draw). The share is the policy's; the lot shows afterwards that it decided.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from opinion.quantities import CALL_BACK_SHARE
from workflows.models import Case
from workflows.published import policy

LOTS = 10_000
# Tests put a seeded one here.
CHANCE: random.Random = random.SystemRandom()


@dataclass(frozen=True)
class Draw:
    """share: percent. row: of the policy, empty where it says nothing. lot: 0 to 9999; below share × 100 is drawn."""

    share: int
    row: str
    lot: int

    @property
    def drawn(self) -> bool:
        return self.lot * 100 < self.share * LOTS


def draw(case: Case) -> Draw:
    share, row = policy(case.policy_id).quantity(CALL_BACK_SHARE, case.facts)
    return Draw(share, row, CHANCE.randrange(LOTS))
