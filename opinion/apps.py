"""The desk for messages and events as a Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OpinionConfig(AppConfig):
    name = "opinion"
    verbose_name = "意见办理"

    def ready(self) -> None:
        from opinion import (  # noqa: F401  # each registers names
            approval_notices,
            co_task_guards,
            codes,
            effects,
            feedback_guards,
            feedback_notices,
            forms,
            guards,
            merge_notices,
            notices,
            opinion_guards,
            opinion_notices,
            plan_notices,
            quantities,
            recipients,
            reply_guards,
            roles,
            supervision_guards,
        )
        from opinion.exports import records  # noqa: F401  # its chain is verified with the log
        from opinion.reports.keeping import count_events
        from opinion.seeding import seed
        from workflows.relay import SUBSCRIBERS

        # Django calls the apps in the order of INSTALLED_APPS, so the engine has seeded before.
        post_migrate.connect(seed, sender=self, dispatch_uid="opinion.seed")
        # After the notices: the figures' lock is then held for the shortest time.
        SUBSCRIBERS.add("figures", count_events)
