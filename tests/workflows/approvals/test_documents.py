"""What keeps an approval document, or the approvals of a lifecycle, from being published: each with path and fix."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.workflows.approvals.scene import BOSSES, CHIEFS, HERE, document
from workflows.approvals.rules import parse as parse_levels
from workflows.documents import SpecError
from workflows.models import ApprovalRules, User
from workflows.publishing import publish
from workflows.registry import ROLES
from workflows.spec import parse as parse_lifecycle

TEXT = (HERE / "signed.yaml").read_text(encoding="utf-8")
REMOVE = object()


def changed(text: str, path: str, value: Any) -> str:
    """A document with one entry set or removed; numbers in the path are positions."""
    whole = yaml.safe_load(text)
    *parents, last = path.split(".")
    entry = whole
    for name in parents:
        entry = entry[int(name) if name.isdigit() else name]
    if value is REMOVE:
        del entry[last]
    else:
        entry[int(last) if last.isdigit() else last] = value
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False)


def refused(parse, text: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        parse(text, "x.yaml")
    assert str(error.value).splitlines() == [f"x.yaml {line}" for line in error.value.problems]
    return error.value.problems


def put(text: str, at: Any) -> Any:
    return publish(text, "x.yaml", by=User.objects.system(), at=at)


def unpublished(text: str, at: Any) -> list[str]:
    before = ApprovalRules.objects.count()
    problems = refused(lambda text, origin: publish(text, origin, by=User.objects.system(), at=at), text)
    assert ApprovalRules.objects.count() == before
    return problems


# ---- a document of levels against itself

PLAN = "approvals.0"
LEVELS = [
    (f"{PLAN}.levels.0.by", "boss", f"{PLAN}.levels.0.by: 角色 “boss” 未登记；可用的有："),
    (f"{PLAN}.levels.0.copy_to", ["boss"], f"{PLAN}.levels.0.copy_to: 角色 “boss” 未登记；可用的有："),
    ("fallback", ["boss"], "fallback: 角色 “boss” 未登记；可用的有："),
    ("fallback", [], "fallback: 不能为空"),
    ("stand_ins", {"toy_chief": "boss"}, "stand_ins.toy_chief: 角色 “boss” 未登记；可用的有："),
    ("stand_ins", {"boss": "toy_chief"}, "stand_ins.boss: 角色 “boss” 未登记；可用的有："),
    ("stand_ins", {"toy_chief": "toy_chief"},
     "stand_ins.toy_chief: 代审角色绕成了圈：toy_chief → toy_chief，请断开一处"),
    ("stand_ins", {"toy_chief": "toy_deputy", "toy_deputy": "toy_boss", "toy_boss": "toy_chief"},
     "stand_ins.toy_boss: 代审角色绕成了圈：toy_boss → toy_chief → toy_deputy → toy_boss，请断开一处"),
    (f"{PLAN}.when", {"unheard_of": "x"}, f"{PLAN}.when: 案件属性 “unheard_of” 未登记；可用的有："),
    (f"{PLAN}.when", {"toy_grade": "huge"}, f"{PLAN}.when.toy_grade: “huge” 不是可用的代码：plain、hard"),
    (f"{PLAN}.levels.0.agree", "most", f"{PLAN}.levels.0.agree: agree 应为 any"),
    (f"{PLAN}.levels.0.agree", 0,
     f"{PLAN}.levels.0.agree: agree 应为 any（一人同意即可）、all（全部同意）、sequence（依次同意）或至少几人（1 至 99 的整数）"),
    (f"{PLAN}.levels.0.agree", 100, f"{PLAN}.levels.0.agree: agree 应为 any"),
    (f"{PLAN}.levels.0.agree", 10**23, f"{PLAN}.levels.0.agree: agree 应为 any"),
    (f"{PLAN}.levels.0.agree", True, f"{PLAN}.levels.0.agree: agree 应为 any"),
    (f"{PLAN}.levels.0.agree", 1.5, f"{PLAN}.levels.0.agree: agree 应为 any"),
    (f"{PLAN}.levels.0.by", ["toy_chief", "toy_chief"], f"{PLAN}.levels.0.by: 有重复的名字，请删去"),
    (f"{PLAN}.levels.0.by", [], f"{PLAN}.levels.0: 没有写由谁审批，请写 by（角色）或 people（用户名）"),
    (f"{PLAN}.levels.1.name", "chiefs", f"{PLAN}.levels.1.name: “chiefs” 重复，请改名"),
    (f"{PLAN}.levels.0.extra", 1, f"{PLAN}.levels.0.extra: "),
    (f"{PLAN}.row", "leave", "approvals.1.row: “leave” 重复，请改名"),
    (f"{PLAN}.approval", "leave", "approvals.1: leave 的兜底条目在它之前，本条永远不会用到，请移到前面"),
    ("approvals", [], "approvals: 不能为空"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), LEVELS)
def test_levels_are_refused_with_path_and_fix(path, value, said):
    problems = refused(parse_levels, changed(document(CHIEFS, BOSSES), path, value))
    assert [line[: len(said)] for line in problems if line.startswith(said)] == [said]


@pytest.mark.parametrize("name", ["approval", "approver", "assisting_unit", "system"])
@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        (f"{PLAN}.levels.0.by", list, f"{PLAN}.levels.0.by"),
        (f"{PLAN}.levels.0.copy_to", list, f"{PLAN}.levels.0.copy_to"),
        ("fallback", list, "fallback"),
        ("stand_ins", lambda names: {"toy_chief": names[0]}, "stand_ins.toy_chief"),
        ("stand_ins", lambda names: {names[0]: "toy_chief"}, "stand_ins.{name}"),
    ],
)
def test_a_role_that_nobody_can_be_given_is_refused_and_not_offered(name, path, value, at):
    problems = refused(parse_levels, changed(document(CHIEFS), path, value([name])))
    (problem,) = problems
    said, _, offered = problem.partition("；可用的有：")
    assert said == f"{at.format(name=name)}: 角色 “{name}” 不能授予任何人"
    assert offered.split("、") == [known for known, role in ROLES.items() if role.given]
    assert name not in offered.split("、")


@pytest.mark.parametrize("number", [1, 99])
def test_a_level_may_ask_for_so_many(number):
    assert parse_levels(document({**CHIEFS, "agree": number}), "x").approvals[0].levels[0].agree == number


def test_a_ring_is_said_once():
    ring = {"toy_chief": "toy_deputy", "toy_deputy": "toy_chief", "toy_boss": "toy_chief"}
    problems = refused(parse_levels, document(CHIEFS, stand_ins=ring))
    assert problems == [
        "stand_ins.toy_chief: 代审角色绕成了圈：toy_chief → toy_deputy → toy_chief，请断开一处"
    ]


# ---- against people and lifecycles


def test_people_who_are_not_there_or_left_are_refused(office):
    office.person("离", "toy_chief", is_active=False)
    office.person("闲")
    problems = unpublished(document({**CHIEFS, "people": ["离", "闲", "无", "拟"]}), office.at)
    assert problems == [
        f"approvals.0.levels.0.people: 用户“{name}”不存在、已停用或没有任职，请改写"
        for name in ["离", "闲", "无"]
    ]


def test_a_last_resort_that_nobody_holds_is_refused(office):
    problems = unpublished(document(CHIEFS, fallback=["toy_boss"]), office.at)
    assert problems == ["fallback: toy_boss 都没有人任职，无人审批时无处可去，请先安排任职"]


def test_a_role_that_nobody_holds_is_not_refused(office):
    assert put(document({**BOSSES, "label": "改"}), office.at).fresh


def test_a_matter_left_out_is_refused_while_a_lifecycle_needs_it(office):
    rows: list[dict[str, Any]] = [{"row": "plan", "approval": "plan", "levels": [CHIEFS], "source": "测试"}]
    assert unpublished(document(approvals=rows), office.at) == [
        "approvals: 审批事项 leave 缺少不带 when 的兜底条目，流程 signed 需要它"
    ]
    rows.append(
        {"row": "leave", "approval": "leave", "when": {"toy_grade": "hard"}, "levels": [], "source": "测试"}
    )
    assert unpublished(document(approvals=rows), office.at) == [
        "approvals: 审批事项 leave 缺少不带 when 的兜底条目，流程 signed 需要它"
    ]


@pytest.mark.parametrize("clock", ["work", "leave_review2", "leave_review"])
def test_a_clock_that_cannot_begin_there_is_refused(office, clock):
    """`leave_review` can: it is called, and runs in every state in which a plan is being signed."""
    text = document({**CHIEFS, "clock": clock})
    if clock == "leave_review":
        assert put(text, office.at).fresh
        return
    assert unpublished(text, office.at) == [
        f"approvals.0.levels.0.clock: “{clock}” 不是流程 signed 在此事项各状态中可起算（counts: called）的时限"
    ]


def test_a_clock_of_the_case_itself_is_not_that_of_a_level(office):
    """It would make the case late by what its signers owe."""
    assert unpublished(document({**CHIEFS, "clock": "redo"}), office.at) == [
        "approvals.0.levels.0.clock: “redo” 是案件本身的时限；请在流程 signed 中为审批另列一个，写明 beside: true"
    ]


def test_a_lifecycle_needs_its_levels_published(office):
    text = changed(TEXT, "levels", "elsewhere")
    assert unpublished(text, office.at) == ["levels: 审批层级“elsewhere”尚未发布，请先发布它"]
    more = {**yaml.safe_load(TEXT)["approvals"]["leave"], "label": "另批"}
    assert unpublished(changed(TEXT, "approvals.other", more), office.at) == [
        "approvals: 审批事项 other 缺少不带 when 的兜底条目，流程 signed 需要它"
    ]


# ---- the approvals of a lifecycle

LIFECYCLES = [
    ("levels", REMOVE, "levels: 有审批事项的流程要写明审批层级文档的代码"),
    ("approvals.plan.opens", ["gone"], "approvals.plan.opens: “gone” 未在 transitions 中声明"),
    ("approvals.plan.stops", ["gone"], "approvals.plan.stops: “gone” 未在 transitions 中声明"),
    ("approvals.plan.during", ["gone"], "approvals.plan.during: “gone” 未在 states 中声明"),
    ("approvals.plan.signs", "gone", "approvals.plan.signs: “gone” 未在 transitions 中声明"),
    ("approvals.plan.returns", "gone", "approvals.plan.returns: “gone” 未在 transitions 中声明"),
    ("approvals.plan.granted", "gone", "approvals.plan.granted: “gone” 未在 transitions 中声明"),
    ("approvals.plan.opens", ["finish"],
     "approvals.plan.opens: “finish” 不通向 during 中的状态，审批不会开始，请改写 opens 或 during"),
    ("approvals.leave.during", ["working"],
     "approvals.leave.opens: “ask_leave” 不通向 during 中的状态，审批不会开始，请改写 opens 或 during"),
    ("transitions.agree.role", ["toy_chief"], "transitions.agree.role: 审批中的这一步要写 role: approver，不能写别的"),
    ("transitions.agree.role", ["approver", "toy_chief"],
     "transitions.agree.role: 审批中的这一步要写 role: approver，不能写别的"),
    ("transitions.give_back.role", ["toy_chief"],
     "transitions.give_back.role: 审批中的这一步要写 role: approver，不能写别的"),
    ("transitions.let_pass.role", ["toy_chief"], "transitions.let_pass.role: 审批中的这一步要写 role: approval"),
    ("transitions.agree.to", "passed", "transitions.agree.to: 同意之后是否还有下一级由审批决定，请写 to: stay"),
    ("transitions.let_pass.from", ["working"],
     "transitions.let_pass.from: 审批期间的状态都应能走这一步，还缺：asked"),
    ("transitions.agree_leave.from", ["working"],
     "transitions.agree_leave.from: 审批期间的状态都应能走这一步，还缺：asked"),
    ("approvals.plan.clock", "work", "approvals.plan.clock: “work” 应是 clocks 中声明的、counts: called 的时限"),
    ("approvals.plan.clock", "gone", "approvals.plan.clock: “gone” 应是 clocks 中声明的、counts: called 的时限"),
    ("states.asked.clocks", ["work", "leave_review"],
     "states.asked.clocks: 审批事项 plan 在此进行，请列入它的时限 review"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), LIFECYCLES)
def test_approvals_of_a_lifecycle_are_refused_with_path_and_fix(path, value, said):
    assert said in refused(parse_lifecycle, changed(TEXT, path, value))


def test_the_documents_these_tests_change_are_accepted():
    assert list(parse_lifecycle(TEXT, "x.yaml").approvals) == ["plan", "leave"]
    assert [level.name for level in parse_levels(document(CHIEFS, BOSSES), "x.yaml").approvals[0].levels] == [
        "chiefs",
        "bosses",
    ]
