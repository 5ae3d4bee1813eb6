"""时限规则: what is published, a new version checked and compared, and what moving running cases to it would do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from opinion.access import may_keep_policies
from opinion.views.pages import user_of
from workflows.calendars import NoWorkingTime
from workflows.differences import policy_differences
from workflows.documents import SpecError
from workflows.models import Case, PolicyVersion, User
from workflows.policy import PolicySpec
from workflows.publishing import check, publish
from workflows.repolicing import move, preview
from workflows.wording import clock_labels

TEXT_MAX = 500_000
ORIGIN = "时限规则"


class PolicyForm(forms.Form):
    """The document, as a file or as text; the text of a file goes on in the text, so that nothing is chosen twice."""

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
        self.spec: PolicySpec | None = None

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
            self.add_error("file", f"文件超过 {TEXT_MAX // 1000} KB，不像是时限规则")
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
            spec = check(text, ORIGIN)
        except SpecError as error:
            for problem in error.problems:
                self.add_error("text", problem)
            return
        if isinstance(spec, PolicySpec):
            self.spec = spec
        else:
            self.add_error("text", "这不是时限规则：时限规则应有 rules")


@require_http_methods(["GET", "HEAD", "POST"])
def policies(request: HttpRequest) -> HttpResponse:
    """A first POST shows what would change; `publish` stores the version, `apply` also moves running cases to it.

    `?version=` puts the text of a published version into the form: to change it, or to go back to it.
    """
    user = user_of(request)
    if not may_keep_policies(user):
        raise PermissionDenied
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = PolicyForm(*sent, initial=_initial(request))
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        assert form.spec is not None
        try:
            if "publish" in request.POST or "apply" in request.POST:
                messages.success(
                    request, _store(form.cleaned_data["text"], user, moving="apply" in request.POST)
                )
                return redirect("policies")
            context |= _foreseen(form.spec)
        except NoWorkingTime as error:
            form.add_error("text", str(error))
    return render(
        request,
        "opinion/policies.html",
        context | {"versions": _versions()},
        status=422 if form.errors else 200,
    )


def _initial(request: HttpRequest) -> dict[str, str]:
    wanted = request.GET.get("version", "")
    found = (
        PolicyVersion.objects.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 10 else None
    )
    return {"text": found.source} if found else {}


def _versions() -> list[tuple[PolicyVersion, int]]:
    """Newest first, each with the number of open cases that run under it."""
    running = dict(Case.objects.open().values_list("policy").annotate(Count("id")).order_by())
    found = PolicyVersion.objects.select_related("published_by").defer("source").order_by("code", "-version")
    return [(version, running.get(version.pk, 0)) for version in found]


def _foreseen(spec: PolicySpec) -> dict[str, Any]:
    newest = PolicyVersion.objects.filter(code=spec.code).order_by("-version").first()
    foreseen, unfit = preview(spec, at=timezone.now())
    return {
        "foreseen": foreseen.in_words(clock_labels()),
        "unfit": list(unfit.items())[:20],
        "unfit_count": len(unfit),
        "differences": policy_differences(newest.parsed, spec) if newest else [],
        "newest": newest,
        "spec": spec,
    }


def _store(text: str, by: User, *, moving: bool) -> str:
    at = timezone.now()
    published = publish(text, ORIGIN, by=by, at=at)
    version = PolicyVersion.objects.get(pk=published.document.pk)
    said = f"已发布“{version.label}”第 {version.version} 版" if published.fresh else "规则内容未变"
    if not moving:
        return f"{said}，在办案件仍按原版本"
    done, unfit = move(version, by=by, at=at)
    stayed = f"，{len(unfit)} 件留在原版本" if unfit else ""
    return f"{said}，{done.cases} 件案件已换过去，{done.clocks} 个时限改变{stayed}"
