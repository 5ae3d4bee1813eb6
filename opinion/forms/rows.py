"""A field of several like entries, one a row: how many of each, or which code for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms


class RowsWidget(forms.Widget):
    """rows: key → label. Each row is an entry of its own named after the field and its key, such as `present_person`.
    folded: words on what hides the rows until some are filled in or asked for; empty: they are not hidden."""

    template_name = "opinion/widgets/rows.html"
    use_fieldset = True

    def __init__(self, entry: forms.Widget, *, folded: str = "") -> None:
        super().__init__()
        self.entry, self.folded = entry, folded
        self.rows: Sequence[tuple[str, str]] = ()

    def id_for_label(self, id_: str | None) -> str:
        return ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        given = value if isinstance(value, Mapping) else {}
        context["widget"] |= {"folded": self.folded, "open": bool(given)}
        context["widget"]["rows"] = [
            {
                "label": label,
                "id": f"id_{name}_{key}",
                "entry": self.entry.render(
                    f"{name}_{key}", given.get(key), {"id": f"id_{name}_{key}"}, renderer=None
                ),
            }
            for key, label in self.rows
        ]
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> dict[str, Any]:
        found = {key: self.entry.value_from_datadict(data, files, f"{name}_{key}") for key, _ in self.rows}
        return {key: value for key, value in found.items() if value not in (None, "")}

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return not self.value_from_datadict(data, files, name)


class RowsField(forms.Field):
    """Cleaned: key → value of the rows that were filled in. None of them has to be."""

    widget: RowsWidget

    def __init__(self, entry: forms.Field, *, label: str, help_text: str = "", folded: str = "") -> None:
        entry.required = False
        entry_widget = entry.widget if isinstance(entry.widget, forms.Widget) else entry.widget()
        super().__init__(
            label=label, help_text=help_text, required=False, widget=RowsWidget(entry_widget, folded=folded)
        )
        self.entry = entry

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        self.widget.rows = rows

    def clean(self, value: Any) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        problems = []
        for key, label in self.widget.rows:
            try:
                entry = self.entry.clean((value or {}).get(key))
            except forms.ValidationError as error:
                problems += [f"“{label}”{said}" for said in error.messages]
                continue
            if entry not in (None, ""):
                cleaned[key] = entry
        if problems:
            raise forms.ValidationError(problems)
        return cleaned
