"""The deadline a case shows is its own: not that of a helping unit, nor of a level of an approval."""

from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce


def own_dues(apps, schema_editor):
    """Cases that show any deadline while a clock runs beside their own; those with none of their own show none."""
    Case = apps.get_model("workflows", "Case")
    Clock = apps.get_model("workflows", "Clock")
    Definition = apps.get_model("workflows", "Definition")
    for definition in Definition.objects.order_by("pk"):
        # Stored as pairs, in the order of the document.
        approvals, clocks = (dict(definition.spec.get(part) or ()) for part in ("approvals", "clocks"))
        beside = {approval["clock"] for approval in approvals.values() if approval.get("clock")}
        beside |= {name for name, clock in clocks.items() if clock.get("ahead_of")}
        running = Clock.objects.filter(case=OuterRef("pk"), state="running")
        own = running.exclude(kind__in=beside).order_by("due_at", "id")
        shown = Case.objects.filter(Exists(running.filter(kind__in=beside)), definition=definition)
        shown.exclude(due_at=None).update(
            due_at=Subquery(own.values("due_at")[:1]),
            provisional=Coalesce(Subquery(own.values("provisional")[:1]), False),
        )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0008_approvals")]

    operations = [migrations.RunPython(own_dues, migrations.RunPython.noop)]
