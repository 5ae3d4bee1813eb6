"""What a citizen wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opinion.access import MESSAGE
from opinion.blocks.registry import Block, Viewing, block_of
from opinion.contacts.masking import blank_numbers
from opinion.models import Message

if TYPE_CHECKING:
    from opinion.casefile import CodeLabels


@dataclass(frozen=True)
class MessageView:
    """text: what was written, with the writer's own name and any numbers masked; whoever gives a reason sees it whole."""

    message: Message
    text: str
    facts: list[tuple[str, str]]


@block_of(MESSAGE)
def message_block(viewing: Viewing) -> Block | None:
    """The message and what is known of it."""
    message = Message.objects.filter(case=viewing.case).first()
    if message is None:
        return None
    text = blank_numbers(message.body, name=viewing.person.name if viewing.person else "")
    return Block("opinion/case/message.html", MessageView(message, text, _facts(message, viewing.codes)))


def _facts(message: Message, codes: CodeLabels) -> list[tuple[str, str]]:
    """What is known of the message, in words; what was not given is left out."""
    facts = [
        ("来源", codes.of("source", message.source)),
        ("来源编号", message.external_number),
        ("类型", codes.of("type", message.type)),
        ("领域", codes.of("domain", message.domain)),
        ("紧急程度", codes.of("urgency", message.urgency)),
        ("复杂程度", codes.of("complexity", message.complexity)),
        ("事发地点", message.place),
    ]
    return [(label, value) for label, value in facts if value]
