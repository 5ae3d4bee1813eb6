"""The engine as a Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "流程引擎"

    def ready(self) -> None:
        from workflows import checks, roles  # noqa: F401  # each registers
        from workflows.seeding import seed

        post_migrate.connect(seed, sender=self, dispatch_uid="workflows.seed")
