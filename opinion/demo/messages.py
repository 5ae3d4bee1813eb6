"""Two hundred made-up messages, the same every time: matters people really write about, in a county that is not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

# subject, body, type, domain, unit that handles it; {p} is a place, {n} a number.
MATTERS = (
    (
        "{p}{n}栋反复停水",
        "{p}{n}栋自上周起每天傍晚停水，高层老人打水困难。物业说是加压泵故障，盼尽快修复并告知时间。",
        "help",
        "utilities",
        "shuiwu",
    ),
    (
        "{p}自来水发黄",
        "这几天早晨{p}放出来的自来水发黄，有沉淀，请检测水质并公布结果。",
        "complaint",
        "utilities",
        "shuiwu",
    ),
    (
        "{p}路灯不亮",
        "{p}门前一段路约{n}盏路灯不亮，晚上学生放学看不清路，请安排维修。",
        "help",
        "city",
        "chengguan",
    ),
    (
        "{p}夜间施工噪音",
        "{p}旁工地夜里十一点后仍在打桩，已持续{n}天，请依法处理并答复许可情况。",
        "complaint",
        "environment",
        "chengguan",
    ),
    (
        "{p}占道摆摊堵路",
        "{p}早市占道，消防车进不来。建议划定摆摊区域，既方便群众又不堵路。",
        "suggest",
        "city",
        "chengguan",
    ),
    (
        "{p}垃圾清运不及时",
        "{p}垃圾桶{n}天没有清运，气味很大，请增加清运次数。",
        "complaint",
        "city",
        "chengguan",
    ),
    (
        "{p}办理房产证问题咨询",
        "{p}交房{n}个月了，请问办证需要哪些材料，开发商资料不全怎么办？",
        "consult",
        "housing",
        "zhujian",
    ),
    (
        "{p}物业费公示咨询",
        "请问{p}的物业费和公共收益是否应当公示，业主可以向哪里申请查看？",
        "consult",
        "housing",
        "zhujian",
    ),
    (
        "{p}外墙脱落",
        "{p}{n}栋外墙瓷砖脱落，楼下就是通道，很危险。请先围挡再维修。",
        "help",
        "housing",
        "zhujian",
    ),
    (
        "{p}老旧小区加装电梯建议",
        "{p}老人多，建议统一组织加装电梯的意见征询，公开流程和补贴标准。",
        "suggest",
        "urban",
        "zhujian",
    ),
    (
        "{p}公交末班车太早",
        "{p}末班车六点半就没有了，下夜班的人回不了家，建议延长到八点半。",
        "suggest",
        "transport",
        "jiaotong",
    ),
    (
        "{p}道路坑洼",
        "{p}一段路坑洼积水，约{n}处，电动车多次摔倒，请修补。",
        "complaint",
        "transport",
        "jiaotong",
    ),
    (
        "{p}斑马线磨损看不清",
        "{p}路口斑马线磨没了，上下学高峰很危险，请重新施划并考虑加信号灯。",
        "help",
        "transport",
        "jiaotong",
    ),
    (
        "{p}入学片区咨询",
        "我们今年搬到{p}，请问孩子明年秋季入学属于哪个片区，需要准备什么？",
        "consult",
        "education",
        "jiaoyu",
    ),
    (
        "{p}课后服务收费疑问",
        "{p}附近小学课后服务每学期收费{n}00元，请问标准是多少，是否自愿？",
        "complaint",
        "education",
        "jiaoyu",
    ),
    (
        "感谢{p}学校老师",
        "孩子在{p}附近走失，学校老师陪着找到天黑，特此感谢。",
        "thanks",
        "education",
        "jiaoyu",
    ),
    (
        "{p}工地拖欠工资",
        "在{p}工地干活{n}个月，工资一直没有结清，一共{n}个人，请帮助协调。",
        "help",
        "labour",
        "renshe",
    ),
    (
        "灵活就业参保咨询",
        "本人住{p}，灵活就业，请问养老保险断缴{n}个月能否补缴？",
        "consult",
        "labour",
        "renshe",
    ),
    ("{p}排水沟堵塞", "{p}排水沟堵塞，下雨就倒灌到院子，请清淤。", "help", "rural", "xihe"),
    ("{p}村道扩宽建议", "{p}村道只有三米宽，会车困难，建议结合秋收后扩宽。", "suggest", "rural", "xihe"),
    ("{p}楼道堆物", "{p}{n}栋楼道长期堆放杂物，影响消防通道，请上门处理。", "complaint", "safety", "dongpu"),
    (
        "{p}社区活动室开放时间",
        "请问{p}社区活动室周末是否开放，能否延长到晚上九点？",
        "consult",
        "culture",
        "dongpu",
    ),
    (
        "{p}低保申请进度",
        "家住{p}，{n}个月前提交低保申请，一直没有答复，请告知进度。",
        "help",
        "welfare",
        "dongpu",
    ),
    (
        "{p}窗口人员态度问题",
        "到{p}便民窗口办事，跑了{n}趟都说材料不齐，没有一次性告知，请查处并改进。",
        "report",
        "conduct",
        "jiwei",
    ),
)
PLACES = (
    "锦云苑",
    "青禾里",
    "东浦新村",
    "西禾老街",
    "杏花湾",
    "望溪路",
    "松风桥",
    "云溪大道",
    "半山雅居",
    "柳岸社区",
)
SOURCES = ("lb", "12345", "mailbox", "wechat", "gov", "phone", "visit")
SURNAMES = "甲乙丙丁戊己庚辛壬癸"


@dataclass(frozen=True)
class MadeUp:
    """One message, its writer, and the unit that would handle it."""

    subject: str
    body: str
    type: str
    domain: str
    unit: str
    source: str
    urgency: str
    name: str
    phone: str
    address: str


def made_up(count: int = 200) -> Iterator[MadeUp]:
    """Always the same `count` messages. Phone numbers start with 100, which no operator gives out."""
    chance = random.Random(20261124)  # noqa: S311  # repeatable, not secret
    for index in range(count):
        subject, body, kind, domain, unit = MATTERS[index % len(MATTERS)]
        place, number = chance.choice(PLACES), chance.randint(2, 9)
        urgency = "urgent" if unit == "shuiwu" and chance.random() < 0.3 else "normal"
        yield MadeUp(
            subject=subject.format(p=place, n=number), body=body.format(p=place, n=number), type=kind, domain=domain,
            unit=unit, source=chance.choice(SOURCES), urgency=urgency,
            name=f"{SURNAMES[index % 10]}某{index + 1}", phone=f"100{chance.randint(10**7, 10**8 - 1)}",
            address=f"云溪县{place}{number}栋",
        )  # fmt: skip
