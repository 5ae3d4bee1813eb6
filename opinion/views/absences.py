"""外出代审: who signs in one's place for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from opinion.forms.base import PlainForm, moment
from opinion.views.pages import user_of
from workflows.models import Absence, Membership, User
from workflows.models.unit import ancestor_ids
from workflows.registry import ROLES

SHOWN = 20


class AbsenceForm(PlainForm):
    """From when, until when, and who signs meanwhile."""

    deputy = forms.TypedChoiceField(
        label="代审人",
        coerce=int,
        help_text="本单位或上级单位的同事；对方须有权看到案件，否则仍依次请别的审批人",
    )
    starts_at = moment("开始")
    ends_at = moment("结束", required=False, help_text="不填则到您停止为止")

    def prepare(self) -> None:
        self.offer("deputy", [(user.pk, str(user)) for user in _colleagues(self.by)])
        if self.at is not None:
            self.initial.setdefault("starts_at", timezone.localtime(self.at))

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("starts_at") and said.get("ends_at") and said["ends_at"] <= said["starts_at"]:
            self.add_error("ends_at", "“结束”应晚于“开始”，请改正")
        if self.at is not None and said.get("ends_at") and said["ends_at"] <= self.at:
            self.add_error("ends_at", "“结束”已经过去，请改为将来的时间")
        if not self.errors:
            # The minute written is already running; what was asked for in it, or stopped, stays as it was.
            begins = max(said["starts_at"], self.at) if self.at is not None else said["starts_at"]
            self.absence = Absence(
                user=self.by, deputy_id=said["deputy"], starts_at=begins, ends_at=said["ends_at"]
            )
            try:
                self.absence.clean()
            except ValidationError as error:
                self.add_error(None, error)
        return said


def _colleagues(user: User) -> list[User]:
    """People of the own offices and those above, who see cases."""
    own = user.standing.units
    seeing = [name for name, role in ROLES.items() if role.sees != "nothing"]
    rows = Membership.objects.filter(unit__in=own | ancestor_ids(own), role__in=seeing)
    found = User.objects.filter(pk__in=rows.values("user"), is_active=True).exclude(pk=user.pk)
    return list(found.order_by("display_name", "username"))


@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: HttpRequest) -> HttpResponse:
    """Own stretches, the newest first, those signed for, and a form for another."""
    user, at = user_of(request), timezone.now()
    form = AbsenceForm(request.POST if request.method == "POST" else None, by=user, at=at)
    if request.method == "POST" and _stored(form, user):
        messages.success(request, f"已设置：由 {form.absence.deputy} 代您审批；已送到您这里的审批不变")
        return redirect("absences")
    context = {
        "form": form,
        "own": [
            (row, _state(row, at))
            for row in Absence.objects.filter(user=user).select_related("deputy")[:SHOWN]
        ],
        "for_others": Absence.objects.at(at).filter(deputy=user).select_related("user"),
    }
    return render(request, "opinion/absences.html", context, status=422 if form.errors else 200)


def _stored(form: AbsenceForm, user: User) -> bool:
    """Under a lock of the person's row, so that of two clicks the second finds what the first wrote."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if form.is_valid():
            form.absence.save()
            return True
        return False


@require_POST
def absence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Back again: a stretch that has begun ends now, one that has not never begins."""
    at = timezone.now()
    row = Absence.objects.filter(pk=pk, user=user_of(request)).first()
    if row is None:
        raise Http404("没有这条设置")
    if row.starts_at >= at:
        row.delete()
    elif row.ends_at is None or row.ends_at > at:
        row.ends_at = at
        row.save(update_fields=["ends_at"])
    messages.success(request, "已停止，此后送审的由您自己审批")
    return redirect("absences")


def _state(row: Absence, at: datetime) -> str:
    if row.starts_at > at:
        return "未开始"
    return "已结束" if row.ends_at is not None and row.ends_at <= at else "代审中"
