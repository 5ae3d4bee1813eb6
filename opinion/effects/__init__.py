"""What moves change besides the state, by subject. Importing this package registers them all."""

from opinion.effects import (
    approving,
    attaching,
    claiming,
    cohandling,
    concluding,
    dispatching,
    extending,
    feedback,
    handling,
    linking,
    notes,
    privacy,
    replying,
    reporting,
    responding,
    reviewing,
    supervising,
)

__all__ = [
    "approving", "attaching", "claiming", "cohandling", "concluding", "dispatching", "extending", "feedback", "handling", "linking",
    "notes", "privacy", "replying", "reporting", "responding", "reviewing", "supervising",
]  # fmt: skip
