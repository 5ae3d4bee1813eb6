"""The form in which an administrator writes a document, and what binds publishing it to the preview that was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.signing import BadSignature, Signer
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from workflows.chain import text_digest
from workflows.digits import digits
from workflows.documents import Document, SpecError
from workflows.models.definition import PublishedDocument
from workflows.publishing import check
from workflows.worded import WordedForm

TEXT_MAX = 500_000
S = TypeVar("S", bound=Document)
V = TypeVar("V", bound=PublishedDocument)


def taken_up(published: QuerySet[V], request: HttpRequest) -> V | None:
    """The published version that `?version=` names: to look at it, to change it or to go back to it."""
    wanted = digits(request.GET.get("version", ""))
    return None if wanted is None else published.filter(pk=wanted).first()


def text_of(model: type[PublishedDocument], request: HttpRequest) -> dict[str, str]:
    """The form to begin with: the text of the version taken up."""
    found = taken_up(model._default_manager.all(), request)
    return {"text": found.source} if found else {}


def versions_of(published: QuerySet[V], running: QuerySet[Any], by: str) -> list[tuple[V, int]]:
    """Newest first, each with how many of `running` go by it; by: their field that names the version."""
    counts = dict(running.values_list(by).annotate(Count("id")).order_by())
    found = published.select_related("published_by").defer("source").order_by("code", "-version")
    return [(version, counts.get(version.pk, 0)) for version in found]


@dataclass(frozen=True)
class Sight:
    """What a preview showed, and whether an order to publish follows it.

    seal: what the preview's form carries. granted: publishing was asked for, by whoever was shown just this.
    objection: why publishing, asked for, has to wait for another look.
    """

    seal: str
    granted: bool
    objection: str


def sight(request: HttpRequest, text: str, newest: PublishedDocument | None) -> Sight:
    """newest: the version in force that the preview compares the text with; another one needs another look."""
    signer = Signer(salt=f"preview {request.path} {request.user.pk}")
    # A text area comes back with other line ends than it was given.
    digest = text_digest(text.replace("\r\n", "\n").replace("\r", "\n"))
    version = str(newest.pk) if newest else "-"
    objection = ""
    if asked := "publish" in request.POST or "apply" in request.POST:
        try:
            shown_version, _, shown_digest = signer.unsign(request.POST.get("seen", "")).partition(" ")
        except BadSignature:
            shown_version = shown_digest = ""
        if shown_digest != digest:
            objection = "内容在预览后改过（或未经预览），已重新预览，请核对后再发布"
        elif shown_version != version:
            objection = _overtaken(newest, request)
    return Sight(signer.sign(f"{version} {digest}"), asked and not objection, objection)


def _overtaken(newest: PublishedDocument | None, request: HttpRequest) -> str:
    """By whom, since the preview: mostly by a second click of one's own."""
    if newest is not None and newest.published_by_id == request.user.pk:
        return f"您在这次预览后已发布第 {newest.version} 版，已与它重新比较；没有别的改动就不必再发布"
    return "预览后又发布了新版本，已重新预览，请核对后再发布"


def shown_document(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page; 422 where what was asked for was not done."""
    refused = context["form"].errors or ("seen" in context and context["seen"].objection)
    return render(request, template, context, status=422 if refused else 200)


class DocumentForm(WordedForm, Generic[S]):
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
