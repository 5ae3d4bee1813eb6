"""Runs inside the peer's own environment: fills its tables, then escalates one queue for each line it reads.

Arguments: open tickets, due tickets a queue, queues. Answers each line with the number of tickets escalated.
"""

import os
import sys
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402  # after setup
from django.utils import timezone  # noqa: E402
from helpdesk.models import Queue, Ticket  # noqa: E402


def fill(opened: int, due: int, queues: int) -> None:
    """Due tickets were opened days ago, the others just now: only the former are to be escalated."""
    call_command("migrate", verbosity=0)
    made = [Queue.objects.create(title=f"q{n}", slug=f"q{n}", escalate_days=3) for n in range(queues)]
    idle = Queue.objects.create(title="idle", slug="idle", escalate_days=3)
    wanted = [*((queue, due) for queue in made), (idle, opened - queues * due)]
    for queue, count in wanted:
        tickets = [
            Ticket(queue=queue, title="x", status=Ticket.OPEN_STATUS, priority=4) for _ in range(count)
        ]
        Ticket.objects.bulk_create(tickets, batch_size=2000)
    # When it was opened is set as a ticket is made, whatever one says.
    Ticket.objects.filter(queue__in=made).update(created=timezone.now() - timedelta(days=30))


def main() -> None:
    opened, due, queues = map(int, sys.argv[1:])
    fill(opened, due, queues)
    print("ready", flush=True)
    for number in range(queues):
        if not sys.stdin.readline():
            return
        call_command("escalate_tickets", queues=[f"q{number}"], verbosity=0)
        print(Ticket.objects.filter(queue__slug=f"q{number}", priority=3).count(), flush=True)


main()
