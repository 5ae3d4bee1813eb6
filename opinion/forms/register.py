"""Registering a message by hand."""

from __future__ import annotations

import logging
from typing import Any

from django import forms

from opinion.barring import unbarrable_units
from opinion.codes import REPORT, choices
from opinion.contacts.book import NOBODY, Person
from opinion.contacts.sealing import SealBroken
from opinion.forms.base import (
    PlainForm,
    code,
    handling_units,
    line,
    many_units,
    moment,
    offer_codes,
    one_unit,
    prose,
)
from opinion.intake.phones import normalise_phone
from opinion.models import Message
from opinion.sequels import complained_about, has_contact, person_of
from workflows.models import Case, Unit

logger = logging.getLogger(__name__)

BODY_MAX = 20000
UNOPENED = "原案件的联系方式打不开，不能沿用：请取消勾选后重新填写，或请系统管理员检查密钥"
REGISTRARS = ("desk_clerk", "dispatcher", "confidential_officer")
PERSON_FIELDS = ("name", "phone", "address", "email")
CLASSES = ("source", "type", "domain", "urgency", "complexity")
MESSAGE_FIELDS = (
    "source", "external_number", "received_at", "subject", "body", "type", "domain", "urgency", "complexity", "place",
    "asked_confidential",
)  # fmt: skip


class RegisterForm(PlainForm):
    """A message, who wrote it, and whether it names an official.

    Afterwards `arguments` is what `registering.register` takes.
    """

    desk = one_unit("受理台")
    source = code("来源")
    external_number = line("来源编号", help_text="来源平台上的编号，没有可不填", most=100)
    received_at = moment("留言时间", required=False, help_text="来源平台上的时间，不清楚可不填")
    subject = line("主题", required=True, help_text="写事不写人，不写姓名、电话")
    body = prose("内容", most=BODY_MAX, rows=10)
    type = code("类型", required=False)
    domain = code("领域", required=False)
    urgency = code("紧急程度", required=False)
    complexity = code("复杂程度", required=False)
    place = line("事发地点")
    asked_confidential = forms.BooleanField(label="要求保密", required=False)
    name = line("姓名", most=60)
    phone = line("电话", most=40)
    address = line("地址")
    email = line("电子邮箱", most=100)
    restricted = forms.ChoiceField(
        label="限制知悉",
        required=False,
        choices=[("", "按类型：举报件限制知悉"), ("yes", "限制知悉"), ("no", "不限制")],
        help_text="反映公职人员问题的应限制知悉：只有专办员和办理单位可见，被反映单位看不到",
    )
    barred = many_units("被反映单位", help_text="该单位及其下级看不到本案")
    same_person = forms.BooleanField(
        label="同一留言人，沿用原案件的联系方式",
        required=False,
        help_text="系统直接转存，不显示；下面各栏不必再填",
    )

    def __init__(self, *args: Any, sequel_to: Case | None = None, **options: Any) -> None:
        self.sequel_to, self._same = sequel_to, NOBODY
        super().__init__(*args, **options)

    def prepare(self) -> None:
        if self.sequel_to is None or not has_contact(self.sequel_to):
            del self.fields["same_person"]
        if self.sequel_to is not None:
            self._take_from(self.sequel_to)
        roles = self.by.standing.roles
        desks = Unit.objects.filter(
            pk__in={unit for name in REGISTRARS for unit in roles.get(name, ())}, is_desk=True
        )
        self.offer("desk", [(desk.pk, desk.name) for desk in desks])
        if len(desks) == 1:
            self.initial.setdefault("desk", desks[0].pk)
        for name in CLASSES:
            offer_codes(self, name, name)
        units = {unit: label for desk in desks for unit, label in handling_units(desk, at=None)}
        self.offer("barred", list(units.items()))

    def _take_from(self, old: Case) -> None:
        """What the matter is; nothing of who wrote."""
        message = Message.objects.get(case=old)
        taken = {"subject": old.title, "desk": old.desk_id, "type": message.type, "domain": message.domain}
        for name, value in taken.items():
            self.initial.setdefault(name, value)

    def clean_received_at(self) -> Any:
        received_at = self.cleaned_data["received_at"]
        if received_at is not None and self.at is not None and received_at > self.at:
            raise forms.ValidationError("“留言时间”晚于现在，请核对")
        return received_at

    def clean_phone(self) -> str:
        return normalise_phone(self.cleaned_data["phone"]).number if self.cleaned_data["phone"] else ""

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("barred") and said.get("restricted") == "no":
            self.add_error("restricted", "已选被反映单位，“限制知悉”不能选不限制")
        if said.get("desk") and set(said.get("barred", ())) & unbarrable_units(said["desk"]):
            self.add_error("barred", "“被反映单位”是受理台或其上级，请转上级受理")
        if said.get("same_person") and any(said.get(name) for name in PERSON_FIELDS):
            self.add_error(
                "same_person",
                "已选沿用原案件的联系方式，请不要再填姓名、电话、地址、电子邮箱；不是同一人的，请取消勾选",
            )
        if said.get("same_person") and not self.errors.get("same_person"):
            self._bring_along()
        if said.get("source") and said.get("external_number"):
            self._refuse_known(said["source"], said["external_number"])
        return said

    def _bring_along(self) -> None:
        old = self.sequel_to
        assert old is not None
        try:
            self._same = person_of(old)
        except SealBroken:
            logger.exception("contact of case %s cannot be opened", old.pk)
            self.add_error("same_person", UNOPENED)

    def _refuse_known(self, source: str, number: str) -> None:
        known = Message.objects.filter(source=source, external_key=number).first()
        if known is None:
            return
        seen = Case.objects.visible_to(self.by).filter(pk=known.case_id).first()
        label = dict(choices("source")).get(source, source)
        self.add_error(
            "external_number", f"{label}的 {number} 已登记过{f'，见 {seen.number}' if seen else ''}，请核对"
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """What `registering.register` takes: message, person, desk, restricted, barred, and for a sequel its tie.

        Restricted: said so, or a unit is complained about, or it is a report and nobody said otherwise.
        """
        said = self.cleaned_data
        by_type = said["restricted"] == "" and said["type"] == REPORT
        return {
            "message": {name: said[name] for name in MESSAGE_FIELDS},
            "person": Person(*(said[name] for name in PERSON_FIELDS)),
            "desk": said["desk"],
            "restricted": bool(said["restricted"] == "yes" or said["barred"] or by_type),
            "barred": said["barred"],
            **(self._sequel() if self.sequel_to else {}),
        }

    def _sequel(self) -> dict[str, Any]:
        """As closed as the old case, and tied to it."""
        said, old = self.cleaned_data, self.sequel_to
        assert old is not None
        same = bool(said.get("same_person"))
        barred = sorted({*said["barred"], *complained_about(old)})
        found: dict[str, Any] = {"sequel_to": old.pk, "same_person": same, "barred": barred}
        if barred or old.restricted:
            found["restricted"] = True
        if same:
            found["person"] = self._same
        return found
