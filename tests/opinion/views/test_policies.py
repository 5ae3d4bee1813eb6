"""The page of policies: preview first, then publish, with running cases or without; for system administrators alone."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

import opinion
from tests.opinion.previewed import publish
from workflows.models import Case, PolicyVersion

pytestmark = pytest.mark.django_db

TEXT = (Path(opinion.__file__).parent / "policies" / "default.yaml").read_text(encoding="utf-8")
ACCEPT = "row: accept, clock: accept, limit: 1wd"
LONGER = TEXT.replace(ACCEPT, "row: accept, clock: accept, limit: 3wd")


@pytest.fixture
def page(as_, county):
    return as_(county.sysadmin)


def test_others_are_kept_out(as_, county):
    assert as_(county.dispatcher).get(reverse("policies")).status_code == 403


def test_a_published_version_can_be_taken_up_again(page):
    version = PolicyVersion.objects.get(code="default")
    text = page.get(reverse("policies"), {"version": version.pk}).content.decode()
    assert ACCEPT in text
    assert "第 1 版" in text


@pytest.mark.parametrize("wanted", ["x", "999999", "-1", "9" * 30, "²"])
def test_a_version_there_is_not_leaves_the_form_empty(page, wanted):
    response = page.get(reverse("policies"), {"version": wanted})
    assert response.status_code == 200
    assert ACCEPT not in response.content.decode()


def test_a_file_is_previewed_and_its_text_kept_for_the_next_step(page):
    file = SimpleUploadedFile("rules.yaml", LONGER.encode())
    response = page.post(reverse("policies"), {"file": file})
    text = response.content.decode()
    assert response.status_code == 200
    assert "条目 accept limit：1wd → 3wd" in text
    assert "发布并换过去" in text
    assert "row: accept, clock: accept, limit: 3wd" in text
    assert PolicyVersion.objects.filter(code="default").count() == 1


def test_what_is_wrong_is_named_and_what_was_typed_kept(page):
    wrong = TEXT.replace(ACCEPT, "row: accept, clock: accept, limit: 3 weeks")
    response = page.post(reverse("policies"), {"text": wrong, "apply": "1"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "rules." in text
    assert "limit: 3 weeks" in text
    assert PolicyVersion.objects.filter(code="default").count() == 1


@pytest.mark.parametrize(
    ("page_name", "text"),
    [
        ("policies", "code: default\nlabel: 2026-02-31\nrules: []\n"),
        ("levels", "code: message\nlabel: 2026-02-31\napprovals: []\n"),
        ("calendars", "code: china\nlabel: 2026-02-31\nweekly: {}\n"),
    ],
)
def test_a_day_that_is_not_is_named_and_the_text_kept(page, page_name, text):
    """In every editor of documents."""
    response = page.post(reverse(page_name), {"code": "china", "text": text})
    shown = response.content.decode()
    assert response.status_code == 422
    assert "第 2 行第 8 列: YAML 格式有误：“2026-02-31” 不是有效的日期或时间" in shown
    assert text.strip() in shown


def test_a_character_that_no_database_keeps_is_named_with_its_place(page):
    label = next(line for line in TEXT.splitlines() if line.startswith("label:"))
    response = page.post(reverse("policies"), {"text": TEXT.replace(label, 'label: "时限\\0"', 1)})
    assert response.status_code == 422
    assert "label: “时限\\0”含有无法保存的字符" in response.content.decode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"text": ""}, "请选择文件，或粘贴规则全文"),
        ({"file": SimpleUploadedFile("a.yaml", b"\xff\xfe\xff")}, "不是 UTF-8 编码"),
        ({"text": "code: x\nweekly: 1"}, "未作任何改动"),
    ],
)
def test_other_things_are_refused(page, data, said):
    response = page.post(reverse("policies"), data)
    assert response.status_code == 422
    assert said in response.content.decode()


def test_publishing_alone_leaves_running_cases(page, county, earlier):
    case = county.walk("assigned", earlier)
    response = publish(page, "policies", {"text": LONGER}, follow=True)
    assert "在办案件仍按原版本" in response.content.decode()
    assert Case.objects.get(pk=case.pk).policy.version == 1
    assert PolicyVersion.objects.latest_of("default").published_by.username == "sysadmin"


def test_applying_moves_running_cases_each_with_an_event(page, county, earlier):
    case = county.walk("assigned", earlier)
    response = publish(page, "policies", {"text": LONGER}, order="apply", follow=True)
    assert "1 件案件已换过去" in response.content.decode()
    case = Case.objects.get(pk=case.pk)
    assert case.policy.version == 2
    assert case.events.get(name="policy.changed").actor == county.sysadmin
