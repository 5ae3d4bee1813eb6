"""Tables of the notices."""

from notifications.models.alert import Alert
from notifications.models.notice import Notice
from notifications.models.preference import Preference

__all__ = ["Alert", "Notice", "Preference"]
