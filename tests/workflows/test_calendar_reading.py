"""A year's holidays from a notice, ICS or JSON: understood whole, or refused by the sentence."""

import datetime as dt
import json

import pytest

from tests.workflows.calendar_examples import china
from workflows.calendars import CalendarError, DayKind, compile_calendar
from workflows.calendars.due_years import missing_year
from workflows.calendars.notices import read_notice
from workflows.calendars.reading import read

# Made up, in the form of the yearly notice.
NOTICE = """国务院办公厅关于2027年
部分节假日安排的通知
国办发明电〔2026〕99号
各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
经国务院批准，现将2027年元旦、春节等放假调休日期的具体安排通知如下。
一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（农历腊月二十九、周五）至11日（周四）放假调休，共7天。1月31日（周日）、2月14日（周日）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。5月8日（周六）上班。
五、端午节：6月9日（周三）放假，共1天。
六、中秋节：9月15日（周三）放假。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
节假日期间，各地区、各部门要妥善安排好值班和安全、保卫等工作。
"""


def understood(text):
    return read(text, china().spec, origin="通知")


def problems(text):
    with pytest.raises(CalendarError) as raised:
        understood(text)
    return raised.value.problems


def test_a_notice_becomes_the_next_version():
    found = understood(NOTICE)
    assert (found.notice.year, found.notice.source) == (2027, "国办发明电〔2026〕99号")
    assert len(found.notice.off) == 27
    assert sorted(found.notice.on) == [
        dt.date(2027, 1, 31), dt.date(2027, 2, 14), dt.date(2027, 5, 8), dt.date(2027, 9, 26), dt.date(2027, 10, 9),
    ]  # fmt: skip
    assert found.spec.published_through == dt.date(2027, 12, 31)
    calendar = compile_calendar(found.spec)
    assert not calendar.is_working_day(dt.date(2027, 2, 11))
    assert calendar.is_working_day(dt.date(2027, 2, 14))
    kept = [row for row in found.spec.exceptions if row.date.year < 2027]
    assert kept == list(china().spec.exceptions)
    # A Saturday off needs no row; only days that differ from the week have one.
    assert dt.date(2027, 5, 1) not in {row.date for row in found.spec.exceptions}


def test_the_same_notice_a_second_time_changes_nothing():
    once = understood(NOTICE)
    assert read(NOTICE, once.spec, origin="通知").spec == once.spec


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "放假，共3天。\n二",
            "或放假或不放假。\n二",
            "看不懂：元旦：1月1日（周五）至3日（周日）或放假或不放假",
        ),
        ("1月1日（周五）", "1月1日（周四）", "2027-01-01 是周五，原文写“周四”，请核对"),
        ("至11日（周四）放假调休，共7天", "至11日（周四）放假调休，共8天", "春节：写明共8天，数得7天"),
        ("5月8日（周六）上班", "5月7日上班", "2027-05-07 本来就是工作日，不必补班"),
        ("5月8日（周六）上班", "2月30日上班", "没有这一天：2月30日"),
        ("5月8日（周六）上班", "5月1日上班", "2027-05-01 既放假又上班"),
        ("六、中秋节：9月15日（周三）放假。", "", "2027-09-15"),
        ("节假日期间", "另外，12月24日下午放假", "看不懂：另外，12月24日下午放假"),
    ],
)
def test_what_is_not_understood_is_named_and_nothing_is_read(old, new, problem):
    assert old in NOTICE
    found = problems(NOTICE.replace(old, new))
    assert any(problem in line for line in found), found


def test_a_problem_names_its_line_and_the_way_to_write_it():
    (problem,) = problems(NOTICE.replace("6月9日（周三）放假，共1天", "6月9日或放假"))
    assert problem.startswith("第 10 行：看不懂：端午节：6月9日或放假")
    assert "可改写成" in problem


# The notice for the year that is shipped, 国办发明电〔2025〕7号, in its own form of words.
NOTICE_2026 = """国务院办公厅关于2026年部分节假日安排的通知
国办发明电〔2025〕7号
各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
经国务院批准，现将2026年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、清明节：4月4日（周六）至6日（周一）放假，共3天。
四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
五、端午节：6月19日（周五）至21日（周日）放假，共3天。
六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
"""


def test_the_notice_of_2026_gives_the_calendar_that_is_shipped():
    shipped = china().spec
    before = shipped.model_copy(
        update={
            "exceptions": tuple(row for row in shipped.exceptions if row.date.year < 2026),
            "published_through": dt.date(2025, 12, 31),
        }
    )
    assert read(NOTICE_2026, before, origin="通知").spec == shipped


def test_a_text_without_a_year_is_refused():
    assert problems("今年春节放假")[0].startswith("找不到年份")


def test_a_year_may_not_be_left_out():
    assert "请先补上 2027 年" in "".join(
        problems(NOTICE.replace("2027年", "2028年").replace("（周", "（农历"))
    )


def test_ranges_may_cross_the_year():
    notice = read_notice(
        "关于2023年部分节假日安排的通知\n一、元旦：2022年12月31日至2023年1月2日放假调休，共3天。"
    )
    assert notice.problems == []
    assert sorted(notice.off) == [dt.date(2022, 12, 31), dt.date(2023, 1, 1), dt.date(2023, 1, 2)]


def days_of(notice):
    return [
        *({"date": day.isoformat(), "name": name, "isOffDay": True} for day, name in notice.off.items()),
        *({"date": day.isoformat(), "name": name, "isOffDay": False} for day, name in notice.on.items()),
    ]


def test_json_says_the_same_as_the_notice():
    notice = read_notice(NOTICE)
    text = json.dumps({"year": 2027, "source": notice.source, "days": days_of(notice)})
    assert understood(text).spec == understood(NOTICE).spec


def test_a_whole_calendar_is_taken_as_it_is():
    spec = china().spec
    assert understood(json.dumps(spec.model_dump(mode="json"))).spec == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code: china\nlabel: 2026-02-31\nweekly: {}", "第 2 行第 8 列: YAML 格式有误：“2026-02-31” 不是有效的日期或时间"),
        ('code: china\nlabel: "a\\0b"\nweekly: {}', "label: “a\\0b”含有无法保存的字符"),
        ('{"weekly": {}, "label": "a\\u0000b"}', "label: “a\\0b”含有无法保存的字符"),
        ('{"year": ' + "1" * 5000 + "}", "JSON 里有过长的数字"),
        ("[" * 100_000, "JSON 嵌套过深"),
    ],
)  # fmt: skip
def test_values_that_are_none_are_refused_with_their_place(text, said):
    with pytest.raises(CalendarError) as refused:
        read(text, china().spec, origin="日历")
    assert refused.value.problems[0].startswith(said)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"year": 2027, "days": [{"date": "x"}]}', '{"year": 2027, "days": []}']
)
def test_other_json_is_refused(text):
    assert problems(text)


def ics(notice, extra=""):
    events = "".join(
        f"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{day:%Y%m%d}\r\nSUMMARY:{name}（{word}）\r\nEND:VEVENT\r\n"
        for word, days in (("休", notice.off), ("班", notice.on))
        for day, name in days.items()
    )
    return f"BEGIN:VCALENDAR\r\n{events}{extra}END:VCALENDAR\r\n"


def test_ics_says_the_same_as_the_notice():
    found = understood(ics(read_notice(NOTICE))).spec
    plain = [(row.date, row.kind) for row in understood(NOTICE).spec.exceptions]
    assert [(row.date, row.kind) for row in found.exceptions] == plain
    assert DayKind.MAKEUP in {kind for _, kind in plain}


def test_an_ics_event_that_says_neither_is_refused():
    extra = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270601\r\nSUMMARY:儿童节\r\nEND:VEVENT\r\n"
    assert problems(ics(read_notice(NOTICE), extra)) == ["看不懂：儿童节 20270601"]


def test_the_next_year_is_missed_from_november():
    spec = china().spec
    assert missing_year(spec, dt.date(2026, 10, 31)) is None
    assert missing_year(spec, dt.date(2026, 11, 1)) == 2027
    assert missing_year(spec, dt.date(2027, 1, 1)) == 2027
    assert missing_year(understood(NOTICE).spec, dt.date(2026, 12, 1)) is None
