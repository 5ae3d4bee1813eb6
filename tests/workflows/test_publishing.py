"""Publishing: checked whole, against the others too, stored once, unchanged content not stored again."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflows.toy.world import HERE
from workflows.documents import SpecError
from workflows.engine import fire
from workflows.models import CalendarVersion, Case, Definition, PolicyVersion, User
from workflows.publishing import check_file, publish, publish_file, publish_missing

CHINA = Path(__file__).parents[2] / "workflows" / "data" / "calendars" / "china.yaml"


def text_of(name: str, **fields: Any) -> str:
    return yaml.safe_dump(
        {**yaml.safe_load((HERE / name).read_text("utf-8")), **fields}, allow_unicode=True, sort_keys=False
    )


def put(text: str, at: Any) -> Any:
    return publish(text, "x.yaml", by=User.objects.system(), at=at)


def refused(text: str, at: Any) -> list[str]:
    with pytest.raises(SpecError) as error:
        put(text, at)
    return error.value.problems


def test_publish_stores_code_version_source_and_who(world, at):
    definition = Definition.objects.latest_of("toy")
    assert (definition.version, definition.label, definition.published_at) == (1, "玩具流程", at)
    assert definition.published_by == User.objects.system()
    assert definition.source == (HERE / "toy.yaml").read_text("utf-8")
    assert definition.parsed.states["working"].label == "办理中"


def test_unchanged_content_makes_no_version(world, at):
    again = put("# 只改了注释\n" + (HERE / "toy.yaml").read_text("utf-8"), at)
    assert (again.fresh, again.document.version) == (False, 1)
    assert not put((HERE / "policy.yaml").read_text("utf-8"), at).fresh
    assert (
        Definition.objects.filter(code="toy").count(),
        PolicyVersion.objects.filter(code="toy").count(),
    ) == (1, 1)


def test_changed_content_makes_the_next_version_and_cases_keep_theirs(world, at):
    case = world.case(at)
    published = put(text_of("toy.yaml", label="玩具流程二"), at)
    assert (published.fresh, published.document.version) == (True, 2)
    assert Case.objects.get(pk=case.pk).definition.version == 1
    assert world.case(at).definition == published.document
    assert Definition.objects.newest().get(code="toy") == published.document
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})


def test_going_back_to_earlier_content_is_a_new_version(world, at):
    put(text_of("toy.yaml", label="玩具流程二"), at)
    assert put((HERE / "toy.yaml").read_text("utf-8"), at).document.version == 3


def test_the_order_of_a_document_is_kept_and_a_change_of_it_is_a_change(world, at):
    text = (HERE / "toy.yaml").read_text("utf-8")
    spec = Definition.objects.latest_of("toy").parsed
    assert list(spec.transitions) == list(yaml.safe_load(text)["transitions"])
    assert list(spec.states) == list(yaml.safe_load(text)["states"])
    *lines, last_but_one, last = text.splitlines()
    assert put("\n".join([*lines, last, last_but_one]), at).fresh
    assert list(Definition.objects.latest_of("toy").parsed.transitions)[-2:] == ["file", "reopen"]


def test_a_lifecycle_needs_its_policy_published(world, at):
    assert refused(text_of("toy.yaml", policy="other"), at) == ["policy: 时限规则“other”尚未发布，请先发布它"]


def test_a_lifecycle_needs_a_limit_for_each_of_its_clocks(world, at):
    clocks = {
        **yaml.safe_load((HERE / "toy.yaml").read_text("utf-8"))["clocks"],
        "call": {"label": "联系", "met_by": ["take"]},
    }
    assert refused(text_of("toy.yaml", clocks=clocks), at) == [
        "rules: 时限 call 缺少不带 when 的兜底条目，流程 toy 需要它"
    ]


def test_a_policy_needs_its_calendar_published(world, at):
    assert refused(text_of("policy.yaml", calendar="mars"), at) == [
        "calendar: 工作日历“mars”尚未发布，请先发布它"
    ]


def test_a_policy_goes_on_serving_the_lifecycles_that_follow_it(world, at):
    rules = yaml.safe_load((HERE / "policy.yaml").read_text("utf-8"))["rules"]
    assert refused(text_of("policy.yaml", rules=rules[1:]), at) == [
        "rules: 时限 give 缺少不带 when 的兜底条目，流程 toy 需要它"
    ]


def test_nothing_is_stored_of_a_refused_document(world, at):
    before = PolicyVersion.objects.count()
    refused(text_of("policy.yaml", calendar="mars"), at)
    assert PolicyVersion.objects.count() == before


def test_a_calendar_is_told_by_its_weekly_hours(db, at):
    again = publish_file(CHINA, by=User.objects.system(), at=at)
    assert isinstance(again.document, CalendarVersion)
    assert not again.fresh


def test_a_broken_calendar_is_refused_like_any_document(db, at):
    text = CHINA.read_text("utf-8").replace("weekly:", "weekly: 7 #")
    with pytest.raises(SpecError) as error:
        put(text, at)
    assert all(line.startswith("x.yaml ") for line in str(error.value).splitlines())


@pytest.mark.parametrize("text", ["a: 1", "", "[]", "7"])
def test_a_document_of_no_known_kind_is_refused(db, at, text):
    assert refused(text, at) == [
        "文件: 认不出文档类别：流程应有 states，时限规则 rules，催督阶梯 rungs，审批层级 approvals，工作日历 weekly"
    ]


def test_bytes_that_are_not_utf8_are_refused_with_their_place(db, tmp_path):
    path = tmp_path / "gbk.yaml"
    path.write_bytes("code: toy\nlabel: 玩具".encode("gb18030"))
    with pytest.raises(SpecError) as error:
        check_file(path)
    assert error.value.problems == ["第 17 字节: 不是 UTF-8 编码，请另存为 UTF-8"]


def test_a_byte_order_mark_does_no_harm(world, tmp_path, at):
    path = tmp_path / "bom.yaml"
    path.write_text((HERE / "toy.yaml").read_text("utf-8"), encoding="utf-8-sig")
    assert not publish_file(path, by=User.objects.system(), at=at).fresh


def test_checking_stores_nothing(world, tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(text_of("toy.yaml", label="另一个"), encoding="utf-8")
    assert check_file(path).label == "另一个"
    assert Definition.objects.filter(code="toy").count() == 1


def test_shipped_documents_are_published_only_where_there_is_none(world, tmp_path, at):
    path = tmp_path / "toy.yaml"
    path.write_text(text_of("toy.yaml", label="出厂的新版"), encoding="utf-8")
    publish_missing([path], by=User.objects.system(), at=at)
    assert Definition.objects.latest_of("toy").label == "玩具流程"
    path.write_text(text_of("toy.yaml", code="toy_other", label="出厂"), encoding="utf-8")
    publish_missing([path], by=User.objects.system(), at=at)
    assert Definition.objects.latest_of("toy_other").version == 1
