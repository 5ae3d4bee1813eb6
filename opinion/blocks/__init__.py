"""What only cases of one kind have on their page: each kind reads blocks of its own, and the template asks no kind."""

from opinion.blocks import message, opinion_case
from opinion.blocks.registry import Block, Viewing, blocks_of

__all__ = ["Block", "Viewing", "blocks_of", "message", "opinion_case"]
