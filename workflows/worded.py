"""Forms whose every error says of which field it is and what to do: Django's own sentences name neither."""

from __future__ import annotations

from typing import Any

from django import forms


class WordedForm(forms.Form):
    """A form of the product. What a field says for itself stays as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # A browser cuts what is pasted at this length, without a word; we say by how much it is too long.
            field.widget.attrs.pop("maxlength", None)

    def full_clean(self) -> None:
        # At the last moment: forms add and change fields while they are made.
        for field in self.fields.values():
            word(field)
        super().full_clean()


def word(field: forms.Field) -> None:
    """Put words of our own where a field still has Django's."""
    plain: dict[str, object] = {}
    for cls in reversed(type(field).__mro__):
        plain |= getattr(cls, "default_error_messages", {})
    for code, said in _words(field).items():
        if field.error_messages.get(code) == plain.get(code):
            field.error_messages[code] = said


def _words(field: forms.Field) -> dict[str, str]:
    """Code of an error → what is wrong with which field, and the way out."""
    label = f"“{field.label}”"
    chosen = isinstance(field, forms.ChoiceField | forms.ModelChoiceField | forms.FileField)
    words = {"required": f"请{'选择' if chosen else '填写'}{label}"}
    match field:
        case forms.FileField():
            words |= {
                "invalid": f"{label}没有传上来，请重新选择文件后提交",
                "missing": f"{label}没有传上来，请重新选择文件后提交",
                "empty": f"{label}文件是空的，请重新选择",
                "max_length": f"{label}文件名不能超过 %(max)d 字，现有 %(length)d 字，请改短后重新选择",
                "contradiction": f"{label}请选择文件或勾选清除，不要同时做",
            }
        case forms.ChoiceField() | forms.ModelChoiceField():
            words |= {
                "invalid_choice": f"{label}没有这一项，请从列表中选择",
                "invalid_list": f"{label}的格式不对，请从列表中选择",
                "invalid_pk_value": f"{label}没有这一项，请从列表中选择",
            }
        case forms.DateTimeField():
            words |= {"invalid": f"{label}请按 2026-11-24 09:30 的样子填写，并核对有没有这一天"}
        case forms.DateField():
            words |= {"invalid": f"{label}请按 2026-11-24 的样子填写，并核对有没有这一天"}
        case forms.TimeField():
            words |= {"invalid": f"{label}请按 21:00 的样子填写"}
        case forms.IntegerField():
            words |= {
                "invalid": f"{label}请填写整数",
                "min_value": f"{label}不能小于 %(limit_value)d，请改正",
                "max_value": f"{label}不能大于 %(limit_value)d，请改正",
            }
        case forms.CharField():
            words |= {
                "max_length": f"{label}不能超过 %(limit_value)d 字，现有 %(show_value)d 字，请删减",
                "min_length": f"{label}不能少于 %(limit_value)d 字，现有 %(show_value)d 字，请补充",
                "null_characters_not_allowed": f"{label}含有不可见的空字符，请删除后重新粘贴",
            }
    return words
