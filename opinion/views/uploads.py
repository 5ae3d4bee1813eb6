"""Forms of the import and export pages: what file from where, which column is what, what to take out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from opinion.codes import choices
from opinion.exports.request import FORMATS, WHAT, ExportRequest
from opinion.forms.base import day
from opinion.intake.fields import FIELDS, REQUIRED
from opinion.intake.headers import HeaderMapping
from workflows.models import Definition, Unit, User
from workflows.published import lifecycle
from workflows.worded import WordedForm

UNREAD = ""
CLOCKS = [("registered", "登记之时（今天）"), ("received", "留言之时（补录历史留言用）")]


class UploadForm(WordedForm):
    """A file of messages and where they come from."""

    file = forms.FileField(
        label="表格文件",
        help_text="xlsx、xls 或 csv，首行或前几行内有表头。文件仅用于本次导入，30 天后删除。",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.xls,.csv"}),
    )
    source = forms.ChoiceField(label="来源")
    desk = forms.ModelChoiceField(Unit.objects.none(), label="受理台", empty_label=None)
    clocks = forms.ChoiceField(
        label="时限起算", choices=CLOCKS, initial="registered", widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, desks: Sequence[Unit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source, desk = self.fields["source"], self.fields["desk"]
        assert isinstance(source, forms.ChoiceField)
        assert isinstance(desk, forms.ModelChoiceField)
        source.choices = [("", "请选择"), *choices("source")]
        desk.queryset = Unit.objects.filter(pk__in=[unit.pk for unit in desks])
        if len(desks) == 1:
            desk.initial = desks[0].pk


class ColumnsForm(WordedForm):
    """For each thing a message can tell, the column it is read from."""

    def __init__(self, data: Any, *, mapping: HeaderMapping, guessed: HeaderMapping) -> None:
        """mapping: what is in force; guessed: what the headings alone say."""
        super().__init__(data)
        self.guessed = guessed
        columns = [
            (str(index), heading or f"（第 {index + 1} 列，无表头）")
            for index, heading in enumerate(mapping.headers)
        ]
        for field in FIELDS:
            column = mapping.columns.get(field.name)
            self.fields[field.name] = forms.ChoiceField(
                label=field.label + ("（必需）" if field.name in REQUIRED else ""),
                choices=[(UNREAD, "不读取"), *columns],
                required=False,
                initial=UNREAD if column is None else str(column),
            )

    def overrides(self) -> dict[str, str | int]:
        """Only what differs from the headings' own meaning: repeated columns are then still compared."""
        said: dict[str, str | int] = {}
        for name, text in self.cleaned_data.items():
            column = int(text) if text else None
            if column != self.guessed.columns.get(name):
                said[name] = UNREAD if column is None else column
        return said


class ExportForm(WordedForm):
    """What to take out: see `ExportRequest`."""

    what = forms.ChoiceField(
        label="导出内容", choices=list(WHAT.items()), widget=forms.RadioSelect, initial="cases"
    )
    format = forms.ChoiceField(
        label="格式", choices=list(FORMATS.items()), widget=forms.RadioSelect, initial="xlsx"
    )
    since = day("自")
    until = day("至（含当日）", help_text="案件按登记日期，办理日志按发生日期。")
    unit = forms.ModelChoiceField(
        Unit.objects.none(), label="单位（含下级）", required=False, empty_label="全部", to_field_name="code"
    )
    states = forms.MultipleChoiceField(
        label="状态", required=False, help_text="不选即全部；按住 Ctrl 可多选。"
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unit, states = self.fields["unit"], self.fields["states"]
        assert isinstance(unit, forms.ModelChoiceField)
        assert isinstance(states, forms.MultipleChoiceField)
        unit.queryset = Unit.objects.filter(pk__in=user.standing.sees)
        newest = Definition.objects.newest().values_list("pk", flat=True)
        states.choices = list({n: s.label for pk in newest for n, s in lifecycle(pk).states.items()}.items())

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("since") and said.get("until") and said["since"] > said["until"]:
            self.add_error("until", "截止日期早于起始日期，请更正")
        return said

    def asked(self) -> ExportRequest:
        """The request; the form is valid."""
        said = self.cleaned_data
        return ExportRequest(
            what=said["what"], format=said["format"], since=said["since"], until=said["until"],
            unit=said["unit"].code if said["unit"] else "", states=tuple(said["states"]),
        )  # fmt: skip
