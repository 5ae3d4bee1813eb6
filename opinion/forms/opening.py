"""Forms that open a case by hand, named by the `opening` of a lifecycle.

Each takes `(data, kind=code, by=user, at=now)`; once valid, `draft()` is what the engine opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.db import models

from opinion.access import desks_held
from opinion.barring import unbarrable_units
from opinion.contacts.masking import blank_numbers
from opinion.forms.base import (
    PlainForm,
    handling_units,
    line,
    many_units,
    moment,
    offer_codes,
    one_unit,
    prose,
)
from opinion.models import OpinionCase
from workflows import rows
from workflows.engine import Draft
from workflows.models import Case
from workflows.registry import form

# Found longer ago than this, an event is registered only by whoever says that this is no slip.
LONG_AGO = timedelta(days=7)
# An address or an account leads to a person; the event and the kind of place are enough.
ADDRESS = re.compile(r"https?://|www\.|@\w", re.IGNORECASE)


def refuse_addresses(form: forms.Form, *names: str) -> None:
    """Free text about an event names no post and no account."""
    for name in names:
        if ADDRESS.search(form.cleaned_data.get(name) or ""):
            form.add_error(name, f"“{form.fields[name].label}”写事件，不写网址、账号和发布人，请删去")


class OpeningForm(PlainForm):
    """The desk that opens the case; every form of this sort begins with it."""

    desk = one_unit("受理台")

    def __init__(self, data: Any = None, *, kind: str, **options: Any) -> None:
        self.kind = kind
        super().__init__(data, **options)

    def prepare(self) -> None:
        desks = desks_held(self.by, self.kind)
        self.offer("desk", [(desk.pk, desk.name) for desk in desks])
        if len(desks) == 1:
            self.initial.setdefault("desk", desks[0].pk)

    def draft(self) -> Draft:
        """What is to be opened, of a valid form."""
        raise NotImplementedError


@form("opinion_case")
class OpinionCaseForm(OpeningForm):
    """An event the public talks about: what happened, where and when first seen, what people ask."""

    title = line("事件", required=True, help_text="一句话写事，不写人名、账号、网址")
    found_at = moment("发现时间", help_text="首次发现的时间；各项小时时限自此起算")
    found_long_ago = forms.BooleanField(label="发现时间无误", required=False, widget=forms.HiddenInput)
    place = line("发生地点")
    channels = forms.MultipleChoiceField(
        label="出现渠道", help_text="渠道类别，不记发布人和传播人", widget=forms.CheckboxSelectMultiple
    )
    domain = forms.ChoiceField(label="领域", required=False)
    summary = prose("事件概况", help_text="已知的时间、地点、经过和影响；对事不对人", rows=5)
    questions = prose("公众关切", required=False, rows=3, help_text="公众在问什么，一行一项")
    agencies = line("涉及单位", help_text="写单位名称")
    restricted = forms.BooleanField(
        label="限制知悉", required=False, help_text="反映公职人员问题的应限制知悉：只有专办员和主办单位可见"
    )
    barred = many_units("被反映单位", help_text="该单位及其下级看不到本案")

    def prepare(self) -> None:
        super().prepare()
        offer_codes(self, "channels", "channel")
        offer_codes(self, "domain", "domain")
        desks = desks_held(self.by, self.kind)
        units = {unit: label for desk in desks for unit, label in handling_units(desk, at=None)}
        self.offer("barred", list(units.items()))

    def clean_found_at(self) -> Any:
        found_at = self.cleaned_data["found_at"]
        if self.at is not None and found_at > self.at:
            raise forms.ValidationError("“发现时间”晚于现在，请填写实际发现的时间")
        return found_at

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        refuse_addresses(self, "title", "place", "summary", "questions", "agencies")
        if said.get("desk") and set(said.get("barred", ())) & unbarrable_units(said["desk"]):
            self.add_error("barred", "“被反映单位”是受理台或其上级，请转上级受理")
        self._confirm_long_ago()
        return said

    def _confirm_long_ago(self) -> None:
        """A mistyped year would have every deadline over and everybody told at once: said, and done all the same if meant."""
        found_at = self.cleaned_data.get("found_at")
        if found_at is None or self.at is None or self.cleaned_data.get("found_long_ago"):
            return
        ago = self.at - found_at
        if ago > LONG_AGO:
            self.fields["found_long_ago"].widget = forms.CheckboxInput()
            self.add_error(
                "found_long_ago",
                f"“发现时间”在 {ago.days} 天前，各项时限多已过期，登记后立即逐级告知：无误请勾选后再提交，有误请更正“发现时间”",
            )

    def draft(self) -> Draft:
        said, title = self.cleaned_data, blank_numbers(self.cleaned_data["title"])
        assert self.at is not None, "the page passes the moment"

        def beside(case: Case) -> Iterable[models.Model]:
            given = {name: said[name] for name in ("place", "found_at", "channels", "domain", "agencies")}
            texts = {name: blank_numbers(said[name]) for name in ("summary", "questions")}
            yield rows.make(OpinionCase, case_id=case.pk, title=title, **given, **texts)

        return Draft(
            title=title, desk_id=said["desk"], at=self.at, counts_from=said["found_at"], barred=said["barred"],
            restricted=bool(said["restricted"] or said["barred"]), rows=beside,
            logged={"barred": said["barred"]} if said["barred"] else {},
        )  # fmt: skip
