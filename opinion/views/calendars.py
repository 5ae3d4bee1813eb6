"""工作日历: what is published and how far, the next year read from a notice, and what it would move before it does."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from opinion.access import may_keep_calendars
from opinion.recasts import record
from opinion.views.documents import shown_document, sight
from opinion.views.pages import user_of
from opinion.views.recasts import begun, shown
from workflows.calendar_warnings import calendar_warnings
from workflows.calendars import CalendarError
from workflows.calendars.notices import WEEKDAYS, Notice
from workflows.calendars.reading import Understood, read
from workflows.models import CalendarVersion, User
from workflows.publishing import publish
from workflows.redating import preview
from workflows.worded import WordedForm
from workflows.wording import clock_labels

TEXT_MAX = 200_000


class CalendarForm(WordedForm):
    """Which calendar, and the text of the notice, the JSON, the ICS or the whole document."""

    code = forms.ChoiceField(label="日历")
    text = forms.CharField(
        label="放假安排",
        max_length=TEXT_MAX,
        help_text="粘贴国务院办公厅通知全文（含标题），或 JSON、ICS、整份 YAML 的内容。",
        widget=forms.Textarea(attrs={"rows": 12}),
    )

    def __init__(self, *args: Any, versions: list[CalendarVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = self.fields["code"]
        assert isinstance(code, forms.ChoiceField)
        code.choices = [(version.code, version.label) for version in versions]
        self.newest = {version.code: version for version in versions}
        self.understood: Understood | None = None

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if "code" in said and "text" in said:
            newest = self.newest[said["code"]].parsed
            try:
                self.understood = read(said["text"], newest, origin=newest.label)
            except CalendarError as error:
                for problem in error.problems:
                    self.add_error("text", problem)
            else:
                if self.understood.spec.code != newest.code:
                    self.add_error("text", f"这是日历“{self.understood.spec.code}”的内容，请改选日历")
        return said


@require_http_methods(["GET", "HEAD", "POST"])
def calendars(request: HttpRequest) -> HttpResponse:
    """A first POST shows what was understood and what would move; one that says `publish` does just that."""
    user = user_of(request)
    if not may_keep_calendars(user):
        raise PermissionDenied
    at = timezone.now()
    versions = list(CalendarVersion.objects.newest().order_by("code"))
    form = CalendarForm(request.POST if request.method == "POST" else None, versions=versions)
    context: dict[str, Any] = {"form": form, "versions": versions, "warnings": calendar_warnings(at)}
    if request.method == "POST" and form.is_valid():
        assert form.understood is not None
        code = form.cleaned_data["code"]
        seen = sight(request, f"{code}\n{form.cleaned_data['text']}", form.newest[code])
        if seen.granted:
            return _publish(request, form.understood, user)
        notice = form.understood.notice
        context |= {
            "previewed": True,
            "seen": seen,
            "understood": form.understood,
            "days": _days(notice) if notice else [],
            "foreseen": preview(form.understood.spec, at=at).in_words(clock_labels()),
        }
    context["recasts"] = shown(CalendarVersion)
    return shown_document(request, "opinion/calendars.html", context)


def _days(notice: Notice) -> list[tuple[str, str, str]]:
    """Date with weekday, 放假 or 补班, and the holiday's name; in order."""
    named = [(day, "放假", name) for day, name in notice.off.items()]
    named += [(day, "补班", name) for day, name in notice.on.items()]
    return [(f"{day} 周{WEEKDAYS[day.weekday()]}", word, name) for day, word, name in sorted(named)]


def _publish(request: HttpRequest, understood: Understood, by: User) -> HttpResponse:
    at = timezone.now()
    text = json.dumps(understood.document, ensure_ascii=False, indent=1)
    with transaction.atomic():
        published = publish(text, understood.spec.code, by=by, at=at, source=understood.text)
        version = CalendarVersion.objects.get(pk=published.document.pk)
        job = record(version, by=by, at=at)
    said = f"已发布“{version.label}”第 {version.version} 版" if published.fresh else "日历内容未变"
    return begun(request, said, job, at=at)
