"""Forms that take photos and files: what has been sent survives whatever else is wrong with the form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from opinion.attachments.kinds import KINDS, FileRefused
from opinion.attachments.receiving import clean_name, receive
from opinion.forms.base import Button, MoveForm, code, prose
from opinion.models import Attachment, Upload
from workflows.published import lifecycle
from workflows.registry import form

if TYPE_CHECKING:
    from django.http import QueryDict

KEEPS = frozenset({"keep_files", "keep_contributed_files"})
FILE_FIELDS = ("photos", "papers")
# What a person may have sent for one case without having used it yet.
MOST_WAITING = 30
TAKEN = (
    "照片自动去掉拍摄地点和设备信息；Office 文件和 PDF 自动去掉作者等属性，批注和修订里的姓名仍在，电子签章不再可验；"
    "视频和录音按原样保存，请先看过。文件名里不写姓名、电话"
)
OFFERED = "image/*,.heic,.heif,.pdf,.docx,.xlsx,.pptx,.mp4,.m4a,video/mp4,audio/mp4"


AHEAD = Button("先上传，接着填", name="upload")


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Cleaned: every file that was sent. Each is judged by `receive`, not here."""

    def __init__(self, *, label: str, help_text: str = "", **attributes: str) -> None:
        widget = ManyFilesInput(attrs=attributes)
        super().__init__(label=label, help_text=help_text, required=False, widget=widget)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        return list(data or ())


class FilesForm(MoveForm):
    """Offers them where the move, as the case's lifecycle has it, keeps files. Cleaned, `uploads` are their ids.

    `receive` must be called once for a form that was sent, by whoever made sure that the person may make the move.
    """

    transition = ""
    # What to do about files beyond the number one record may have.
    beyond = "另写一次记录"

    photos = ManyFilesField(
        label="拍照",
        help_text="在手机上直接打开相机；可以先上传，再拍下一张",
        accept="image/*",
        capture="environment",
    )
    papers = ManyFilesField(label="选择照片或文件", accept=OFFERED)
    kept = forms.TypedMultipleChoiceField(
        label="已上传",
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text="去掉勾选的不会附上",
    )

    def prepare(self) -> None:
        super().prepare()
        steps = lifecycle(self.case.definition_id).transitions
        self.takes_files = self.transition in steps and not KEEPS.isdisjoint(steps[self.transition].effects)
        self._problems: dict[str, list[str]] = {}
        if not self.takes_files:
            for name in (*FILE_FIELDS, "kept"):
                del self.fields[name]
            return
        limit = f"每个不超过 {settings.HUIYIN_ATTACHMENT_MB} MB，一次至多 {settings.HUIYIN_ATTACHMENTS_PER_RECORD} 个。"
        self.fields["papers"].help_text = limit + TAKEN
        self._offer_kept()

    def receive(self, at: datetime) -> None:
        """Keep what was sent with this form; what is refused becomes an error of its field, by name."""
        if not self.takes_files:
            return
        data = cast("QueryDict", self.data).copy()
        room = MOST_WAITING - len(self._waiting())
        for name in FILE_FIELDS:
            for file in self.files.getlist(self.add_prefix(name)):
                shown = clean_name(file.name or "", self.case)
                if room <= 0:
                    self._refuse(name, f"“{shown}”没有收下：已有 {MOST_WAITING} 个文件待用，请先提交已上传的")
                    continue
                try:
                    upload = receive(file, case=self.case, by=self.by, at=at)
                except FileRefused as refused:
                    self._refuse(name, f"“{shown}”{refused}")
                    continue
                room -= 1
                if str(upload.pk) not in data.getlist("kept"):
                    data.appendlist("kept", str(upload.pk))
        self.data = data
        self._offer_kept()

    @property
    def offered_buttons(self) -> Sequence[Button]:
        return (AHEAD, *self.buttons) if self.takes_files else self.buttons

    def again(self) -> MoveForm | None:
        """As typed, judged by nothing but its files: they were sent ahead, the rest is still being written."""
        if AHEAD.name not in self.data or not self.takes_files:
            return super().again()
        self.full_clean()
        for name in list(self.errors):
            if name not in FILE_FIELDS:
                del self.errors[name]
        return self

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        for name, problems in self._problems.items():
            self.add_error(name, [forms.ValidationError(problem) for problem in problems])
        for name in FILE_FIELDS:
            said.pop(name, None)
        uploads = said.pop("kept", None) or []
        most, in_case = settings.HUIYIN_ATTACHMENTS_PER_RECORD, settings.HUIYIN_ATTACHMENTS_PER_CASE
        if len(uploads) > most:
            self.add_error(
                "kept", f"一次至多附 {most} 个文件，现有 {len(uploads)} 个，请去掉一些，{self.beyond}"
            )
        if uploads and Attachment.objects.filter(case=self.case).count() + len(uploads) > in_case:
            self.add_error("kept", f"一件案件至多附 {in_case} 个文件，已经满了")
        said["uploads"] = uploads
        return said

    def _refuse(self, name: str, problem: str) -> None:
        self._problems.setdefault(name, []).append(problem)

    def _waiting(self) -> list[Upload]:
        return list(Upload.objects.filter(case=self.case, owner=self.by))

    def _offer_kept(self) -> None:
        waiting = self._waiting()
        if not waiting:
            # Gone for this showing only: a file that is received brings it back.
            self.fields["kept"].widget = forms.MultipleHiddenInput()
        else:
            self.fields["kept"].widget = forms.CheckboxSelectMultiple()
        self.offer("kept", [(upload.pk, _in_words(upload)) for upload in waiting])


def _in_words(upload: Upload) -> str:
    sent = timezone.localtime(upload.created_at)
    return f"{upload.name}（{KINDS[upload.kind].label}，{filesizeformat(upload.size)}，{sent:%H:%M} 上传）"


@form("withdraw_file")
class WithdrawFileForm(MoveForm):
    """Which file is taken down, and why."""

    file = code("附件")
    remark = prose("撤下理由", rows=3, help_text="如误传、含他人信息。内容随即删除，记录和摘要保留")

    def prepare(self) -> None:
        kept = Attachment.objects.filter(case=self.case).kept().order_by("number")
        self.offer("file", [(file.number, f"附件 {file.number}　{file.name}") for file in kept])

    def clean_file(self) -> int:
        return int(self.cleaned_data["file"])
