"""Agreeing to what was asked for; what that is, the page says above the form (`opinion.deciding`)."""

from __future__ import annotations

from opinion.forms.base import RemarkForm
from workflows.registry import form


@form("sign_decline")
@form("sign_closing")
@form("sign_private")
@form("sign_suspension")
@form("sign_order")
@form("sign_silence")
@form("sign_final")
class SignForm(RemarkForm):
    """An optional word of whoever agrees."""
