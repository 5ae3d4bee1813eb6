"""Runs the named subject in this process, on the empty database of the environment; writes what it found as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from pathlib import Path

import django


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("name")
    reader.add_argument("--out", type=Path, required=True)
    reader.add_argument("--quick", action="store_true")
    given = reader.parse_args()
    django.setup()
    logging.disable(logging.INFO)
    from django.core.management import call_command
    from django.db import connection

    from bench.subjects import SUBJECTS

    call_command("migrate", verbosity=0)
    found = []
    for table in SUBJECTS[given.name](quick=given.quick):
        table.database = table.database or connection.vendor
        found.append(dataclasses.asdict(table))
    given.out.write_text(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
