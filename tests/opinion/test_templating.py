"""Placeholders in reply templates: a few names, and nothing that reaches further."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.templating import ALLOWED, PLACEHOLDERS, TemplateError, fill, left_open, preview, problems
from tests.factories.world import PERSON
from tests.opinion.views.test_naughty_strings import NAUGHTY
from workflows.models import Case


def loaded(case):
    return Case.objects.select_related("lead", "desk").get(pk=case.pk)


def test_placeholders_are_filled_from_the_case(county, at):
    case = loaded(county.walk("handling", at, type="consult"))
    text = "您好，您${登记日期}反映的“${标题}”（${编号}）由${承办单位}办理，${受理单位}，${今天}。"
    assert fill(text, case, at=at) == (
        f"您好，您2026年11月24日反映的“楼道积水”（{case.number}）由住建局办理，网络问政办，2026年11月24日。"
    )


def test_a_provisional_deadline_is_promised_to_nobody(county, at):
    case = loaded(county.walk("handling", at))
    case.provisional = True
    filled = fill("将于${办理期限}前答复。", case, at=at)
    assert filled == "将于（请填写：办理期限）前答复。"
    assert left_open(filled) == "办理期限"
    case.provisional, case.due_at = False, at
    assert fill("${办理期限}", case, at=at) == "2026年11月24日"


def test_what_the_case_does_not_know_stays_open(county, at):
    assert left_open(fill("由${承办单位}办理", loaded(county.register(at)), at=at)) == "承办单位"


def test_an_unknown_placeholder_is_named_with_those_that_are_allowed():
    (problem,) = problems("您好，${姓名}：")
    assert problem.startswith("没有“${姓名}”这个占位符，可以用的有：${编号}、${标题}")
    assert problems("费用$5元\n共$元") == [
        "第 1 行的“$”后面不是占位符；要写出美元符号本身，请写两个“$$”",
        "第 2 行的“$”后面不是占位符；要写出美元符号本身，请写两个“$$”",
    ]
    assert preview("$$5") == "$5"


@pytest.mark.parametrize(
    "text",
    [
        "${编号.__class__}", "${case.desk.parent}", "${__import__('os')}", "${}", "${ 编号 }", "$编号", "${number}",
        "${编号!r}", "${编号", "$", "$${$}", "${0}",
    ],
)  # fmt: skip
def test_nothing_else_is_a_placeholder(text):
    assert problems(text)
    with pytest.raises(TemplateError):
        preview(text)


@pytest.mark.parametrize(
    "text", ["{0.__class__}", "{{ case.contact }}", "{编号}", "%(编号)s", "#{1+1}", "<%= 1 %>"]
)
def test_other_template_languages_are_plain_text(text):
    assert preview(text) == text


def test_no_placeholder_tells_who_the_person_is(county, at):
    case = loaded(county.walk("handling", at))
    filled = fill("".join(f"${{{label}}}" for label in ALLOWED), case, at=at)
    assert [
        each for each in (PERSON.name, PERSON.phone, PERSON.address, PERSON.email) if each in filled
    ] == []


def test_what_is_filled_in_is_not_read_again(county, at):
    case = loaded(county.walk("handling", at, subject="${编号}$$${承办单位}"))
    assert fill("${标题}", case, at=at) == "${编号}$$${承办单位}"


@pytest.mark.parametrize("text", NAUGHTY.values(), ids=NAUGHTY.keys())
def test_naughty_titles_come_through_whole(county, at, text):
    case = loaded(county.walk("handling", at))
    case.title = text
    assert fill("${标题}", case, at=at) == text


@given(st.text(alphabet="${}编号标题$a.{}_[]()\n", max_size=60))
def test_any_text_is_filled_or_refused_in_words(text):
    wrong = problems(text)
    if wrong:
        with pytest.raises(TemplateError):
            preview(text)
    else:
        assert "${" not in preview(text.replace("$$", ""))


def test_labels_are_those_of_the_placeholders():
    assert list(ALLOWED) == [each.label for each in PLACEHOLDERS]
