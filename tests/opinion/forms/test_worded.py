"""Every error of every form names its field and what to do, in words of our own."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from pathlib import Path

import pytest
from django import forms
from django.contrib.auth.forms import AuthenticationForm

import notifications
import opinion
from opinion.forms import form_for
from tests.factories.events import Events
from workflows.registry import FORMS
from workflows.worded import WordedForm, word

PRODUCT = ("opinion.", "notifications.", "config.", "workflows.")


def below(cls: type[forms.Form]) -> Iterator[type[forms.Form]]:
    for each in cls.__subclasses__():
        yield each
        yield from below(each)


def product_forms() -> list[type[forms.Form]]:
    for package in (opinion, notifications):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if Path(found.module_finder.path).name in {"forms", "views", package.__name__}:
                import_module(found.name)
    return [cls for cls in below(forms.Form) if cls.__module__.startswith(PRODUCT)]


def test_every_form_of_the_product_is_worded():
    found = [cls for cls in product_forms() if not issubclass(cls, AuthenticationForm)]
    assert len(found) > 70
    assert set(FORMS.values()) <= set(found)
    assert [cls for cls in found if not issubclass(cls, WordedForm)] == []


def unworded(field: forms.Field) -> list[str]:
    """Codes of errors of a field that say nothing of it."""
    word(field)
    said = dict(field.error_messages)
    for validator in field.validators:
        said.setdefault(validator.code, getattr(validator, "message", ""))
    if not field.required:
        said.pop("required", None)
    return [code for code, text in said.items() if f"“{field.label}”" not in str(text)]


def test_every_error_of_every_field_names_it():
    found = {
        f"{cls.__name__}.{name}: {code}"
        for cls in product_forms()
        if issubclass(cls, WordedForm)
        for name, field in cls.base_fields.items()
        for code in unworded(deepcopy(field))
    }
    assert sorted(found) == []


@pytest.mark.parametrize("said", ["2026-02-30", "二月三十", "2026-13-01"])
def test_a_day_that_does_not_exist_is_named_with_its_field(county, at, said):
    wrong = "请按 2026-11-24 的样子填写，并核对有没有这一天"
    case = county.walk("handling", at)
    visit = form_for("record_visit", {"follow_up_on": said}, case=case, user=county.handler, at=at)
    assert visit.errors["follow_up_on"] == [f"“约定跟进日期”{wrong}"]
    event = Events(county).walk("lessons_drawn", at)
    task = form_for("set_task", {"due_on": said}, case=event, user=county.reviewer, at=at)
    assert task.errors["due_on"] == [f"“完成期限”{wrong}"]


def test_what_a_field_says_for_itself_stays():
    class Own(WordedForm):
        amount = forms.IntegerField(label="延长", error_messages={"invalid": "“延长”请填写天数，例如 3"})

    assert Own({"amount": "三"}).errors == {"amount": ["“延长”请填写天数，例如 3"]}
    assert Own({}).errors == {"amount": ["请填写“延长”"]}


@pytest.mark.parametrize("name", ["list_claims", "comment", "request_extension"])
def test_no_browser_cuts_what_is_pasted(county, at, name):
    """The form says how much too long it is; `maxlength` would drop the end without a word."""
    form = form_for(name, None, case=county.walk("handling", at), user=county.handler, at=at)
    assert "maxlength" not in form.as_p()
