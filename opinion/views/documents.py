"""The form in which an administrator writes a document that will be published."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from workflows.documents import Document, SpecError
from workflows.models.definition import PublishedDocument
from workflows.publishing import check

TEXT_MAX = 500_000
S = TypeVar("S", bound=Document)
V = TypeVar("V", bound=PublishedDocument)


def taken_up(published: QuerySet[V], request: HttpRequest) -> V | None:
    """The published version that `?version=` names: to look at it, to change it or to go back to it."""
    wanted = request.GET.get("version", "")
    fit = wanted.isdecimal() and len(wanted) < 10
    return published.filter(pk=wanted).first() if fit else None


def text_of(model: type[PublishedDocument], request: HttpRequest) -> dict[str, str]:
    """The form to begin with: the text of the version taken up."""
    found = taken_up(model._default_manager.all(), request)
    return {"text": found.source} if found else {}


def versions_of(published: QuerySet[V], running: QuerySet[Any], by: str) -> list[tuple[V, int]]:
    """Newest first, each with how many of `running` go by it; by: their field that names the version."""
    counts = dict(running.values_list(by).annotate(Count("id")).order_by())
    found = published.select_related("published_by").defer("source").order_by("code", "-version")
    return [(version, counts.get(version.pk, 0)) for version in found]


class DocumentForm(forms.Form, Generic[S]):
    """The document, as a file or as text; the text of a file goes on in the text, so that nothing is chosen twice.

    origin: what the sort of document is called. kind: what it must turn out to be; main_key: by which it is known.
    """

    origin: ClassVar[str]
    kind: ClassVar[type[Any]]
    main_key: ClassVar[str]

    file = forms.FileField(
        label="规则文件", required=False, help_text="YAML，UTF-8 编码；也可以在下面粘贴或修改。"
    )
    text = forms.CharField(
        label="规则全文",
        required=False,
        strip=False,
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec: S | None = None

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("file"):
            said["text"] = self._text(said["file"])
            # What the page shows afterwards is what was read, not the file, which a browser does not give again.
            self.data = {**dict(self.data.items()), "text": said["text"]}
        if "text" in said and not self.errors:
            said["text"] = said["text"].replace("\r\n", "\n")  # as browsers send it
            self._check(said["text"])
        return said

    def _text(self, file: UploadedFile[Any]) -> str:
        if file.size is None or file.size > TEXT_MAX:
            self.add_error("file", f"文件超过 {TEXT_MAX // 1000} KB，不像是{self.origin}")
            return ""
        try:
            return str(file.read(), "utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", "不是 UTF-8 编码，请另存为 UTF-8 后重新选择")
            return ""

    def _check(self, text: str) -> None:
        if not text.strip():
            self.add_error("text", "请选择文件，或粘贴规则全文")
            return
        try:
            spec = check(text, self.origin)
        except SpecError as error:
            for problem in error.problems:
                self.add_error("text", problem)
            return
        if isinstance(spec, self.kind):
            self.spec = spec
        else:
            self.add_error("text", f"这不是{self.origin}：{self.origin}应有 {self.main_key}")
