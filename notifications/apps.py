"""The notices as a Django app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "通知"

    def ready(self) -> None:
        from notifications.channels import CHANNELS
        from notifications.channels.inbox import Inbox
        from notifications.channels.mail import Mail
        from notifications.models.alert import sound_stuck
        from notifications.planning import plan
        from notifications.settling import settle
        from workflows.registry import ALARMS
        from workflows.relay import SUBSCRIBERS

        if "inbox" not in CHANNELS:
            CHANNELS.add("inbox", Inbox())
            CHANNELS.add("mail", Mail())
        SUBSCRIBERS.add("notifications", plan)
        SUBSCRIBERS.add("settling", settle)
        ALARMS.add("notifications", sound_stuck)
