"""The choice of a public answer, offered only where there can be one."""

from __future__ import annotations

from typing import Any

from django import forms

from opinion.forms.base import PlainForm


def public_answer(help_text: str) -> forms.BooleanField:
    """The field for the choice."""
    return forms.BooleanField(label="公开答复", required=False, help_text=help_text)


class PublicChoice(PlainForm):
    """A form with the field `public`, and perhaps `public_text`.

    why_private: why neither is offered; empty where they are. Chosen all the same, on a page opened earlier, it is refused
    with that reason, so that nobody takes for published what is not.
    """

    why_private = ""

    def offer_public(self, why_not: str) -> None:
        self.why_private = why_not
        if why_not:
            for name in {"public", "public_text"} & set(self.fields):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if self.why_private:
            said["public"] = False
            if self.data.get("public") or str(self.data.get("public_text") or "").strip():
                self.add_error(None, self.why_private)
        return said
