"""Another version of a policy: what it would do, what it does, and what it leaves alone."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.workflows.test_redating import finish, worked
from tests.workflows.toy.world import HERE
from workflows import recasting
from workflows.differences import policy_differences
from workflows.engine import fire
from workflows.models import Case, Clock, Event, PolicyVersion, User
from workflows.publishing import publish
from workflows.recasting import Recast
from workflows.repolicing import move, preview
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

TEXT = (HERE / "policy.yaml").read_text(encoding="utf-8")
SHORTER = TEXT.replace("row: finish, clock: finish, limit: 5wd", "row: finish, clock: finish, limit: 3wd")
HOURS = TEXT.replace("row: finish, clock: finish, limit: 5wd", "row: finish, clock: finish, limit: 48h")
NONE = TEXT.replace("row: finish, clock: finish, limit: 5wd", "row: finish, clock: finish, limit: none")
CLIMBING = TEXT.replace(
    "row: finish, clock: finish, limit: 5wd", "row: finish, clock: finish, ladder: toy, limit: 5wd"
)


def version_of(text: str, at: datetime) -> PolicyVersion:
    document = publish(text, "toy", by=User.objects.system(), at=at).document
    return PolicyVersion.objects.get(pk=document.pk)


def sound() -> bool:
    return verify_clocks().problems == []


def test_publishing_alone_moves_nothing(world, at):
    case = worked(world, at)
    before = list(Clock.objects.order_by("id").values())
    version_of(SHORTER, at)
    fire(case.pk, "remark", by=world.worker, at=at + timedelta(hours=1))
    assert list(Clock.objects.order_by("id").values()) == before
    assert Case.objects.get(pk=case.pk).policy.version == 1


def test_a_preview_counts_by_kind_and_limit_and_changes_nothing(world, at):
    cases = [worked(world, at) for _ in range(3)]
    before = list(Clock.objects.order_by("id").values())
    version = version_of(SHORTER, at)
    foreseen, unfit = preview(version.parsed, at=at, version=version)
    assert (foreseen.cases, foreseen.met, foreseen.earlier, foreseen.later) == (3, 3, 3, 0)
    # Five working days from Tuesday end on the next Tuesday, three on Friday.
    assert foreseen.days == {-4: 3}
    assert foreseen.by_group == [("finish", "5wd", "3wd", [0, 3, 0, 0])]
    assert [shift.number for shift in foreseen.examples] == [case.number for case in cases]
    assert unfit == {}
    assert list(Clock.objects.order_by("id").values()) == before


def test_only_clocks_whose_limit_changes_are_counted_and_reckoned(world, at, monkeypatch):
    """Of two going clocks the version changes one: the preview counts that one, moving reckons that one."""
    cases = [world.case(at) for _ in range(2)]
    for case in cases:
        fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    other = {
        clock.pk: (clock.due_at, clock.next_at) for clock in Clock.objects.going().exclude(kind="finish")
    }
    assert len(other) == len(cases)
    version = version_of(SHORTER, at)
    late = max(clock.due_at for clock in Clock.objects.going()) + timedelta(days=1)
    foreseen, _ = preview(version.parsed, at=at, version=version)
    assert (foreseen.cases, foreseen.met, foreseen.earlier) == (2, 2, 2)
    reckoned = []
    aimed = recasting.aim

    def aim(clock, *args, **kwargs):
        reckoned.append(clock.kind)
        aimed(clock, *args, **kwargs)

    monkeypatch.setattr(recasting, "aim", aim)
    done, _ = move(version, by=world.clerk, at=late)
    assert (done.cases, done.clocks, reckoned) == (2, 2, ["finish"] * 2)
    after = Clock.objects.filter(pk__in=other)
    assert {clock.pk: (clock.due_at, clock.next_at) for clock in after} == other
    assert set(after.values_list("policy", flat=True)) == {version.pk}
    assert sound()


def test_a_version_without_another_limit_moves_cases_and_counts_no_clock(world, at):
    worked(world, at)
    renamed = TEXT.replace("row: finish, clock: finish", "row: finish_anew, clock: finish")
    version = version_of(renamed, at)
    foreseen, _ = preview(version.parsed, at=at, version=version)
    assert (foreseen.cases, foreseen.met) == (1, 0)
    done, _ = move(version, by=world.clerk, at=at)
    clock = Clock.objects.get(kind="finish")
    assert (done.cases, done.clocks, clock.rule, clock.policy_id) == (1, 0, "finish_anew", version.pk)
    assert sound()


def test_a_moved_case_has_one_event_with_both_moments(world, at):
    case = worked(world, at)
    was = finish(case)
    version = version_of(SHORTER, at)
    done, unfit = move(version, by=world.clerk, at=at)
    clock, case = finish(case), Case.objects.get(pk=case.pk)
    assert (done.cases, done.clocks, unfit) == (1, 1, {})
    assert clock.due_at == was.due_at - timedelta(days=4) == case.due_at
    assert (clock.limit, clock.policy_id, case.policy_id) == ("3wd", version.pk, version.pk)
    assert clock.original_due_at == was.original_due_at
    event = case.events.get(name="policy.changed")
    assert event.data["policy"] == [1, 2]
    assert [datetime.fromisoformat(moment) for moment in event.data["clocks"]["finish"]] == [
        was.due_at,
        clock.due_at,
    ]
    assert (event.actor, event.seq, event.digest) == (world.clerk, case.rev, case.head)
    assert sound()
    assert verify(as_of=at + timedelta(days=1)).problems == []
    assert move(version, by=world.clerk, at=at)[0].cases == 0


def test_pauses_and_start_are_kept_in_the_new_unit(world, at):
    case = worked(world, at)
    fire(case.pk, "wait", by=world.worker, at=at + timedelta(hours=1))
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(hours=5))
    move(version_of(HOURS, at), by=world.clerk, at=at + timedelta(hours=6))
    clock = finish(case)
    assert clock.due_at == at + timedelta(hours=52)
    assert clock.started_at == at
    assert clock.consumed_seconds == 3600
    assert sound()


def test_moving_back_undoes_it(world, at):
    case = worked(world, at)
    before = finish(case)
    move(version_of(HOURS, at), by=world.clerk, at=at)
    first = PolicyVersion.objects.get(code="toy", version=1)
    move(first, by=world.clerk, at=at + timedelta(hours=1))
    after = finish(case)
    assert (after.due_at, after.limit, after.policy_id) == (before.due_at, before.limit, first.pk)
    assert case.events.filter(name="policy.changed").count() == 2
    assert sound()


def test_finished_clocks_and_cases_stay(world, at):
    case = worked(world, at)
    fire(case.pk, "finish", by=world.worker, at=at + timedelta(hours=1))
    before = list(Clock.objects.order_by("id").values())
    assert move(version_of(SHORTER, at), by=world.clerk, at=at + timedelta(hours=2))[0].cases == 0
    assert list(Clock.objects.order_by("id").values()) == before


def test_a_limit_taken_away_makes_the_clock_void(world, at):
    case = worked(world, at)
    done, _ = move(version_of(NONE, at), by=world.clerk, at=at + timedelta(hours=2))
    clock, case = finish(case), Case.objects.get(pk=case.pk)
    assert done.clocks == 1
    assert (clock.state, clock.finished_at, clock.next_at) == ("void", at + timedelta(hours=2), None)
    assert clock.consumed_seconds == 2 * 3600
    assert case.due_at is None
    assert case.events.get(name="policy.changed").data["clocks"] == {
        "finish": [clock.due_at.isoformat(), None]
    }
    assert sound()
    fire(case.pk, "finish", by=world.worker, at=at + timedelta(hours=3))
    assert sound()


def test_a_promise_already_broken_is_logged_before_its_deadline_moves(world, at):
    case = worked(world, at)
    was = finish(case).due_at
    longer = version_of(TEXT.replace("limit: 5wd", "limit: 20wd"), at)
    move(longer, by=world.clerk, at=was + timedelta(hours=1))
    names = list(case.events.order_by("seq").values_list("name", flat=True))
    assert names[-2:] == ["clock.missed", "policy.changed"]
    assert case.events.get(name="clock.missed").happened_at == was
    assert finish(case).missed_at == was
    assert finish(case).due_at > was
    assert sound()


def test_on_another_ladder_the_climb_begins_anew(world, at):
    case = worked(world, at)
    ladder = (HERE / "ladder.yaml").read_text(encoding="utf-8").replace(", fire: [remark]", "")
    publish(ladder, "toy", by=User.objects.system(), at=at)
    version = version_of(CLIMBING, at)
    assert preview(version.parsed, at=at, version=version)[0].moved == 0
    done, _ = move(version, by=world.clerk, at=at)
    clock = finish(case)
    assert (done.cases, done.clocks) == (1, 0)
    assert clock.ladder is not None
    assert (clock.ladder.code, clock.rung) == ("toy", 0)
    assert clock.next_at < clock.due_at
    sweep(at=clock.next_at)
    assert finish(case).rung == 1


def test_a_case_on_a_lifecycle_the_version_does_not_serve_stays(world, at):
    case = worked(world, at)
    version = version_of(SHORTER, at)
    version.spec["rules"] = [rule for rule in version.spec["rules"] if rule["clock"] != "rest"]
    lacking = version.parsed.model_validate(version.spec)
    foreseen, unfit = preview(lacking, at=at)
    assert foreseen.cases == 0
    assert list(unfit) == [case.number]
    assert "rest" in unfit[case.number]


def test_differences_name_each_rule(world, at):
    old, new = version_of(TEXT, at).parsed, version_of(HOURS, at).parsed
    assert policy_differences(old, new) == ["~ 条目 finish limit：5wd → 48h"]
    assert policy_differences(old, old) == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_are_as_one_and_an_agents_move_survives(at):
    from threading import Barrier, Thread

    from django.db import connections

    from tests.workflows.toy.world import make_world

    world = make_world(at)
    cases = [worked(world, at) for _ in range(30)]
    version = version_of(SHORTER, at)
    barrier = Barrier(3)
    done: list[Recast] = []

    def change() -> None:
        barrier.wait(10)
        done.append(move(version, by=world.clerk, at=at, pause=0.01)[0])
        connections.close_all()

    def work() -> None:
        barrier.wait(10)
        for case in cases:
            fire(case.pk, "remark", by=world.worker, at=at)
        connections.close_all()

    threads = [Thread(target=target) for target in (change, change, work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.cases for each in done) == 30
    assert Event.objects.filter(name="policy.changed").count() == 30
    assert Event.objects.filter(name="toy.remarked").count() == 30
    assert Clock.objects.going().exclude(policy=version).count() == 0
    assert sound()
    assert verify(as_of=at).problems == []


def run(*args: str) -> list[str]:
    out = StringIO()
    call_command("policies", *args, stdout=out)
    return out.getvalue().splitlines()


def test_the_command_previews_applies_and_goes_back(world, at, tmp_path):
    case = worked(world, at)
    file = tmp_path / "shorter.yaml"
    file.write_text(SHORTER, encoding="utf-8")
    lines = run("preview", str(file))
    assert lines[0] == "~ 条目 finish limit：5wd → 3wd"
    assert "1 件案件会换过去，其中期限或阶梯改变的时限 1 个" in lines[1]
    assert PolicyVersion.objects.filter(code="toy").count() == 1
    lines = run("apply", str(file), "--as", "clerk")
    assert lines[0] == "toy 第 2 版已发布"
    assert lines[1].startswith("1 件案件已换到第 2 版，1 个时限改变")
    assert case.events.get(name="policy.changed").actor == world.clerk
    assert run("diff", "toy", "1", "2") == ["~ 条目 finish limit：5wd → 3wd"]
    run("move", "toy", "--to", "1", "--dry-run")
    assert Case.objects.get(pk=case.pk).policy.version == 2
    run("move", "toy", "--to", "1")
    assert Case.objects.get(pk=case.pk).policy.version == 1
    listed = [line for line in run("list") if line.startswith("toy 第 1 版")]
    assert "1 件在办" in listed[0]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("diff", "toy", "1", "9"), "没有第 9 版"),
        (("preview", "no-such-file.yaml"), "读不了这个文件"),
        (("preview", str(HERE / "toy.yaml")), "这不是时限规则"),
    ],
)
def test_the_command_says_what_is_wrong(world, args, said):
    with pytest.raises(CommandError, match=said):
        run(*args)
