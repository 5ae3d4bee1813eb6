"""What every published document is made of: names, labels, and errors a clerk can act on."""

from __future__ import annotations

import keyword
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic_core import ErrorDetails

from workflows import yaml_reading
from workflows.yaml_reading import YamlError

D = TypeVar("D", bound=BaseModel)


class SpecError(ValueError):
    """A document that cannot be published. `problems` are lines `path: what is wrong, and the fix`."""

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.origin, self.problems = origin, problems
        super().__init__("\n".join(f"{origin} {problem}" for problem in problems))


def listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _identifier(value: Any) -> Any:
    if (
        not isinstance(value, str)
        or not value.isidentifier()
        or keyword.iskeyword(value)
        or value != value.lower()
    ):
        raise ValueError(f"“{value}” 不是合法标识：用小写英文字母、数字和下划线，且以字母开头")
    if len(value) > 30:
        raise ValueError(f"“{value}” 超过 30 个字符，请缩短")
    return value


def _from_pairs(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, list) and len(item) == 2 for item in value):
        named = {name: entry for name, entry in value if isinstance(name, str)}
        return named if len(named) == len(value) else value
    return value


Name = Annotated[str, BeforeValidator(_identifier)]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]
Label = Annotated[str, Field(min_length=1, max_length=40)]
# Stored as pairs: PostgreSQL's jsonb forgets the order of keys, and the order of a document is that of its buttons.
Ordered = Annotated[
    dict[Name, D],
    BeforeValidator(_from_pairs),
    PlainSerializer(lambda named: list(named.items()), when_used="json"),
]


class Document(BaseModel):
    """Part of a published document: frozen, and a key nobody defined is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def load_yaml(text: str, origin: str) -> Any:
    """Parse YAML; what is wrong becomes a SpecError naming line and column. The result is the caller's own."""
    try:
        return yaml_reading.read(text)
    except YamlError as error:
        raise SpecError(origin, error.problems) from error


def validate(model: type[D], data: Any, origin: str) -> D:
    """Build `model`, turning pydantic's errors into a SpecError with one line a problem."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems: list[str] = []
        for item in error.errors():
            own = item.get("ctx", {}).get("error")
            if own is not None and not item["loc"]:
                problems += str(own).splitlines()  # whole-document checks carry their own paths
            else:
                problems.append(f"{'.'.join(map(str, item['loc'])) or '文件'}: {own or _in_chinese(item)}")
        raise SpecError(origin, problems) from error


_CHINESE = {
    "missing": "缺少该项，请补上",
    "extra_forbidden": "没有这一项，请检查拼写或删除",
    "string_type": "应为文字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "too_short": "不能为空",
    "string_too_short": "不能为空",
    "string_too_long": "不能超过 {max_length} 个字",
    "string_pattern_mismatch": "不合格式 {pattern}",
    "literal_error": "应为 {expected} 之一",
    "dict_type": "应为“名称: 内容”的对照表",
    "model_type": "应为“名称: 内容”的对照表",
    "tuple_type": "应为列表",
}


def _in_chinese(item: ErrorDetails) -> str:
    """pydantic's own errors; one without a Chinese sentence is shown in English rather than not at all."""
    template = _CHINESE.get(item["type"])
    if template is None:
        return item["msg"]
    context = item.get("ctx", {})
    return template.format(
        **{name: str(value).replace(" or ", "、").replace(", ", "、") for name, value in context.items()}
    )
