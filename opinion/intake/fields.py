"""The columns a message file can have, and every heading under which they have been met.

Data, not code: to teach the importer a new export, add its heading here. Headings are compared after
`normalise_heading`, so width, case, spaces, brackets and 的 do not matter. Earlier synonyms win when
a file has several columns that fit one field.
"""

import re
import unicodedata
from dataclasses import dataclass

_BRACKETED = re.compile(r"[(\[{<【《〈「『\u3014].*?[)\]}>】》〉」』\u3015]")
_IGNORED = re.compile(
    r"[\s的_\-:：*/\\.。、,，;；'\"“”‘’#|()\[\]{}<>【】《》〈〉「」『』\u3014\u3015\u200b\ufeff]+"
)


def normalise_heading(heading: str) -> str:
    """`" 留言的时间（必填）："` and `留言时间` both become `留言时间`; empty if nothing is left."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    without_notes = _IGNORED.sub("", _BRACKETED.sub("", folded))
    return without_notes or _IGNORED.sub("", folded)


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a message row can tell."""

    name: str
    label: str
    synonyms: tuple[str, ...]
    """Best first; `label` and `name` count as synonyms too."""


def _field(name: str, label: str, synonyms: str) -> Field:
    return Field(name, label, tuple(synonyms.split()))


# Sources of the headings: the leader-board export (tid, fid, subject, content, dateline, type, domain,
# state, organization, answer), 12345 work-order lists (工单编号, 来电人, 诉求内容 …) and 留言 lists
# (留言编号, 留言用户, 留言主题, 留言时间, 留言详情, 答复意见, 答复时间, 一级标签).
FIELDS: tuple[Field, ...] = (
    _field(
        "external_number",
        "留言编号",
        "编号 工单编号 工单号 工单流水号 受理编号 受理单号 诉求编号 诉求单号 信件编号 信访件编号 来信编号 事项编号"
        " 案件编号 业务编号 流水号 单号 帖子编号 帖子id 留言id tid messageid number no id",
    ),
    _field(
        "author",
        "留言用户",
        "留言人 留言人姓名 来电人 来电人姓名 诉求人 诉求人姓名 反映人 反映人姓名 来信人 信访人 信访人姓名 投诉人"
        " 联系人 联系人姓名 申请人 市民姓名 用户 用户名 昵称 网友 网友昵称 姓名 author username nickname name",
    ),
    _field(
        "subject",
        "留言主题",
        "留言标题 诉求标题 诉求主题 工单标题 工单主题 来信标题 来信主题 信件标题 信件主题 反映主题 事项标题 主题 标题"
        " subject title",
    ),
    _field(
        "body",
        "留言详情",
        "留言内容 诉求内容 诉求描述 工单内容 来电内容 来信内容 信件内容 反映内容 反映问题 问题描述 事项内容 详细内容"
        " 主要内容 受理内容 详情 内容 正文 content body message",
    ),
    _field(
        "received_at",
        "留言时间",
        "来电时间 诉求时间 来信时间 信件时间 反映时间 提交时间 受理时间 受理日期 登记时间 登记日期 接收时间 收到时间"
        " 创建时间 发布时间 留言日期 来信日期 来电日期 提交日期 dateline receivedat createdat submittedat time date",
    ),
    _field(
        "reply_body",
        "答复意见",
        "答复内容 回复内容 回复意见 答复 回复 办理结果 办结意见 处理结果 处理意见 办理情况 办理意见 反馈内容"
        " answer reply replycontent answercontent",
    ),
    _field(
        "replied_at",
        "答复时间",
        "回复时间 答复日期 回复日期 反馈时间 办结时间 办结日期 办理时间 处理时间 answertime answerdateline replytime repliedat",
    ),
    _field(
        "phone",
        "联系电话",
        "电话 手机 手机号 手机号码 联系方式 来电号码 主叫号码 电话号码 联系手机 来电电话 回访电话 phone mobile tel telephone",
    ),
    _field("address", "联系地址", "地址 家庭住址 居住地址 住址 通讯地址 通信地址 来电人地址 address"),
    _field("email", "电子邮箱", "邮箱 电子邮件 邮件 邮件地址 email mail"),
    _field(
        "type", "留言类型", "诉求类型 工单类型 来信类型 信件类型 诉求性质 诉求类别 问题类型 类型 类别 type"
    ),
    _field(
        "domain",
        "领域",
        "一级标签 一级分类 留言领域 诉求领域 问题领域 所属领域 行业领域 内容分类 问题分类 诉求分类 归口类别 分类 domain category",
    ),
    _field("urgency", "紧急程度", "紧急级别 紧急度 缓急程度 优先级 urgency priority"),
    _field(
        "place",
        "事发地点",
        "诉求地点 问题地点 发生地点 事发地址 事发位置 诉求地址 问题位置 所属区域 所属区划 事发区域 区域 地点 place location",
    ),
    _field(
        "asked_confidential",
        "是否保密",
        "保密 要求保密 是否要求保密 信息保密 是否公开个人信息 匿名 是否匿名 confidential asked_confidential",
    ),
    _field(
        "source_label", "来源", "来源渠道 诉求来源 工单来源 信件来源 来件渠道 受理渠道 渠道 source channel"
    ),
    _field(
        "unit",
        "承办单位",
        "主办单位 办理单位 处理单位 责任单位 答复单位 回复单位 答复机构 承办部门 办理部门 责任部门 转办单位 承办机构"
        " organization organisation department unit",
    ),
    _field("state", "状态", "办理状态 工单状态 留言状态 当前状态 处理状态 state status"),
    _field("board", "版块编号", "版块 留言对象 领导 对象编号 fid forumid board"),
    _field("grade_solving", "解决程度", "解决程度评分 解决情况评分 gradesolving solving solvegrade"),
    _field(
        "grade_manner", "办理态度", "办理态度评分 服务态度 态度评分 grademanner manner attitude attitudegrade"
    ),
    _field("grade_speed", "办理速度", "办理速度评分 办理效率 速度评分 gradespeed speed speedgrade"),
)

FIELDS_BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

REQUIRED: tuple[str, ...] = ("body",)
"""Without these a file cannot be imported at all."""

EXPECTED: tuple[str, ...] = ("external_number", "author", "received_at")
"""What a message should have and may lack: reported, never invented."""
