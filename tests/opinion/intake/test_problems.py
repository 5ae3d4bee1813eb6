import csv
import io

from opinion.intake.problems import RowProblem, write_problems

PROBLEMS = [
    RowProblem(2, "留言时间", "received_at", "error", "没有这个日期，请更正"),
    RowProblem(3, "=cmd|'x'!A1", "", "warning", "＠请核对"),
    RowProblem(4, "", "", "error", '含"引号",和\n换行'),
]
TABLE = [
    ["行号", "列", "级别", "原因"],
    ["2", "留言时间", "错误", "没有这个日期，请更正"],
    ["3", "'=cmd|'x'!A1", "提醒", "'＠请核对"],
    ["4", "", "错误", '含"引号",和\n换行'],
]


def test_problem_file_opens_as_chinese_text_and_runs_nothing(tmp_path):
    path = tmp_path / "errors.csv"
    assert write_problems(path, iter(PROBLEMS)) == 3
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == TABLE


def test_problem_file_can_be_a_stream():
    stream = io.StringIO(newline="")
    assert write_problems(stream, PROBLEMS) == 3
    assert list(csv.reader(io.StringIO(stream.getvalue().removeprefix("\ufeff"), newline=""))) == TABLE


def test_problem_file_without_problems_has_its_header(tmp_path):
    path = tmp_path / "errors.csv"
    assert write_problems(path, []) == 0
    assert path.read_text(encoding="utf-8-sig") == "行号,列,级别,原因\n"
