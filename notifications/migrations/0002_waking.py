"""A bell on the notices: on PostgreSQL the deliverer hears that there are new ones."""

from typing import Any

from django.db import migrations

from workflows import triggers

BELL = triggers.Bell("notifications_notice", "nt_notice", "notice", 2)


def install(apps: Any, schema_editor: Any) -> None:
    triggers.install(schema_editor, (BELL,))


def remove(apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor, (BELL,))


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
