"""What moves change besides the state, by subject. Importing this package registers them all."""

from opinion.effects import dispatching, feedback, handling, linking, notes, privacy, replying

__all__ = ["dispatching", "feedback", "handling", "linking", "notes", "privacy", "replying"]
