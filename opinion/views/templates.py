"""答复模板: a list, one to change with a preview, a new one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from opinion import reply_templates as keeping
from opinion.forms.base import PlainForm, line, prose
from opinion.forms.screened import REPLY_MAX
from opinion.models import ReplyTemplate
from opinion.templating import PLACEHOLDERS, preview, problems
from opinion.views.pages import user_of
from workflows.models import User

NAME_MAX = 60


class TemplateForm(PlainForm):
    """scope: asked of a new one only; a template does not move from unit to unit."""

    scope = forms.ChoiceField(label="使用范围")
    name = line("名称", required=True, most=NAME_MAX)
    text = prose("内容", rows=12, most=REPLY_MAX, help_text="可以使用下面列出的占位符")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1, max_value=32767)

    def prepare(self) -> None:
        scopes = keeping.scopes_of(self.by)
        self.offer("scope", scopes)
        if len(scopes) == 1:
            self.initial.setdefault("scope", scopes[0][0])

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if wrong := problems(text):
            raise forms.ValidationError(wrong)
        return text

    def preview(self) -> str:
        """With examples; empty while the text is wrong."""
        text = self.cleaned_data.get("text", "") if self.is_bound else self.initial.get("text", "")
        return preview(text) if text and not problems(text) else ""


@require_safe
def reply_templates(request: HttpRequest) -> HttpResponse:
    user = _keeper(request)
    known = list(keeping.known_to(user))
    mine = set(keeping.editable_by(user).values_list("pk", flat=True))
    context = {
        "groups": keeping.by_scope([each for each in known if each.retired_at is None]),
        "retired": [each for each in known if each.retired_at is not None and each.pk in mine],
        "mine": mine,
    }
    return render(request, "opinion/reply_templates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def reply_template_new(request: HttpRequest) -> HttpResponse:
    user = _keeper(request)
    form = TemplateForm(request.POST if request.method == "POST" else None, by=user)
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        said = form.cleaned_data
        try:
            added = keeping.add(said["scope"], said["name"], said["text"], by=user, at=timezone.now())
        except keeping.NameTaken:
            form.add_error("name", "“名称”已有同名模板，请换一个")
        else:
            messages.success(request, f"已增加模板“{added.name}”")
            return redirect("reply_templates")
    return _page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def reply_template(request: HttpRequest, pk: int) -> HttpResponse:
    """Not this person's: 404. Changed by somebody else meanwhile: 409, with what was typed."""
    user = _keeper(request)
    found = keeping.editable_by(user).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这个模板")
    if request.method != "POST":
        initial = {name: getattr(found, name) for name in ("name", "text", "version")}
        return _page(request, _without_scope(None, user, initial=initial), found)
    form = _without_scope(request.POST, user)
    deed = next((name for name in ("retire", "bring_back", "preview") if name in request.POST), "change")
    if form.is_valid() and deed != "preview":
        try:
            said = _do(deed, found, form, user)
        except keeping.Stale as stale:
            form.add_error(None, str(stale))
            return _page(request, form, found, status=409)
        except keeping.NameTaken:
            form.add_error("name", "“名称”已有同名模板，请换一个")
        else:
            messages.success(request, said)
            return redirect("reply_templates")
    return _page(request, form, found)


def _do(deed: str, found: ReplyTemplate, form: TemplateForm, user: User) -> str:
    """Raises Stale, NameTaken."""
    said, at = form.cleaned_data, timezone.now()
    version = said["version"] or found.version
    if deed == "retire":
        keeping.retire(found, version=version, by=user, at=at)
        return f"模板“{found.name}”已停用，可在本页下方恢复"
    if deed == "bring_back":
        keeping.bring_back(found, version=version, by=user, at=at)
        return f"模板“{found.name}”已恢复使用"
    keeping.change(found, name=said["name"], text=said["text"], version=version, by=user, at=at)
    return f"模板“{found.name}”已保存"


def _without_scope(data: Any, user: User, **options: Any) -> TemplateForm:
    form = TemplateForm(data, by=user, **options)
    del form.fields["scope"]
    return form


def _page(
    request: HttpRequest, form: TemplateForm, found: ReplyTemplate | None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "found": found, "placeholders": PLACEHOLDERS, "preview": form.preview()}
    return render(
        request,
        "opinion/reply_template.html",
        context,
        status=422 if form.errors and status == 200 else status,
    )


def _keeper(request: HttpRequest) -> User:
    user = user_of(request)
    if not keeping.may_keep_templates(user):
        raise PermissionDenied
    return user
