"""A bell on the log: on PostgreSQL whoever sleeps until the next deadline hears that something happened."""

from typing import Any

from django.db import migrations

from workflows import triggers


def install(apps: Any, schema_editor: Any) -> None:
    triggers.install(schema_editor, (triggers.EVENT_BELL,))


def remove(apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor, (triggers.EVENT_BELL,))


class Migration(migrations.Migration):
    dependencies = [("workflows", "0004_extension")]
    operations = [migrations.RunPython(install, remove)]
