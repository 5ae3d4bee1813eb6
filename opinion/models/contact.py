"""Who wrote it: sealed, apart from everything else."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from workflows.models import Case


class Contact(models.Model):
    """The person behind a message. Every column but the index is sealed text (see `opinion.contacts.sealing`).

    phone_index: keyed hash of the number, so that a caller's earlier messages can be found by an exact number
    and by nothing less. There is no page that joins one person's cases.
    """

    case = models.OneToOneField(
        Case, models.PROTECT, primary_key=True, related_name="contact", verbose_name="案件"
    )
    name = models.TextField("姓名", blank=True)
    phone = models.TextField("电话", blank=True)
    address = models.TextField("地址", blank=True)
    email = models.TextField("电子邮箱", blank=True)
    phone_index = models.CharField("电话索引", max_length=64, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "联系人"
        indexes: ClassVar = [
            models.Index(
                fields=["phone_index"], condition=~models.Q(phone_index=""), name="op_contact_phone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}"
