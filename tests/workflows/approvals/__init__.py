"""Approvals on a toy lifecycle: the engine is tested without the domain that uses it."""
