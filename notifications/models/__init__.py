"""Tables of the notices."""

from notifications.models.notice import Notice

__all__ = ["Notice"]
