"""Ladders, and where on them a clock stands."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from workflows import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor, triggers.LADDER_GUARDS)


def remove(apps, schema_editor):
    triggers.remove(schema_editor, triggers.LADDER_GUARDS)


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0002_triggers"),
    ]

    operations = [
        migrations.AddField(
            model_name="clock",
            name="repeats",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="本级已重复"),
        ),
        migrations.CreateModel(
            name="LadderVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=30, verbose_name="代码")),
                ("version", models.PositiveIntegerField(verbose_name="版本")),
                ("label", models.CharField(max_length=60, verbose_name="名称")),
                ("spec", models.JSONField(verbose_name="内容")),
                ("source", models.TextField(verbose_name="原文")),
                ("published_at", models.DateTimeField(verbose_name="发布时间")),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="发布人",
                    ),
                ),
            ],
            options={
                "verbose_name": "催督阶梯",
                "verbose_name_plural": "催督阶梯",
                "constraints": [
                    models.UniqueConstraint(fields=("code", "version"), name="wf_ladder_version")
                ],
            },
        ),
        migrations.AddField(
            model_name="clock",
            name="ladder",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="workflows.ladderversion",
                verbose_name="催督阶梯版本",
            ),
        ),
        migrations.RunPython(install, remove),
    ]
