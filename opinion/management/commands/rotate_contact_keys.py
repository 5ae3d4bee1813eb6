"""`manage.py rotate_contact_keys`: seal every contact anew under the first key of HUIYIN_CONTACT_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from opinion.contacts.rotating import rotate
from opinion.contacts.sealing import SealBroken, keyring


class Command(BaseCommand):
    help = "用 HUIYIN_CONTACT_KEYS 中的第一把密钥重新加密全部联系人；完成后旧密钥即可移除"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rotate()
        except SealBroken as error:
            raise CommandError(f"中止：{error}") from error
        self.stdout.write(f"已用密钥 {keyring().active} 重新加密 {done} 份联系人")
