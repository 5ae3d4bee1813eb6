"""What becomes of a row: a message, or problems that name row, column and fix."""

import hashlib
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from opinion.intake.headers import map_headers
from opinion.intake.limits import ReadLimits
from opinion.intake.moments import CHINA, IMPOSSIBLE
from opinion.intake.problems import RowProblem
from opinion.intake.rows import ParsedRow, ReadTally, read_messages
from opinion.intake.sheets import open_sheet
from tests.opinion.intake.files import (
    HEADINGS,
    MESSAGE,
    inline_cell,
    sheet_xml,
    wide,
    write_csv,
    write_parts,
    write_xlsx,
)


def import_file(path, *, overrides=None, limits=None, **options):
    with open_sheet(path, limits=limits) as sheet:
        return list(read_messages(sheet, map_headers(sheet.headers, overrides), **options))


@pytest.fixture
def rows_of(tmp_path):
    def read(*rows, headings=HEADINGS, **options):
        return import_file(write_csv(tmp_path / "a.csv", [headings, *rows]), **options)

    return read


def told(problem):
    return (problem.row_number, problem.column, problem.field, problem.severity)


def replaced(**changes):
    fields = dict(zip(("number", "author", "subject", "time", "body"), MESSAGE, strict=True))
    return tuple((fields | changes).values())


def test_row_becomes_a_message(rows_of):
    assert rows_of(MESSAGE) == [
        ParsedRow(
            row_number=2,
            external_number="24",
            external_key="24",
            author="A0001",
            subject="路灯不亮",
            received_at=datetime(2026, 3, 5, 9, 5, tzinfo=CHINA),
            body="东街三号门口的路灯坏了三天。",
        )
    ]


def test_message_is_frozen_and_absent_fields_are_none(rows_of):
    (row,) = rows_of(MESSAGE)
    with pytest.raises(FrozenInstanceError):
        row.body = "x"
    assert (row.phone, row.reply_body, row.grade_speed, row.asked_confidential, row.problems) == (
        None,
    ) * 4 + ((),)


def test_every_field_is_read_and_cleaned(rows_of):
    headings = (
        "tid", "网友", "标题", "正文", "发布时间", "答复", "答复时间", "手机", "地址", "邮箱", "类型", "领域",
        "紧急程度", "事发地点", "是否保密", "来源", "承办单位", "状态", "fid", "解决程度", "办理态度", "办理速度",
    )  # fmt: skip
    row = (
        wide("A 7"), " 某某 ", "甲\n乙", "\n\t\t第一段\r\n\u3000\u3000第二段", "1772672700", "您好：\n已修复。", "2026-03-06 10:00",
        "+86 138-0000-0000", "东街\u30003号", "a@example.com", "投诉", "城乡建设", "紧急", "东街", "是", "微信公众号", "城管局",
        "已回复", "77", "5", "4分", wide("3"),
    )  # fmt: skip
    (message,) = rows_of(row, headings=headings)
    assert message == ParsedRow(
        row_number=2,
        external_number="A 7",
        external_key="A 7",
        author="某某",
        subject="甲 乙",
        body="第一段\n第二段",
        received_at=datetime(2026, 3, 5, 1, 5, tzinfo=UTC),
        reply_body="您好：\n已修复。",
        replied_at=datetime(2026, 3, 6, 10, tzinfo=CHINA),
        phone="13800000000",
        address="东街 3号",
        email="a@example.com",
        type="投诉",
        domain="城乡建设",
        urgency="紧急",
        place="东街",
        asked_confidential=True,
        source_label="微信公众号",
        unit="城管局",
        state="已回复",
        board="77",
        grade_solving=5,
        grade_manner=4,
        grade_speed=3,
    )


def test_missing_number_author_and_time_are_warnings_and_stay_none(rows_of):
    (row,) = rows_of(replaced(number="", author=" ", time=""))
    assert (row.external_number, row.author, row.received_at) == (None, None, None)
    assert sorted(map(told, row.problems)) == [
        (2, "留言时间", "received_at", "warning"),
        (2, "留言用户", "author", "warning"),
        (2, "留言编号", "external_number", "warning"),
    ]


def test_columns_the_file_lacks_are_reported_once_on_the_header_row(rows_of):
    *problems, first, second = rows_of(("路灯坏了", "x"), ("井盖坏了", "y"), headings=("留言详情", "坐席"))
    assert [told(problem)[1:] for problem in problems] == [
        ("留言编号", "external_number", "warning"),
        ("留言用户", "author", "warning"),
        ("留言时间", "received_at", "warning"),
    ]
    assert {problem.row_number for problem in problems} == {1}
    assert (first.problems, second.problems) == ((), ())


def test_row_with_a_subject_alone_is_taken_in_with_its_body_left_empty(rows_of):
    first, second = rows_of(replaced(body=" \u3000"), MESSAGE)
    assert first.body == ""
    assert [told(problem) for problem in first.problems] == [(2, "留言详情", "body", "warning")]
    assert "缺少留言详情" in first.problems[0].reason
    assert second.row_number == 3


def test_row_with_neither_subject_nor_body_is_an_error(rows_of):
    outcome = rows_of(replaced(subject="", body=" \u3000"), MESSAGE)
    assert (2, "留言详情", "body", "error") in map(told, outcome[:-1])
    assert outcome[-1].row_number == 3


def test_body_of_nothing_but_nul_is_an_error_without_a_subject(rows_of):
    problems = rows_of(replaced(subject="", body="\x00"))
    assert [told(p)[2:] for p in problems if p.field == "body"] == [("body", "warning"), ("body", "error")]


def test_row_with_a_number_and_nothing_else_is_not_taken_for_empty(rows_of):
    problems = rows_of(("24", "", "", "", ""))
    assert (2, "留言详情", "body", "error") in map(told, problems)


def test_blank_rows_are_counted_between_and_not_after(rows_of):
    tally = ReadTally()
    blank = ("", " ", "", "\u3000", "")
    rows_of(blank, MESSAGE, blank, blank, replaced(number="25"), blank, tally=tally)
    assert tally == ReadTally(rows=2, parsed=2, failed=0, repeated=0, blank=3)


def test_tally_adds_up(rows_of):
    tally = ReadTally()
    rows_of(
        MESSAGE,
        MESSAGE,
        replaced(body="别的"),
        replaced(number="25"),
        replaced(number="9", subject="", body=""),
        tally=tally,
    )
    assert tally == ReadTally(rows=5, parsed=2, failed=2, repeated=1, blank=0)


def test_same_number_and_content_is_skipped_with_a_warning(rows_of):
    _, problem = rows_of(MESSAGE, MESSAGE)
    assert told(problem) == (3, "留言编号", "external_number", "warning")
    assert problem.reason == "与第 2 行编号和内容都相同，已跳过"


def test_same_number_with_other_content_is_an_error(rows_of):
    _, problem = rows_of(MESSAGE, replaced(body="另一件事。"))
    assert told(problem) == (3, "留言编号", "external_number", "error")
    assert "与第 2 行相同而内容不同" in problem.reason


def test_row_with_an_error_does_not_occupy_its_number(rows_of):
    *problems, row = rows_of(replaced(subject="", body=""), MESSAGE)
    assert {type(each) for each in problems} == {RowProblem}
    assert row.row_number == 3


def test_rows_without_number_get_stable_keys_and_equal_ones_stay_apart(rows_of):
    rows = (replaced(number=""), replaced(number="", body="井盖。"), replaced(number="", author="B"))
    keys = [row.external_key for row in rows_of(*rows)]
    digest = hashlib.sha256("路灯不亮\0东街三号门口的路灯坏了三天。".encode()).hexdigest()[:16]
    assert keys[0] == f"digest:{digest}:1"
    assert keys[2] == f"digest:{digest}:2"
    assert len(set(keys)) == 3
    assert [row.external_key for row in rows_of(*rows)] == keys


def test_number_cannot_imitate_a_digest_key(rows_of):
    (problem,) = rows_of(replaced(number="digest:0123456789abcdef:1"))
    assert told(problem) == (2, "留言编号", "external_number", "error")


def test_overlong_number_and_line_are_errors(rows_of):
    problems = rows_of(replaced(number="9" * 65), replaced(number="1", author="长" * 501))
    assert [told(problem)[:3] for problem in problems] == [
        (2, "留言编号", "external_number"),
        (3, "留言用户", "author"),
    ]


def test_impossible_date_is_an_error_of_that_row_alone(rows_of):
    problem, row = rows_of(replaced(time="2026/2/30 9:05:00"), replaced(number="25"))
    assert told(problem) == (2, "留言时间", "received_at", "error")
    assert problem.reason == IMPOSSIBLE
    assert row.external_number == "25"


def test_date_without_time_is_registered_with_a_warning(rows_of):
    (row,) = rows_of(replaced(time="2026年3月5日"))
    assert row.received_at == datetime(2026, 3, 5, tzinfo=CHINA)
    assert [told(problem) for problem in row.problems] == [(2, "留言时间", "received_at", "warning")]


def test_message_from_the_future_is_an_error(rows_of):
    now = datetime(2026, 3, 5, 9, 4, 59, tzinfo=CHINA)
    (problem,) = rows_of(MESSAGE, at=now)
    assert told(problem) == (2, "留言时间", "received_at", "error")
    assert isinstance(rows_of(MESSAGE, at=now.replace(minute=5, second=0))[0], ParsedRow)


def test_reply_before_the_message_is_a_warning(rows_of):
    (row,) = rows_of((*MESSAGE, "2026/3/1 8:00:00"), headings=(*HEADINGS, "答复时间"))
    assert [told(problem) for problem in row.problems] == [(2, "答复时间", "replied_at", "warning")]


@pytest.mark.parametrize(
    ("heading", "cell", "field", "value", "warned"),
    [
        ("是否保密", "否", "asked_confidential", False, False),
        ("是否保密", "TRUE", "asked_confidential", True, False),
        ("是否保密", "看情况", "asked_confidential", True, True),
        ("是否保密", "", "asked_confidential", None, False),
        ("解决程度", "6", "grade_solving", None, True),
        ("解决程度", "5星", "grade_solving", 5, False),
        ("电话", "123", "phone", "123", False),
        ("电话", "1380000", "phone", "1380000", False),
        ("电话", "138000000", "phone", "138000000", True),
        ("地址", "甲\x00乙", "address", "甲乙", True),
    ],
)
def test_doubtful_cells_are_kept_or_emptied_with_a_warning(rows_of, heading, cell, field, value, warned):
    (row,) = rows_of((*MESSAGE, cell), headings=(*HEADINGS, heading))
    assert getattr(row, field) is value if value in {None, True, False} else getattr(row, field) == value
    assert [told(p) for p in row.problems] == ([(2, heading, field, "warning")] if warned else [])


def test_repeated_columns_must_agree(rows_of):
    headings = (*HEADINGS, "留言详情")
    first, *others = rows_of(
        (*MESSAGE, MESSAGE[4]),
        (*replaced(number="25"), "别的"),
        (*replaced(number="26", body=""), "只在后一列"),
        headings=headings,
    )
    assert told(first) == (1, "留言详情", "body", "warning")
    assert [(row.row_number, getattr(row, "severity", None)) for row in others] == [
        (2, None),
        (3, "error"),
        (4, None),
    ]
    assert others[2].body == "只在后一列"


def test_row_with_too_many_cells_is_an_error(rows_of):
    problem, row = rows_of((*MESSAGE, "多出来的"), (*replaced(number="25"), "", ""))
    assert told(problem) == (2, "", "", "error")
    assert "多于表头的 5 列" in problem.reason
    assert row.external_number == "25"


def test_body_broken_by_a_line_end_spoils_both_halves(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("留言编号,留言主题,留言详情\n1,甲,第一行\n第二行\n2,乙,完整\n", encoding="utf-8")
    outcome = import_file(path)[2:]
    assert [(each.row_number, getattr(each, "severity", None)) for each in outcome] == [
        (2, "error"),
        (3, "error"),
        (4, None),
    ]


def test_untrusted_cells_are_errors_in_mapped_columns_only(tmp_path):
    rows = (
        f"<row r='1'>{inline_cell('A1', '坐席')}{inline_cell('B1', '留言编号')}{inline_cell('C1', '留言详情')}</row>"
        f"<row r='2'><c r='A2' t='e'><v>#N/A</v></c>{inline_cell('B2', '1')}{inline_cell('C2', '路灯')}</row>"
        f"<row r='3'>{inline_cell('A3', '甲')}<c r='B3' t='e'><v>#N/A</v></c>{inline_cell('C3', '井盖')}</row>"
    )
    outcome = import_file(write_parts(tmp_path / "a.xlsx", sheet_xml(rows)))[2:]
    assert isinstance(outcome[0], ParsedRow)
    assert told(outcome[1]) == (3, "留言编号", "external_number", "error")


def test_overlong_body_is_an_error_of_that_row_alone(tmp_path):
    path = write_csv(tmp_path / "a.csv", [HEADINGS, replaced(body="长" * 101), replaced(number="25")])
    problem, row = import_file(path, limits=ReadLimits(max_cell_characters=100))
    assert told(problem) == (2, "留言详情", "body", "error")
    assert "超过 100 字" in problem.reason
    assert row.external_number == "25"


def test_workbook_rows_read_like_csv_rows(tmp_path):
    moment = datetime(2026, 3, 5, 9, 5)  # noqa: DTZ001 -- a date cell has no zone
    workbook = write_xlsx(tmp_path / "a.xlsx", [HEADINGS, (24, *MESSAGE[1:3], moment, MESSAGE[4])])
    assert import_file(workbook) == import_file(write_csv(tmp_path / "a.csv", [HEADINGS, MESSAGE]))


def test_number_turned_into_a_date_is_an_error(tmp_path):
    moment = datetime(2026, 3, 1)  # noqa: DTZ001 -- a date cell has no zone
    (problem,) = import_file(write_xlsx(tmp_path / "a.xlsx", [HEADINGS, (moment, *MESSAGE[1:])]))
    assert told(problem) == (2, "留言编号", "external_number", "error")


def test_overrides_reach_the_rows(rows_of):
    (row,) = rows_of(MESSAGE, overrides={"subject": "留言用户", "author": ""})[1:]
    assert (row.subject, row.author) == ("A0001", None)


def test_mapping_without_a_body_is_refused(rows_of):
    with pytest.raises(ValueError, match="留言详情"):
        rows_of(("1", "x"), headings=("留言编号", "留言主题"))


def test_no_problem_quotes_a_cell(rows_of):
    secret = "某某某13800000000东街3号"
    outcome = rows_of(
        (secret * 3, secret, secret, secret, "", secret), (secret, *MESSAGE[1:4], secret, secret),
        headings=(*HEADINGS, "电话"),
    )  # fmt: skip
    problems = [p for each in outcome for p in ([each] if isinstance(each, RowProblem) else each.problems)]
    assert len(problems) >= 3
    assert not [problem for problem in problems if "某某某" in problem.reason or "138" in problem.reason]
