"""Celery: the same table of periodic work, run by any number of beats and workers."""

import os

from celery import Celery
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("huiyin")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="huiyin.periodic", acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def periodic(name: str) -> None:
    """Run one entry of the table. Harmless to lose, to double and to be late: the rows say what is due."""
    from config.schedule import BY_NAME

    BY_NAME[name].run(at=timezone.now())


@app.on_after_finalize.connect
def _fill_beat(sender: Celery, **_: object) -> None:
    from config.schedule import SCHEDULE

    for job in SCHEDULE:
        # A message nobody took by the time the next is due is dropped: its work is not.
        expires = max(job.every_seconds * 5, 10)
        sender.add_periodic_task(job.every_seconds, periodic.s(job.name), name=job.name, expires=expires)
