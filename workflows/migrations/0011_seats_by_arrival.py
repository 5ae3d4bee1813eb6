"""What waits for somebody's signature is listed in the order in which it came."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0010_owed_moves")]

    operations = [
        migrations.RemoveIndex(model_name="approvaltask", name="wf_seat_waiting"),
        migrations.AddIndex(
            model_name="approvaltask",
            index=models.Index(
                condition=models.Q(("status", "ASSIGNED")),
                fields=["owner", "created", "id"],
                name="wf_seat_waiting",
            ),
        ),
    ]
