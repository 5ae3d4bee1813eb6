"""The engine as a Django app."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "流程引擎"

    def ready(self) -> None:
        from django.contrib.admin import site

        from workflows import checks, roles  # noqa: F401  # each registers
        from workflows.approvals import moving  # noqa: F401
        from workflows.seeding import seed

        # Its rows are never there: approvals have tables of their own.
        site.unregister([apps.get_model("viewflow", name) for name in ("Process", "Task")])
        post_migrate.connect(seed, sender=self, dispatch_uid="workflows.seed")
