"""Tampering with the log, by someone who can lift its triggers, is found and named."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tests.conftest import lowered_guards
from tests.workflows.toy.world import ToyWorld
from workflows import chain, verifying
from workflows.engine import Draft, fire, fire_many, open_many
from workflows.models import Case, Event, Note
from workflows.verifying import Problem, Report, verify

SM3 = "sm3" in hashlib.algorithms_available


@pytest.fixture
def cases(world: ToyWorld, at: Any) -> list[Case]:
    """Three cases, five events each: opened, given, taken, remarked, checked."""
    opened = open_many("toy", [Draft("一件事", world.desk.pk, at) for _ in range(3)], by=world.clerk)
    ids = [case.pk for case in opened]
    fire_many(ids, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire_many(ids, "take", by=world.worker, at=at + timedelta(minutes=1))
    fire_many(ids, "remark", by=world.worker, at=at + timedelta(minutes=2), data={"remark": "电话里说清楚了"})
    fire_many(ids, "check", by=world.worker, at=at + timedelta(minutes=3))
    return list(Case.objects.order_by("id"))


@contextmanager
def tampering() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with lowered_guards(connection):
            yield cursor


def run(sql: str, params: Sequence[Any]) -> None:
    with tampering() as cursor:
        cursor.execute(sql, params)
        assert cursor.rowcount == 1


def checked(at: Any) -> Report:
    return verify(as_of=at + timedelta(days=365))


def only_problem(at: Any) -> Problem:
    report = checked(at)
    assert report.bad == 1
    return report.problems[0]


def test_an_untouched_log_passes(cases, at):
    report = checked(at)
    assert (report.cases, report.events, report.notes, report.bad, report.problems) == (3, 15, 3, 0, [])


@pytest.mark.parametrize(
    ("column", "value"),
    [("data", '{"lead": 1}'), ("actor_id", 1), ("happened_at", "2026-11-01 00:00:00+00:00"), ("name", "toy.other"),
     ("target", "opened"), ("key", "k")],
)  # fmt: skip
def test_a_changed_column_is_found(cases, at, column, value):
    if connection.vendor == "sqlite" and column == "happened_at":
        value = "2026-11-01 00:00:00"
    run(f"UPDATE workflows_event SET {column} = %s WHERE case_id = %s AND seq = 2", [value, cases[1].pk])
    assert only_problem(at) == Problem(cases[1].number, 2, "内容与摘要不符，已被改动")


def test_a_changed_row_with_a_digest_made_to_fit_shows_at_the_next(cases, at):
    event = Event.objects.get(case=cases[1], seq=2)
    before = Event.objects.get(case=cases[1], seq=1).digest
    event.data = {"lead": 99}
    run(
        "UPDATE workflows_event SET data = %s, digest = %s WHERE id = %s",
        ['{"lead": 99}', chain.digest_of(event, before, "sha256"), event.pk],
    )
    assert only_problem(at) == Problem(cases[1].number, 3, "内容与摘要不符，已被改动")


def test_a_missing_event_in_the_middle_is_found(cases, at):
    run("DELETE FROM workflows_event WHERE case_id = %s AND seq = 3", [cases[2].pk])
    assert only_problem(at) == Problem(cases[2].number, 3, "序号应为 3，实为 4，中间有缺失")


def test_a_missing_last_event_is_found(cases, at):
    run("DELETE FROM workflows_event WHERE case_id = %s AND seq = 5", [cases[0].pk])
    assert only_problem(at) == Problem(cases[0].number, 5, "案件记有 5 条，日志只有 4 条，末尾有缺失或多余")


def test_a_case_with_no_event_left_is_found(cases, at):
    Note.objects.filter(case=cases[0]).delete()
    with tampering() as cursor:
        cursor.execute("DELETE FROM workflows_event WHERE case_id = %s", [cases[0].pk])
    assert only_problem(at) == Problem(cases[0].number, 1, "案件记有 5 条，日志只有 0 条，末尾有缺失或多余")


def test_two_swapped_events_are_found(cases, at):
    with tampering() as cursor:
        for old, new in ((3, 99), (4, 3), (99, 4)):
            cursor.execute(
                "UPDATE workflows_event SET seq = %s WHERE case_id = %s AND seq = %s", [new, cases[1].pk, old]
            )
    assert only_problem(at) == Problem(cases[1].number, 3, "内容与摘要不符，已被改动")


def test_a_changed_head_is_found(cases, at):
    run("UPDATE workflows_case SET head = %s WHERE id = %s", ["sha256:" + "0" * 64, cases[1].pk])
    assert only_problem(at) == Problem(cases[1].number, 5, "案件上的链首与最后一条的摘要不符")


def test_a_last_event_cut_off_with_rev_and_head_set_back_shows_in_the_anchor(cases, at):
    noted = checked(at).anchor
    before = Event.objects.get(case=cases[1], seq=4).digest
    with tampering() as cursor:
        cursor.execute("DELETE FROM workflows_event WHERE case_id = %s AND seq = 5", [cases[1].pk])
        cursor.execute("UPDATE workflows_case SET rev = 4, head = %s WHERE id = %s", [before, cases[1].pk])
    report = checked(at)
    assert report.bad == 0
    assert report.anchor != noted


def test_an_edited_note_is_found_and_an_erased_one_allowed(cases, at):
    erased, removed, edited = Note.objects.order_by("case_id")
    Note.objects.filter(pk=erased.pk).update(text="")
    Note.objects.filter(pk=removed.pk).delete()
    assert checked(at).bad == 0
    Note.objects.filter(pk=edited.pk).update(text="电话里没说清楚")
    assert only_problem(at) == Problem(cases[2].number, 4, "文字“remark”与事件中的摘要不符，已被改动")


@pytest.mark.parametrize(("seq", "reason"), [(9, "没有对应的事件"), (1, "与事件中的摘要不符，已被改动")])
def test_a_note_slipped_in_is_found(cases, at, world, seq, reason):
    Note.objects.create(case=cases[0], seq=seq, kind="remark", text="后补", author=world.clerk, written_at=at)
    assert only_problem(at) == Problem(cases[0].number, seq, f"文字“remark”{reason}")


def test_every_bad_case_is_counted_and_the_list_is_bounded(cases, at, monkeypatch):
    monkeypatch.setattr(verifying, "MOST_PROBLEMS", 2)
    with tampering() as cursor:
        cursor.execute("UPDATE workflows_event SET name = 'toy.other' WHERE seq > 1")
    report = checked(at)
    assert (report.bad, [p.number for p in report.problems]) == (3, [cases[0].number, cases[1].number])


def test_one_case_is_checked_alone(cases, at):
    run("UPDATE workflows_event SET name = %s WHERE case_id = %s AND seq = 2", ["toy.other", cases[1].pk])
    assert verify(as_of=at, number=cases[0].number).bad == 0
    assert (verify(as_of=at, number=cases[1].number).bad, verify(as_of=at, number=cases[1].number).cases) == (
        1,
        1,
    )
    with pytest.raises(Case.DoesNotExist):
        verify(as_of=at, number="TY1999-000001")


@pytest.mark.parametrize("digest", ["md5:0", "", "sha256"])
def test_an_unknown_or_weak_algorithm_is_refused(cases, at, digest):
    run("UPDATE workflows_event SET digest = %s WHERE case_id = %s AND seq = 2", [digest, cases[0].pk])
    found = only_problem(at)
    assert (found.number, found.seq) == (cases[0].number, 2)


@pytest.mark.skipif(not SM3, reason="可选: this OpenSSL has no SM3")
def test_a_log_that_changed_over_to_sm3_verifies(cases, at, world, settings):
    settings.HUIYIN_LOG_HASH = "sm3"
    fire(cases[0].pk, "uncheck", by=world.worker, at=at + timedelta(hours=1))
    settings.HUIYIN_LOG_HASH = "sha256"
    fire(cases[0].pk, "check", by=world.worker, at=at + timedelta(hours=2))
    used = [e.digest.partition(":")[0] for e in cases[0].events.order_by("seq")]
    assert used == ["sha256"] * 5 + ["sm3", "sha256"]
    assert checked(at).bad == 0
    run("UPDATE workflows_event SET target = %s WHERE case_id = %s AND seq = 6", ["opened", cases[0].pk])
    assert only_problem(at) == Problem(cases[0].number, 6, "内容与摘要不符，已被改动")


def test_where_openssl_lacks_the_algorithm_it_says_so(cases, at, monkeypatch):
    run(
        "UPDATE workflows_event SET digest = %s WHERE case_id = %s AND seq = 2",
        ["sm3:" + "0" * 64, cases[0].pk],
    )
    monkeypatch.setattr(chain.hashlib, "algorithms_available", {"sha256"})
    assert "本机 OpenSSL 不支持 sm3" in only_problem(at).reason


def test_moments_leave_the_database_as_the_chain_writes_them(world, at):
    """With and without a fraction of a second: SQLite stores the two differently."""
    for moment in (at, at + timedelta(microseconds=120), at + timedelta(microseconds=999999)):
        world.case(moment)
    texts = Event.objects.order_by("id").values_list(verifying.MomentText("happened_at"), flat=True)
    assert list(texts) == [chain.moment_text(event.happened_at) for event in Event.objects.order_by("id")]
    assert checked(at).bad == 0


def test_an_anchor_of_the_past_does_not_move_with_new_events(cases, at, world):
    as_of = Event.objects.latest("recorded_at").recorded_at
    noted = verify(as_of=as_of).anchor
    fire(cases[0].pk, "uncheck", by=world.worker, at=at + timedelta(hours=1))
    assert verify(as_of=as_of).anchor == noted
    assert verify(as_of=as_of + timedelta(days=1)).anchor != noted


def test_verify_reads_in_few_statements(cases, at, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        assert checked(at).bad == 0


def command(*args: str) -> str:
    out = StringIO()
    call_command("verify_log", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_command_says_what_it_checked_and_that_all_is_well(cases):
    lines = command().splitlines()
    assert lines[0].startswith("核对 3 件案件、15 条事件、3 段文字，用时 ")
    assert lines[1].startswith("锚定值（截至 ")
    assert lines[-1] == "3 件 15 条事件，链完整"


def test_command_on_an_empty_log(db):
    assert command().splitlines()[-1] == "0 件 0 条事件，链完整"


def test_command_names_the_first_bad_event_and_fails(cases):
    run("UPDATE workflows_event SET name = %s WHERE case_id = %s AND seq = 2", ["toy.other", cases[1].pk])
    with pytest.raises(
        CommandError, match=f"1 件的日志不符，第一处：{cases[1].number} 第 2 条：内容与摘要不符"
    ):
        command()


def test_command_compares_with_an_anchor_written_down_before(cases):
    as_of = "2099-01-01T00:00+08:00"
    anchor = command("--as-of", as_of).splitlines()[1].rpartition("：")[2]
    assert command("--as-of", as_of, "--expect", anchor).endswith("链完整\n")
    with pytest.raises(CommandError, match="整体改写过"):
        command("--as-of", as_of, "--expect", "sha256:0")


@pytest.mark.parametrize(
    ("args", "said"),
    [(["--case", "TY1"], "没有编号为 TY1 的案件"), (["--as-of", "昨天"], "看不懂时刻“昨天”")],
)
def test_command_explains_what_it_cannot_read(cases, args, said):
    with pytest.raises(CommandError, match=said):
        command(*args)
