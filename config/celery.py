"""Celery: the same table of periodic work, run by any number of beats and workers.

A message is the name of an entry and no more; what there is to do is in the rows. Nothing is published from a request:
beat does it every period, and on PostgreSQL `manage.py waker` the moment something is due or has happened.
"""

import os

from celery import Celery
from django.utils import timezone
from kombu import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("huiyin")
app.config_from_object("django.conf:settings", namespace="CELERY")

# A broker that does not answer within this is given up; by the next second there is another message to send.
PUBLISH_SECONDS = 2
_IMPATIENT = {
    "max_retries": 0,
    "socket_connect_timeout": PUBLISH_SECONDS,
    "socket_timeout": PUBLISH_SECONDS,
    "read_timeout": PUBLISH_SECONDS,
    "write_timeout": PUBLISH_SECONDS,
}


@app.task(name="huiyin.periodic", acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def periodic(name: str) -> None:
    """Run one entry of the table. Harmless to lose, to double and to be late: the rows say what is due."""
    from config.running import run
    from config.schedule import BY_NAME

    run(BY_NAME[name], timezone.now())


def publish(name: str) -> None:
    """Ask some worker to run an entry now. Raises kombu's OperationalError where the broker does not take it."""
    from config.schedule import BY_NAME

    with impatient_connection() as connection:
        periodic.apply_async(  # type: ignore[call-arg]  # celery-types forgets `connection`
            (name,), connection=connection, retry=False, expires=expires(BY_NAME[name].every_seconds)
        )


def impatient_connection() -> Connection:
    """One that gives up instead of trying again."""
    return app.connection_for_write(
        connect_timeout=PUBLISH_SECONDS, transport_options=_IMPATIENT, heartbeat=0
    )


def expires(every_seconds: float) -> float:
    """A message nobody took for so many seconds is dropped: its work is not."""
    return max(every_seconds * 5, 10)


@app.on_after_finalize.connect
def _fill_beat(sender: Celery, **_: object) -> None:
    from config.schedule import SCHEDULE

    for job in SCHEDULE:
        sender.add_periodic_task(
            job.every_seconds, periodic.s(job.name), name=job.name, expires=expires(job.every_seconds)
        )
