"""What a look through a text can find, and what is then to be done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sort:
    """label: what it is. fix: what to do. own: the person's own; other: of somebody whose message is merged with it."""

    label: str
    fix: str
    own: bool = False
    other: bool = False


_TAKE_OUT = "请删去，或改为“您”“网友”"
SORTS = {
    "own_name": Sort("留言人姓名", _TAKE_OUT, own=True),
    "own_phone": Sort("留言人电话", "请删去", own=True),
    "own_address": Sort("留言人住址", "请只写到道路、小区或楼栋", own=True),
    "own_email": Sort("留言人邮箱", "请删去", own=True),
    "other_name": Sort("并案中他人的姓名", "请删去", other=True),
    "other_phone": Sort("并案中他人的电话", "请删去", other=True),
    "other_address": Sort("并案中他人的住址", "请删去", other=True),
    "other_email": Sort("并案中他人的邮箱", "请删去", other=True),
    "own_name_maybe": Sort("与留言人姓名相同的两个字", "若指本人请删去"),
    "mobile": Sort("手机号码", "请删去，或改为单位办公电话"),
    "identity_number": Sort("身份证号码", "请删去"),
    "bank_card": Sort("银行卡号", "请删去"),
    "plate": Sort("车牌号码", "请隐去后几位"),
    "email": Sort("电子邮箱", "请删去，或改为单位公开邮箱"),
    "other_case": Sort("其他案件编号", "请删去，留言人只应看到自己的编号"),
    "named_person": Sort("个人称谓", "请改为“您”“当事人”等"),
}


@dataclass(frozen=True)
class Finding:
    """code: of `SORTS`. sentence: counted from 1. shown: the place, masked."""

    code: str
    sentence: int
    shown: str

    @property
    def label(self) -> str:
        return SORTS[self.code].label

    @property
    def fix(self) -> str:
        return SORTS[self.code].fix

    @property
    def is_own(self) -> bool:
        return SORTS[self.code].own

    @property
    def is_other(self) -> bool:
        return SORTS[self.code].other

    @property
    def is_soft(self) -> bool:
        """Whether somebody may say that it may stand."""
        return not (self.is_own or self.is_other)

    def __str__(self) -> str:
        return f"第 {self.sentence} 句有{self.label}（{self.shown}），{self.fix}"
