"""The notices as a Django app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "通知"

    def ready(self) -> None:
        from notifications.planning import plan
        from workflows.relay import SUBSCRIBERS

        SUBSCRIBERS.add("notifications", plan)
