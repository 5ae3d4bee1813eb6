"""Notices nobody needs any more: since when, what the badge counts, and what an event of a case has looked at again."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0003_clock_alert'),
        ('workflows', '0008_approvals'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='notice',
            name='nt_notice_unread',
        ),
        migrations.AddField(
            model_name='notice',
            name='settled_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='了结时间'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('channel', 'inbox'), ('read_at', None), ('settled_at', None)), fields=['user'], name='nt_notice_to_read'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('channel', 'inbox'), ('read_at', None)), fields=['case_number'], name='nt_notice_of_case'),
        ),
    ]
