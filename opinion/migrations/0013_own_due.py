"""The figures of open cases show the deadline their cases show."""

from django.db import migrations
from django.db.models import F, OuterRef, Q, Subquery


def as_their_cases(apps, schema_editor):
    Case = apps.get_model("workflows", "Case")
    shown = Case.objects.filter(pk=OuterRef("case_id")).values("due_at")[:1]
    OpenCase = apps.get_model("opinion", "OpenCase")
    kept = OpenCase.objects.exclude(due_at=None).annotate(shown=Subquery(shown))
    kept.filter(Q(shown=None) | ~Q(shown=F("due_at"))).update(due_at=Subquery(shown))


class Migration(migrations.Migration):
    dependencies = [("opinion", "0012_feedback"), ("workflows", "0009_own_due")]

    operations = [migrations.RunPython(as_their_cases, migrations.RunPython.noop)]
