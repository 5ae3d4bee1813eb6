"""What a message asks for, listed item by item."""

from __future__ import annotations

from opinion.claims import relist
from opinion.models import Claim
from workflows.chain import text_digest
from workflows.moves import Move
from workflows.registry import effect


@effect
def list_claims(move: Move) -> None:
    """data: claims (texts, in order). Records made before go on naming the wording they were made on."""
    listing = relist(move.case, move.data["claims"])
    Claim.objects.filter(pk__in=[claim.pk for claim in listing.ended]).update(ended_at=move.at)
    claims = [
        Claim(
            case=move.case,
            number=number,
            text=text,
            digest=text_digest(text),
            author=move.by,
            written_at=move.at,
        )
        for number, text in sorted(listing.worded.items())
    ]
    for claim in claims:
        move.add(claim)
    move.log(claims={str(claim.number): claim.digest for claim in claims}, dropped=listing.dropped)
