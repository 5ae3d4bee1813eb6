"""Calendar documents: what is accepted survives JSON, what is not is refused with place and fix in Chinese."""

import json

import pytest

from tests.workflows.calendar_examples import CALENDARS, CHINA_FILE, document
from workflows.calendars import CalendarError, CalendarSpec, load_calendar, parse_calendar


def exception(date: str, kind: str, **more) -> dict[str, object]:
    return {"date": date, "kind": kind, "name": "镇庆", "source": "镇〔2024〕1号", **more}


@pytest.mark.parametrize("make", CALENDARS)
def test_spec_survives_json(make):
    spec = make().spec
    assert CalendarSpec.model_validate(json.loads(json.dumps(spec.model_dump(mode="json")))) == spec


def test_the_shipped_document_loads():
    spec = load_calendar(CHINA_FILE)
    assert (spec.code, str(spec.published_from), str(spec.published_through)) == (
        "china",
        "2010-01-01",
        "2026-12-31",
    )


@pytest.mark.parametrize(
    ("changes", "place", "fix"),
    [
        ({"weekly": {}}, "weekly", "至少写一天的时段"),
        ({"weekly": {"monday": ["09:00-12:00", "11:00-13:00"]}}, "weekly.monday", "互不重叠"),
        ({"weekly": {"monday": ["14:00-17:00", "09:00-12:00"]}}, "weekly.monday", "互不重叠"),
        ({"weekly": {"monday": ["12:00-09:00"]}}, "weekly.monday[0]", "结束应晚于开始"),
        ({"weekly": {"monday": ["09:00-24:01"]}}, "weekly.monday[0]", "不晚于 24:00"),
        ({"weekly": {"monday": [720]}}, "weekly.monday[0]", "写成 08:30-12:00"),
        ({"weekly": {"monday": ["9:00-12:00"]}}, "weekly.monday[0]", "写成 08:30-12:00"),
        ({"weekly": {"monday": "09:00-12:00"}}, "weekly.monday", "应为列表"),
        ({"weekly": ["09:00-12:00"]}, "weekly", "应为若干“名称: 值”"),
        ({"weekly": {"moonday": ["09:00-12:00"]}}, "weekly.moonday", "核对拼写"),
        ({"makeup_segments": ["09:00-12:00", "11:00-13:00"]}, "makeup_segments", "互不重叠"),
        ({"timezone": "Asia/Peking"}, "timezone", "写成 Asia/Shanghai"),
        ({"timezone": "../etc/passwd"}, "timezone", "写成 Asia/Shanghai"),
        ({"timezone": ""}, "timezone", "写成 Asia/Shanghai"),
        ({"timezone": 8}, "timezone", "应为文字"),
        ({"published_from": "2027-01-01"}, "published_from", "请调换或更正"),
        ({"published_through": "2026-13-01"}, "published_through", "写成 2026-01-01"),
        ({"code": "Town Hall"}, "code", "小写字母开头"),
        ({"label": ""}, "label", "不能为空"),
        ({"colour": "red"}, "colour", "不认识此项"),
        ({"exceptions": [exception("2024-03-05", "party")]}, "exceptions[0].kind", "makeup（补班）"),
        ({"exceptions": [exception("5 March", "holiday")]}, "exceptions[0].date", "写成 2026-01-01"),
        ({"exceptions": [exception("2024-03-05", "makeup")]}, "exceptions[0]（2024-03-05）", "请删除该行"),
        (
            {"exceptions": [exception("2024-03-09", "special", segments=["09:00-10:00"])]},
            "exceptions[0]",
            "改用 makeup",
        ),
        ({"exceptions": [exception("2024-03-05", "special")]}, "exceptions[0]", "须写 segments"),
        (
            {"exceptions": [exception("2024-03-05", "holiday", segments=["09:00-10:00"])]},
            "exceptions[0]",
            "改为 special",
        ),
        (
            {"exceptions": [exception("2024-03-05", "special", segments=["09:00-11:00", "10:00-12:00"])]},
            "exceptions[0].segments",
            "互不重叠",
        ),
        (
            {"exceptions": [exception("2024-03-09", "makeup")], "makeup_segments": []},
            "exceptions[0]（2024-03-09）",
            "请写 makeup_segments",
        ),
        (
            {"exceptions": [exception("2024-03-05", "holiday"), exception("2024-03-05", "holiday")]},
            "exceptions：2024-03-05 写了 2 次",
            "只保留一行",
        ),
        (
            {"exceptions": [{"date": "2024-03-05", "kind": "holiday", "name": "x"}]},
            "exceptions[0].source",
            "请补上",
        ),
        ({"statutory": [{"date": "2027-01-01", "name": "元旦"}] * 2}, "statutory：2027-01-01", "合并为一行"),
        ({"statutory": [{"date": "2026-01-01", "name": "元旦"}]}, "statutory：2026-01-01", "补入 exceptions"),
    ],
)
def test_bad_document_is_refused_with_place_and_fix(changes, place, fix):
    with pytest.raises(CalendarError) as caught:
        parse_calendar(document(**changes), origin="town.yaml")
    (problem,) = caught.value.problems
    assert str(caught.value) == f"town.yaml：{problem}"
    assert problem.startswith(place)
    assert fix in problem


def test_every_fault_is_reported_at_once():
    with pytest.raises(CalendarError) as caught:
        parse_calendar(document(timezone="Mars", label="", weekly={"monday": ["x"]}))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("data", [None, "china", ["china"], 3])
def test_something_that_is_no_document_is_refused(data):
    with pytest.raises(CalendarError, match="应为若干"):
        parse_calendar(data)


@pytest.mark.parametrize("content", [b"a: [", b"a: \xff\xfe", b"!!python/object/apply:os.system ['true']"])
def test_an_unreadable_file_is_named(tmp_path, content):
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    with pytest.raises(CalendarError, match=r"broken\.yaml：不是可读的 UTF-8 YAML"):
        load_calendar(file)


def test_a_statutory_day_already_in_the_notice_is_accepted():
    spec = parse_calendar(
        document(
            statutory=[{"date": "2026-01-01", "name": "元旦"}, {"date": "2026-10-03", "name": "国庆节"}],
            exceptions=[exception("2026-01-01", "holiday")],
        )
    )
    assert len(spec.statutory) == 2
