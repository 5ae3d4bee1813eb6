import pytest

from opinion.intake.fields import FIELDS, normalise_heading
from opinion.intake.headers import Ambiguity, UnknownHeading, locate_header, map_headers
from tests.opinion.intake.files import wide


@pytest.mark.parametrize(
    "heading",
    [
        "留言时间",
        " 留言 时间 ",
        "留言的时间",
        "留言时间（必填）",
        "*留言时间:",
        "【留言时间】",
        "留言时间(年/月/日)",
        "\ufeff留言时间",
    ],
)
def test_heading_is_known_however_it_is_dressed(heading):
    assert map_headers([heading]).columns == {"received_at": 0}


def test_heading_keeps_something_to_compare():
    assert normalise_heading("（内容）") == "内容"
    assert normalise_heading(wide("TID")) == normalise_heading("tid") == "tid"
    assert normalise_heading("：") == ""


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_synonym_leads_to_its_own_field(field):
    for synonym in (field.label, field.name, *field.synonyms):
        assert list(map_headers([synonym]).columns) == [field.name]


def test_leader_board_export_is_mapped():
    headers = [
        "tid",
        "fid",
        "subject",
        "content",
        "dateline",
        "type",
        "domain",
        "state",
        "organization",
        "answer",
    ]
    assert map_headers(headers).columns == {
        "external_number": 0,
        "board": 1,
        "subject": 2,
        "body": 3,
        "received_at": 4,
        "type": 5,
        "domain": 6,
        "state": 7,
        "unit": 8,
        "reply_body": 9,
    }


def test_hotline_export_in_another_order_with_extra_columns_is_mapped():
    mapping = map_headers(
        ["序号", "诉求内容", "联系电话", "来电人", "受理时间", "诉求标题", "工单编号", "坐席", "紧急程度"]
    )
    assert mapping.columns == {
        "body": 1,
        "phone": 2,
        "author": 3,
        "received_at": 4,
        "subject": 5,
        "external_number": 6,
        "urgency": 8,
    }
    assert (mapping.unknown, mapping.missing_required, mapping.usable) == (("序号", "坐席"), (), True)


def test_missing_columns_are_listed_by_weight():
    mapping = map_headers(["留言主题", "电话"])
    assert mapping.missing_required == ("body",)
    assert mapping.missing_expected == ("external_number", "author", "received_at")
    assert not mapping.usable


def test_better_name_wins_and_the_rivals_are_named():
    mapping = map_headers(["内容", "留言详情", "答复"])
    assert mapping.columns["body"] == 1
    assert mapping.ambiguous == (Ambiguity("body", ("留言详情", "内容")),)
    assert (mapping.repeats, mapping.unknown) == ({}, ("内容",))


def test_repeated_heading_is_kept_for_comparison():
    mapping = map_headers(["留言详情", "留言编号", "留言详情"])
    assert (mapping.columns["body"], mapping.repeats) == (0, {"body": (2,)})
    assert mapping.ambiguous == (Ambiguity("body", ("留言详情", "留言详情")),)
    assert mapping.unknown == ()


def test_override_wins_over_synonyms():
    headers = ["留言详情", "补充说明", "编号甲"]
    mapping = map_headers(headers, {"body": "补充说明", "external_number": 2})
    assert mapping.columns == {"body": 1, "external_number": 2}
    assert mapping.unknown == ("留言详情",)


def test_override_with_nothing_leaves_the_field_unread():
    assert map_headers(["留言详情", "电话"], {"phone": ""}).columns == {"body": 0}


def test_override_takes_the_column_from_its_own_field():
    assert map_headers(["留言主题", "留言详情"], {"body": "留言主题"}).columns == {"body": 0}


@pytest.mark.parametrize(
    "override", [{"body": "没有的列"}, {"body": 5}, {"body": -1}, {"nothing": "留言详情"}]
)
def test_override_of_what_does_not_exist_is_an_error(override):
    with pytest.raises(UnknownHeading):
        map_headers(["留言详情"], override)


def test_header_row_is_found_below_titles():
    rows = [
        (1, ("三月留言汇总", None)),
        (3, ("制表人", "某某")),
        (4, ("留言编号", "留言详情")),
        (5, ("1", "x")),
    ]
    assert locate_header(rows) == 2


def test_header_row_without_known_headings_is_the_first_wide_one():
    assert locate_header([(1, ("标题甲", "")), (2, ("甲", "乙")), (3, ("丙", "丁"))]) == 1
    assert locate_header([(1, ("甲",)), (2, ("乙",))]) == 0
    assert locate_header([(1, ("留言详情",)), (2, ("路灯",))]) == 0


def test_heading_of_names_the_column_as_written():
    mapping = map_headers([" 诉求内容 "])
    assert (mapping.heading_of("body"), mapping.heading_of("phone")) == ("诉求内容", "联系电话")
