"""Agents at work: `python -m tests.faults.load SEED`. Fires keyed moves for ever and says each key that was acknowledged.

A connection that is gone is opened anew and the same move asked for again, with the same key, as a client would.
"""

import os
import sys
import time
from itertools import count
from random import Random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import InterfaceError, OperationalError, connection  # noqa: E402  # after the setup
from django.utils import timezone  # noqa: E402

from workflows.engine import fire  # noqa: E402
from workflows.models import Case, User  # noqa: E402


def main(seed: int) -> None:
    chance, clerk = Random(seed), User.objects.get(username="dispatcher")
    cases = list(Case.objects.values_list("pk", flat=True))
    for number in count():
        key, case_id = f"load:{seed}:{number}", chance.choice(cases)
        while True:
            try:
                fire(case_id, "comment", by=clerk, at=timezone.now(), key=key, data={"comment": key})
                break
            except (OperationalError, InterfaceError):
                connection.close()
                time.sleep(0.1)
        sys.stdout.write(f"{case_id} {key}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
