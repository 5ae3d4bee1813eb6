"""A throw-away database that stands in for the real one: same documents, same code lists, no case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.utils import ConnectionHandler

from opinion.models import Code
from workflows.models import ApprovalRules, CalendarVersion, Definition, LadderVersion, PolicyVersion
from workflows.models.definition import PublishedDocument
from workflows.published import forget_database

ALIAS = "default"
# Nothing here outlives the process: no need to wait for the disk.
_FAST = (
    "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-64000;"
)


@contextmanager
def scratch_database() -> Iterator[None]:
    """Inside, the default connection of this thread is an SQLite file with the published documents of the real one.

    The real connection is left as it is, in its transaction if it is in one, and put back whatever happens.
    """
    copied = _published()
    live = connections[ALIAS]
    with TemporaryDirectory(prefix="huiyin-rehearsal-") as folder:
        scratch = ConnectionHandler(
            {
                ALIAS: {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": str(Path(folder) / "rehearsal.sqlite3"),
                    "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": _FAST},
                }
            }
        )[ALIAS]
        connections[ALIAS] = scratch
        forget_database()
        try:
            # The tables as they are now, without the way there: nothing older ever was in this file.
            with scratch.schema_editor() as editor:
                for model in apps.get_models():
                    if model._meta.managed and not model._meta.proxy:
                        editor.create_model(model)
            for rows in copied:
                if rows:
                    type(rows[0])._default_manager.bulk_create(rows)
            yield
        finally:
            scratch.close()
            connections[ALIAS] = live
            forget_database()


def unsigned(rules: dict[str, Any]) -> dict[str, Any]:
    """Approval rules without a level: a rehearsal is about times a file tells, and tells of no signature."""
    return {**rules, "approvals": [{**rule, "levels": []} for rule in rules["approvals"]]}


def _published() -> list[list[models.Model]]:
    """Code lists, and the newest version of every document, under their own ids and in nobody's name."""
    documents: list[type[PublishedDocument]] = [
        CalendarVersion,
        LadderVersion,
        ApprovalRules,
        PolicyVersion,
        Definition,
    ]
    found: list[list[models.Model]] = [list(Code.objects.all())]
    for model in documents:
        newest = list(model.objects.newest())
        for document in newest:
            document.published_by = None
            if isinstance(document, ApprovalRules):
                document.spec = unsigned(document.spec)
        found.append(list(newest))
    return found
