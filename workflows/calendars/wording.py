"""What is wrong with a calendar document, in Chinese, one line per fault with its place."""

from pydantic import ValidationError

_BY_TYPE = {
    "missing": "缺少此项，请补上",
    "extra_forbidden": "不认识此项，请核对拼写或删除",
    "string_too_short": "不能为空",
    "string_type": "应为文字",
    "string_pattern_mismatch": "应以小写字母开头，只含小写字母、数字和下划线，不超过 30 个字符",
    "enum": "只能是 holiday（放假）、makeup（补班）或 special（特殊时段）",
    "tuple_type": "应为列表",
    "model_type": "应为若干“名称: 值”",
}
_DATES = "应为日期，写成 2026-01-01"


def problems_of(error: ValidationError) -> list[str]:
    """One line per fault: ``exceptions[3].date：应为日期…``."""
    return [_line(place, kind, message) for place, kind, message in _details(error)]


def _details(error: ValidationError) -> list[tuple[str, str, str]]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [(_place(detail["loc"]), detail["type"], detail["msg"]) for detail in details]


def _place(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _line(place: str, kind: str, message: str) -> str:
    if kind == "value_error":
        reason = message.removeprefix("Value error, ")
    elif kind.startswith("date"):
        reason = _DATES
    else:
        reason = _BY_TYPE.get(kind, f"值不合要求（{message}）")
    return f"{place}：{reason}" if place else reason
