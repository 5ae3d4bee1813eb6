"""Triggers that refuse to change or delete the log and published documents.

A later migration that alters one of these tables must run this pair again: SQLite rebuilds the table without them.
"""

from typing import Any

from django.db import migrations

from workflows import triggers


def install(apps: Any, schema_editor: Any) -> None:
    triggers.install(schema_editor)


def remove(apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("workflows", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
