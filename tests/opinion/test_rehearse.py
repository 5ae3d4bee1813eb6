"""A policy previewed on past messages: real times, the real engine, and nothing left behind."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from opinion.rehearsal.report import table
from opinion.rehearsal.scratch import scratch_database
from tests.conftest import OPTIONAL
from tests.opinion.intake.files import HEADINGS, write_csv
from workflows.models import Case, Event, PolicyVersion, Unit, User
from workflows.publishing import publish
from workflows.recording import system_id

HEAD = (*HEADINGS, "答复意见", "答复时间")
REAL = Path(os.environ.get("HUIYIN_REAL_MESSAGES", "/nonexistent/messages_with_replies.xlsx"))


def message(number, received, replied, *more):
    return (str(number), "甲", "主题", received, f"第{number}件", "已办", replied, *more)


def rehearse(path, capsys, **options):
    call_command("rehearse", str(path), policy=options.pop("policy", "default"), **options)
    return capsys.readouterr().out


@pytest.fixture
def past(tmp_path):
    """Five usable messages around a National Day, and one row for each reason to skip."""
    rows = [
        # Seven working days from 9-29, the holiday left out: 9-30, 10-9, 10-10 (a make-up Saturday), 10-12 … 10-15.
        message(1, "2020/9/29 10:00:00", "2020/10/15 17:00:00"),
        message(2, "2020/9/29 10:00:00", "2020/10/16 09:00:00"),
        message(3, "2020/11/2 10:00:00", "2020/11/3 10:00:00"),
        message(4, "2020/11/2 10:00:00", "2022/11/2 10:00:00"),
        message(5, "2011/3/1 10:00:00", "2011/3/2 10:00:00"),
        message(6, "2020/11/2 10:00:00", ""),
        message(7, "", "2020/11/3 10:00:00"),
        message(8, "2020/11/2 10:00:00", "2020/11/1 10:00:00"),
        message(9, "去年", "2020/11/1 10:00:00"),
        message(10, "2006/3/1 10:00:00", "2006/3/2 10:00:00"),
    ]
    return write_csv(tmp_path / "past.csv", [HEAD, *rows, rows[2]])


@pytest.mark.django_db
@pytest.mark.once
class TestFigures:
    def test_what_is_judged_and_what_is_skipped(self, past, capsys):
        said = json.loads(rehearse(past, capsys, format="json"))
        whole = said["whole"]
        assert (said["read"], whole["count"], whole["on_time"], said["misses_logged"]) == (11, 5, 3, 2)
        assert said["skipped"] == {
            "行内有错，读不出来": 1,
            "与前面的行重复": 1,
            "没有答复时间": 1,
            "没有留言时间": 1,
            "答复早于留言": 1,
            "不在工作日历已公布的年份内": 1,
        }
        assert [(g["label"], g["on_time"], g["count"]) for g in said["by_month"]] == [
            ("2011-03", 1, 1),
            ("2020-09", 1, 2),
            ("2020-11", 1, 2),
        ]
        assert whole["median_days"] == pytest.approx(16.29, abs=0.01)
        assert whole["worst_days"] == 730

    def test_working_days_leave_out_holidays_and_count_make_up_days(self, tmp_path, capsys):
        path = write_csv(tmp_path / "a.csv", [HEAD, message(1, "2020/9/29 10:00:00", "2020/10/13 10:00:00")])
        whole = json.loads(rehearse(path, capsys, format="json"))["whole"]
        # From ten to ten: 9-30, 10-9, 10-10 and 10-12 whole, and one more day made of 9-29 and 10-13.
        assert whole["median_working_days"] == pytest.approx(5)
        assert whole["median_days"] == 14

    def test_another_type_has_another_limit(self, tmp_path, capsys):
        path = write_csv(tmp_path / "a.csv", [HEAD, message(1, "2020/11/2 10:00:00", "2020/11/9 10:00:00")])
        assert json.loads(rehearse(path, capsys, format="json"))["whole"]["on_time"] == 1
        consult = json.loads(rehearse(path, capsys, format="json", type="consult"))
        assert (consult["whole"]["on_time"], consult["by_type"][0]["label"]) == (0, "咨询")

    def test_types_of_the_file_are_used(self, tmp_path, capsys):
        rows = [
            message(1, "2020/11/2 10:00:00", "2020/11/9 10:00:00", "咨询"),
            message(2, "2020/11/2 10:00:00", "2020/11/9 10:00:00", "求助"),
            message(3, "2020/11/2 10:00:00", "2020/11/9 10:00:00", "不知道"),
        ]
        path = write_csv(tmp_path / "a.csv", [(*HEAD, "留言类型"), *rows])
        out = rehearse(path, capsys)
        assert "1 件没有可识别的类型：按“求助”计算" in out
        groups = json.loads(rehearse(path, capsys, format="json"))["by_type"]
        assert [(g["label"], g["on_time"], g["count"]) for g in groups] == [("咨询", 0, 1), ("求助", 2, 2)]

    def test_text_says_what_it_rests_on_before_the_figures(self, past, capsys):
        out = rehearse(past, capsys)
        assert out.index("文件没有留言类型一列：全部按“求助”计算") < out.index("读取 11 件")
        assert "按时答复 3 / 5（60.0%）" in out
        assert "推演 5 件，跳过 6 件" in out

    def test_rungs_reached_before_the_reply_are_counted(self, past, capsys):
        """One answered on its last day, one an hour late, one after two years; two within a day."""
        said = json.loads(rehearse(past, capsys, format="json"))["rungs"]
        assert [(rung["rung"], rung["count"]) for rung in said] == [
            ("过半提醒", 3),
            ("临期预警", 3),
            ("逾期催办", 2),
            ("黄色督办", 1),
            ("红色督办并约谈", 1),
            ("通报", 1),
        ]
        assert "甲级阶梯（工作日时限）：逾期催办" in rehearse(past, capsys)

    def test_countys_own_policy_is_the_one_rehearsed(self, past, capsys, at):
        shipped = PolicyVersion.objects.latest_of("default").source
        stricter = shipped.replace("clock: resolve, limit: 7wd", "clock: resolve, limit: 1wd")
        assert stricter != shipped
        publish(stricter, "本县.yaml", by=User.objects.system(), at=at)
        out = rehearse(past, capsys)
        assert "default 第 2 版" in out
        assert "按时答复 2 / 5" in out

    def test_nothing_usable_is_said(self, tmp_path, capsys):
        path = write_csv(tmp_path / "a.csv", [HEAD, message(1, "2020/11/2 10:00:00", "")])
        assert "没有可推演的留言" in rehearse(path, capsys)


@pytest.mark.django_db
class TestScratch:
    def test_real_database_is_untouched_and_back_in_place(self, county, past, at, capsys):
        county.register(at)
        before = (
            connection.vendor,
            connections["default"],
            system_id(),
            Case.objects.count(),
            Event.objects.count(),
        )
        rehearse(past, capsys)
        after = (
            connection.vendor,
            connections["default"],
            system_id(),
            Case.objects.count(),
            Event.objects.count(),
        )
        assert after == before
        assert Unit.objects.filter(code="desk").get() == county.desk
        county.walk("closed", at + timedelta(hours=1))

    def test_put_back_when_something_breaks(self, db):
        live = connections["default"]

        def breaks():
            with scratch_database():
                assert connections["default"] is not live
                assert connection.vendor == "sqlite"
                assert not User.objects.exists()
                raise RuntimeError("broken")

        with pytest.raises(RuntimeError, match="broken"):
            breaks()
        assert connections["default"] is live
        assert User.objects.system().username == "system"

    def test_documents_are_the_countys(self, db):
        published = PolicyVersion.objects.latest_of("default")
        with scratch_database():
            copied = PolicyVersion.objects.latest_of("default")
            assert (copied.pk, copied.spec) == (published.pk, published.spec)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"policy": "none"}, "没有发布过时限规则“none”，已发布的有：default"),
        ({"source": "weibo"}, "没有“weibo”"),
        ({"type": "other"}, "没有“other”，可用的有：consult（咨询）"),
    ],
)
def test_wrong_option_is_named(past, capsys, options, reason):
    with pytest.raises(CommandError, match=reason):
        rehearse(past, capsys, **options)


@pytest.mark.django_db
def test_wrong_file_is_named(tmp_path, capsys):
    with pytest.raises(CommandError, match="表头里没有：答复时间"):
        rehearse(
            write_csv(tmp_path / "a.csv", [HEADINGS, ("1", "甲", "乙", "2020/1/1 9:00:00", "丙")]), capsys
        )
    with pytest.raises(CommandError, match="没有这个文件"):
        rehearse(tmp_path / "none.xlsx", capsys)
    (tmp_path / "b.xlsx").write_bytes(b"%PDF")
    with pytest.raises(CommandError, match="文件不能用"):
        rehearse(tmp_path / "b.xlsx", capsys)


def test_table_lines_up_under_chinese_headings():
    assert list(table(["月份", "按时"], [["2020-01", "1"], ["合计", "12"]])) == [
        "月份     按时",
        "2020-01     1",
        "合计       12",
    ]


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.django_db
def test_real_messages(capsys):
    if not REAL.exists():
        pytest.skip(f"{OPTIONAL}：没有真实留言文件（HUIYIN_REAL_MESSAGES）")
    whole = json.loads(rehearse(REAL, capsys, format="json"))["whole"]
    assert whole["count"] == 2816
    assert f"{whole['median_days']:.1f}" == "11.2"
