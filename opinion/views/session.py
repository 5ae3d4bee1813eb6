"""Coming in and going out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView


class LoginForm(AuthenticationForm):
    """Username and password. One sentence for every failure: it tells nobody which names exist."""

    error_messages = {
        "invalid_login": "用户名或密码不正确，请重新输入。密码区分大小写。",
        "inactive": "用户名或密码不正确，请重新输入。密码区分大小写。",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "用户名"
        self.fields["username"].error_messages["required"] = "请填写用户名"
        password = self.fields["password"]
        password.label = "密码"
        password.error_messages["required"] = "请填写密码"
        password.widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})


class Login(LoginView):
    """The door. Whoever is in already goes straight to the work."""

    template_name = "opinion/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True


class Logout(LogoutView):
    """By POST only, so that no foreign page can throw people out."""
