"""Triggers that refuse to change or delete a record of an export.

A later migration that alters the table must run this again: SQLite rebuilds the table without them.
"""

from typing import Any

from django.db import migrations

from opinion.models.export_record import GUARD


def install(apps: Any, schema_editor: Any) -> None:
    for statement in GUARD.install(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def remove(apps: Any, schema_editor: Any) -> None:
    for statement in GUARD.remove(schema_editor.connection.vendor):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("opinion", "0002_jobs")]
    operations = [migrations.RunPython(install, remove)]
