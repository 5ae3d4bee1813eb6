"""Extensions: asking for one, granting and refusing it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from opinion.forms.base import MoveForm, code, offer_codes, prose
from opinion.forms.screened import REPLY_MAX
from workflows import extensions
from workflows.digits import digits
from workflows.limits import LABELS
from workflows.models import Note
from workflows.published import lifecycle
from workflows.registry import form


@form("request_extension")
class RequestExtensionForm(MoveForm):
    """Which deadline, how much longer, why, on what evidence, and what the person is to be told."""

    late = False

    clock = code("时限")
    amount = forms.RegexField(
        r"^[1-9][0-9]{0,2}(wd|d)?$",
        label="延长",
        help_text="天数，单位同所选时限；自现在的到期日起算",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "“延长”请填写天数，例如 3"},
    )
    reason = code("延期理由")
    evidence = prose("证明材料", help_text="写明事实、依据和预计完成时间", rows=4)
    told = prose("拟告知内容", help_text="批准时由批准人审定，告知留言人", rows=4, most=REPLY_MAX)

    def prepare(self) -> None:
        declared = lifecycle(self.case.definition_id).clocks
        self._rooms = {
            room.clock.kind: room
            for room in extensions.extendable(self.case)
            if self.at is None or self.late == (self.at > room.clock.due_at)
        }
        self.offer(
            "clock",
            [
                (
                    kind,
                    f"{declared[kind].label}（现至 {timezone.localtime(room.clock.due_at):%Y-%m-%d %H:%M}，{_room(room)}）",
                )
                for kind, room in self._rooms.items()
                if kind in declared
            ],
        )
        offer_codes(self, "reason", "extension_reason")

    def clean(self) -> dict[str, Any]:
        """`amount` becomes a limit such as 3wd."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        room = self._rooms.get(said.get("clock", ""))
        if room is None or not said.get("amount"):
            return said
        if digits(said["amount"]) is not None:
            said["amount"] += room.unit.value
        if self.at is not None:
            refusal = extensions.obstacle(
                self.case, room.clock.kind, said["amount"], at=self.at, late=self.late
            )
            if refusal:
                self.add_error("amount", f"“延长”：{refusal}")
        return said


def _room(room: extensions.Room) -> str:
    if room.longest <= 0:
        return "已不能再延"
    return f"每次至多 {room.longest.normalize():f}{LABELS[room.unit]}，还可延 {room.times_left} 次"


@form("request_late_extension")
class RequestLateExtensionForm(RequestExtensionForm):
    """The same, after the deadline."""

    late = True


@form("grant_extension")
class GrantExtensionForm(MoveForm):
    """What the person is told; the extension takes effect with it."""

    text = prose(
        "告知内容", most=REPLY_MAX, rows=8, help_text="延期原因、进展和新的答复时间，作为阶段性答复送达留言人"
    )

    def prepare(self) -> None:
        waiting = extensions.pending(self.case)
        if waiting is not None:
            proposed = Note.objects.filter(case=self.case, seq=waiting.seq, kind="told").values_list(
                "text", flat=True
            )
            self.initial.setdefault("text", proposed.first() or "")


@form("refuse_extension")
class RefuseExtensionForm(MoveForm):
    """Why there is no more time."""

    remark = prose("理由", rows=3)
