"""`publish` and `lifecycles`, as a county runs them."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.workflows.toy.world import HERE
from workflows.engine import fire
from workflows.models import Case, Definition, Event, Note

TEXT = (HERE / "toy.yaml").read_text(encoding="utf-8")


DAY = "YAML 格式有误：“2026-02-31” 不是有效的日期或时间，请更正；若本意是文字，请加引号"


def run(*args: str) -> list[str]:
    out = StringIO()
    call_command(*args, stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()


def fail(*args: str) -> tuple[list[str], str]:
    """What went to stderr, and the last word."""
    err = StringIO()
    with pytest.raises(CommandError) as error:
        call_command(*args, stdout=StringIO(), stderr=err)
    return err.getvalue().splitlines(), str(error.value)


@pytest.fixture
def at() -> datetime:
    """Just now: commands read the wall clock, and nothing may have run out by then."""
    return timezone.now() - timedelta(minutes=1)


@pytest.fixture
def newer(tmp_path: Path) -> str:
    """A file in which `working` is called `doing` and one label differs."""
    path = tmp_path / "toy2.yaml"
    path.write_text(
        TEXT.replace("working", "doing").replace("label: 核对,", "label: 复核,"), encoding="utf-8"
    )
    return str(path)


def test_publish_says_the_version_and_who_it_was(world, newer):
    assert run("publish", newer, "--as", "clerk") == ["已发布流程 toy 第 2 版（玩具流程）"]
    assert Definition.objects.latest_of("toy").published_by == world.clerk
    assert run("publish", newer) == ["流程 toy 第 2 版：内容未变"]
    assert run("publish", str(HERE / "policy.yaml")) == ["时限规则 toy 第 1 版：内容未变"]


def test_publish_prints_every_problem_with_its_file_and_fails(world, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        TEXT.replace("effects: [toy_give]", "effects: [toy_gave]").replace("to: filed", "to: gone"),
        encoding="utf-8",
    )
    lines, last = fail("publish", str(path))
    assert len(lines) == 3
    assert [line for line in lines if not line.startswith(f"{path} ")] == []
    assert lines[0].startswith(f"{path} transitions.give.effects: 效果 “toy_gave” 未登记；可用的有：")
    assert last == "未发布，请按上面各行修改后重试。"


def test_publish_of_a_day_that_is_not_names_its_line(world, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("code: toy\nlabel: 2026-02-31\n", encoding="utf-8")
    lines, _ = fail("publish", str(path))
    assert lines == [f"{path} 第 2 行第 8 列: {DAY}"]


def test_publish_of_a_missing_file_or_by_an_unknown_user_fails(world, tmp_path):
    missing = str(tmp_path / "none.yaml")
    assert fail("publish", missing)[1] == f"{missing}：读不了这个文件：没有这个文件或文件夹，请核对路径。"
    assert (
        fail("publish", str(HERE / "toy.yaml"), "--as", "nobody")[1]
        == "--as：没有用户名为 nobody 的在用账号。"
    )


def test_list_counts_states_transitions_and_cases(world, at, newer):
    world.case(at)
    run("publish", newer)
    lines = [line for line in run("lifecycles", "list") if line.startswith("toy ")]
    assert [line.rpartition("，")[0] for line in lines] == [
        "toy 第 1 版 玩具流程：7 个状态、14 种流转，1 件案件",
        "toy 第 2 版 玩具流程：7 个状态、14 种流转，0 件案件",
    ]


def test_check_publishes_nothing_and_tells_of_every_file(world, newer, tmp_path):
    assert run("lifecycles", "check", newer) == [f"{newer}：toy（玩具流程）可以发布"]
    bad, missing = tmp_path / "bad.yaml", str(tmp_path / "none.yaml")
    bad.write_text(TEXT.replace("policy: toy", "policy: other"), encoding="utf-8")
    lines, last = fail("lifecycles", "check", newer, str(bad), missing)
    assert lines == [
        f"{bad} policy: 时限规则“other”尚未发布，请先发布它",
        f"{missing}：读不了这个文件：没有这个文件或文件夹，请核对路径",
    ]
    assert last == "2 个文件有误，请按上面各行修改。"
    assert Definition.objects.filter(code="toy").count() == 1


def test_diff_shows_fields_states_and_transitions(world, tmp_path):
    path = tmp_path / "toy2.yaml"
    text = TEXT.replace("label: 核对,", "label: 复核,").replace("label: 玩具流程", "label: 新流程")
    text = text.replace("holder: desk, clocks: [give, finish]", "holder: desk, clocks: [finish]")
    text = text.replace(
        "  filed: {label: 已归档, phase: archived}",
        "  filed: {label: 已归档, phase: archived}\n  kept: {label: 已存, phase: archived}",
    )
    text = text.replace(
        "  uncheck: {label: 返工, from: [checking], to: working, role: toy_worker, event: toy.unchecked}\n",
        "",
    )
    text += "  keep: {label: 存档, from: [finished], to: kept, role: toy_clerk, event: toy.kept}\n"
    path.write_text(text, encoding="utf-8")
    run("publish", str(path))
    assert run("lifecycles", "diff", "toy", "1", "2") == [
        "~ label：玩具流程 → 新流程",
        "~ 状态 opened（待交办）clocks：give、finish → finish",
        "+ 状态 kept（已存）",
        "~ 流转 check（复核）label：核对 → 复核",
        "- 流转 uncheck（返工）",
        "+ 流转 keep（存档）",
    ]
    assert run("lifecycles", "diff", "toy", "1", "1") == ["内容相同"]


def test_diff_tells_a_change_of_order(world, tmp_path):
    path = tmp_path / "toy2.yaml"
    lines = TEXT.splitlines()
    lines[-1], lines[-2] = lines[-2], lines[-1]
    path.write_text("\n".join(lines), encoding="utf-8")
    run("publish", str(path))
    assert run("lifecycles", "diff", "toy", "1", "2") == ["~ 流转的先后次序有变"]


def test_show_outlines_a_version_and_draws_it(world, newer, tmp_path):
    run("publish", newer)
    assert "working 办理中：办理中，责任方 主办单位，时限 finish" in run(
        "lifecycles", "show", "toy", "--version", "1"
    )
    lines = run("lifecycles", "show", "toy")
    assert lines[0] == "toy 第 2 版 玩具流程"
    assert "  go_on 恢复 → （恢复），角色 toy_worker、system" in lines
    out = tmp_path / "toy.svg"
    assert run("lifecycles", "show", "toy", "--svg", str(out)) == [f"玩具流程 v2 的状态图已写到 {out}"]
    assert out.read_text(encoding="utf-8").startswith("<svg ")
    assert "写不了" in fail("lifecycles", "show", "toy", "--svg", str(tmp_path))[1]


def test_an_unknown_code_or_version_names_those_there_are(world):
    assert "没有发布过流程“tot”；已发布的有：" in fail("lifecycles", "show", "tot")[1]
    assert fail("lifecycles", "diff", "toy", "1", "9")[1] == "流程“toy”没有第 9 版；现有版本：1。"


@pytest.fixture
def running(world: Any, at: Any) -> Case:
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at)
    world.case(at)
    return case


def test_adopt_dry_run_counts_and_moves_nothing(world, running, newer):
    run("publish", newer)
    assert run("lifecycles", "adopt", "toy", "--to", "2", "--map", "working=doing", "--dry-run") == [
        "第 1 版 opened 1 件 → opened",
        "第 1 版 working 1 件 → doing",
        "共 2 件",
    ]
    assert not Event.objects.filter(name="definition.changed").exists()


def test_adopt_moves_and_says_how_many(world, running, newer):
    run("publish", newer)
    args = [
        "lifecycles",
        "adopt",
        "toy",
        "--to",
        "2",
        "--map",
        "working=doing",
        "--reason",
        "新办法",
        "--as",
        "clerk",
    ]
    assert run(*args)[-1] == "2 件已换到 toy 第 2 版"
    assert set(Case.objects.values_list("definition__version", flat=True)) == {2}
    assert set(Event.objects.filter(name="definition.changed").values_list("actor__username", flat=True)) == {
        "clerk"
    }
    assert Note.objects.filter(kind="reason", text="新办法").count() == 2
    assert run(*args)[-1] == "0 件已换到 toy 第 2 版"
    assert run("verify_log")[-1] == "2 件 6 条事件，链完整"


def test_adopt_without_a_counterpart_moves_nothing_and_fails(world, running, newer):
    run("publish", newer)
    lines, last = fail("lifecycles", "adopt", "toy", "--to", "2")
    assert lines == ["第 1 版“working”（1 件）：新版没有“working”，请用对照指明新状态"]
    assert last == "一件也没有换版，请补充 --map 后重试。"
    assert set(Case.objects.values_list("definition__version", flat=True)) == {1}


@pytest.mark.parametrize("pair", ["working", "=doing", "working="])
def test_adopt_explains_how_to_write_the_map(world, newer, pair):
    run("publish", newer)
    assert fail("lifecycles", "adopt", "toy", "--to", "2", "--map", pair)[1].startswith("--map：看不懂")


def test_adopt_refuses_two_answers_for_one_state(world, newer):
    run("publish", newer)
    last = fail("lifecycles", "adopt", "toy", "--to", "2", "--map", "working=doing", "working=opened")[1]
    assert last == "--map：“working”对照了两个新状态。"
