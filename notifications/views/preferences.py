"""通知设置: how this person wants to be told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from notifications.channels import CHANNELS
from notifications.models import Preference
from notifications.registry import LABELS
from notifications.views.inbox import user_of
from workflows.models import User
from workflows.worded import WordedForm

TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class PreferenceForm(WordedForm):
    """Channels by urgency, the digest, and the hours of rest."""

    wanted = forms.MultipleChoiceField(
        label="接收方式", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="站内信始终接收。",
    )  # fmt: skip
    digest = forms.ChoiceField(
        label="一般通知", choices=Preference.Digest.choices, widget=forms.RadioSelect,
        help_text="汇总为一封邮件发送；及时和紧急的通知不受影响。",
    )  # fmt: skip
    quiet_from = forms.TimeField(label="免打扰开始", widget=TIME)
    quiet_until = forms.TimeField(
        label="免打扰结束", widget=TIME,
        help_text="期间的通知延到结束时发送，一条不少；紧急的照发。开始与结束相同即不设免打扰。",
    )  # fmt: skip
    rests_on_days_off = forms.BooleanField(
        label="休息日免打扰", required=False, help_text="按工作日历（含节假日与调休）延到下一个工作日。"
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        wanted = self.fields["wanted"]
        assert isinstance(wanted, forms.MultipleChoiceField)
        wanted.choices = list(_choices(user).items())
        if not wanted.choices:
            wanted.help_text = (
                "站内信始终接收。您没有登记邮箱，或本系统没有设置邮件服务器，暂不能用邮件接收。"
            )

    def save(self) -> None:
        said = dict(self.cleaned_data)
        # What could not be chosen today stays as it was.
        offered = set(_choices(self.user))
        kept = set(_preference(self.user).muted) - offered
        said["muted"] = sorted(kept | offered - set(said.pop("wanted")))
        Preference.objects.update_or_create(user=self.user, defaults=said)


def _choices(user: User) -> dict[str, str]:
    """`channel:urgency` → label, for every channel that reaches this person and can be turned off."""
    return {
        f"{name}:{int(urgency)}": f"{channel.label}：{label}通知"
        for name, channel in CHANNELS.items()
        if not channel.is_row and channel.reaches(user)
        for urgency, label in LABELS.items()
    }


def _preference(user: User) -> Preference:
    return Preference.objects.of_all([user])[user.pk]


@require_http_methods(["GET", "HEAD", "POST"])
def notice_settings(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if request.method == "POST":
        form = PreferenceForm(request.POST, user=user)
        if form.is_valid():
            form.save()
            messages.success(request, "通知设置已保存")
            return redirect("notice_settings")
    else:
        now = _preference(user)
        initial = {
            "wanted": [name for name in _choices(user) if name not in now.muted],
            "digest": now.digest,
            "quiet_from": now.quiet_from,
            "quiet_until": now.quiet_until,
            "rests_on_days_off": now.rests_on_days_off,
        }
        form = PreferenceForm(initial=initial, user=user)
    return render(request, "notifications/settings.html", {"form": form, "address": user.email})
