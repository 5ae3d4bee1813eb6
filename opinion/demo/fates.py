"""The ways that made-up messages take through the lifecycle."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = ("assign", "accept", "contact")
WORK = (*BEGIN, "record_visit")
DRAFT = (*WORK, "draft_reply")
# `approve`: level after level signs, until nobody is asked any more.
ANSWER = (*DRAFT, "approve", "reply")


@dataclass(frozen=True)
class Fate:
    """A way through the lifecycle, begun `ago` working days back; `gap`: working minutes between two steps."""

    steps: tuple[str, ...]
    ago: int
    gap: int = 45


# Tried in turn. Gaps of hundreds of minutes make late steps; a few messages are old and still open.
FATES = (
    Fate((*ANSWER, "call_back", "rate", "archive"), 12, 200),
    Fate((*ANSWER, "call_back", "rate"), 9, 180),
    Fate(BEGIN, 2),
    Fate((*ANSWER, "call_back"), 6, 150),
    Fate(("assign",), 0, 3),
    Fate(WORK, 9, 90),
    Fate(ANSWER, 4, 220),
    Fate(("assign", "decline"), 0, 4),
    Fate(DRAFT, 3, 220),
    Fate((), 0),
    Fate((*DRAFT, "send_back"), 3, 80),
    Fate((*ANSWER, "call_back", "rate", "archive"), 20, 240),
    Fate(("assign", "accept"), 1, 90),
    Fate((*DRAFT, "approve"), 3, 190),
    Fate((*ANSWER, "call_back", "redo"), 6, 240),
    Fate((*BEGIN, "request_suspension", "sign_suspension", "sign_suspension"), 4, 60),
    Fate(("assign", "decline", "reject_decline"), 1, 50),
    Fate(("refer",), 5, 120),
    Fate(("withdraw",), 5, 120),
    Fate((*WORK, "comment"), 14, 300),
    Fate(("assign", "decline", "reassign", "accept", "contact", "record_visit"), 3, 70),
    Fate((*ANSWER, "call_back", "rate", "reopen"), 8, 250),
    Fate((), 1),
    Fate(("assign", "merge"), 2, 60),
    Fate((*BEGIN, "instruct", "record_visit"), 5, 90),
    Fate((*ANSWER, "record_unreached"), 5, 240),
    Fate((*BEGIN, "interim_reply"), 4, 90),
    Fate((*BEGIN, "ask_co_handling", "accept_co_task"), 1, 60),
    Fate(
        (*BEGIN, "ask_co_handling", "accept_co_task", "finish_co_task", "record_visit", "draft_reply"), 3, 100
    ),
    Fate((*BEGIN, "ask_co_handling", "accept_co_task"), 8, 90),
    Fate((*DRAFT, "sign_reply"), 2, 90),
    Fate((*BEGIN, "request_extension"), 1, 90),
    Fate((*DRAFT, "sign_reply", "sign_reply"), 2, 80),
    Fate((*BEGIN, "request_suspension", "sign_suspension"), 1, 80),
    Fate((*BEGIN, "request_extension", "sign_extension", "record_visit"), 2, 70),
    Fate((*DRAFT, "sign_reply", "hand_over"), 2, 85),
    Fate((*BEGIN, "request_suspension"), 1, 100),
    Fate(("assign", "request_decline"), 0, 4),
    Fate((*WORK, "request_closing", "sign_closing"), 2, 90),
    Fate(("assign", "request_decline", "sign_decline"), 0, 4),
    Fate((*WORK, "request_closing", "sign_closing", "sign_closing"), 5, 90),
)
