"""Moving running cases to a newer version of their lifecycle."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from tests.workflows.toy import world as toy
from tests.workflows.toy.world import ToyWorld
from workflows import adopting
from workflows.adopting import CannotAdopt, adopt, preview
from workflows.chain import text_digest
from workflows.engine import Draft, fire, open_many
from workflows.locking import lock_many
from workflows.models import Case, Clock, Definition, Note, PolicyVersion, User
from workflows.published import lifecycle
from workflows.publishing import publish
from workflows.verifying import verify
from workflows.wording import event_label

TOY = yaml.safe_load((toy.HERE / "toy.yaml").read_text(encoding="utf-8"))
POLICY = yaml.safe_load((toy.HERE / "policy.yaml").read_text(encoding="utf-8"))


def newer(at: datetime, **parts: dict[str, Any]) -> Definition:
    """Publish the toy with the parts given merged in; None removes an entry."""
    document = yaml.safe_load(yaml.safe_dump(TOY))
    for part, entries in parts.items():
        for name, entry in entries.items():
            if entry is None:
                del document[part][name]
            else:
                document[part][name] = entry
    published = publish(
        yaml.safe_dump(document, allow_unicode=True), "toy2.yaml", by=User.objects.system(), at=at
    )
    assert published.fresh
    assert isinstance(published.document, Definition)
    return published.document


def renamed(at: datetime) -> Definition:
    """`working` is called `doing`, and `waiting` resumes there too."""
    text = (toy.HERE / "toy.yaml").read_text(encoding="utf-8").replace("working", "doing")
    found = publish(text, "toy2.yaml", by=User.objects.system(), at=at).document
    assert isinstance(found, Definition)
    return found


def working(world: ToyWorld, at: datetime) -> Case:
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at + timedelta(minutes=1))
    return Case.objects.get(pk=case.pk)


def test_adopt_moves_state_version_and_log(world, at):
    case = working(world, at)
    old_policy, definition = case.policy_id, renamed(at)
    later = at + timedelta(hours=1)
    done = adopt(None, definition, {"working": "doing"}, by=world.watcher, at=later, reason="新办法施行")
    assert (done.moved, done.left) == (1, [])
    case.refresh_from_db()
    assert (case.definition, case.state, case.policy_id) == (definition, "doing", old_policy)
    assert case.state_since == at + timedelta(minutes=1)
    event = case.events.order_by("-seq").first()
    assert (event.name, event.source, event.target, event.actor) == (
        "definition.changed",
        "working",
        "doing",
        world.watcher,
    )
    assert event.data == {"from": 1, "to": 2, "reason": text_digest("新办法施行")}
    assert Note.objects.get(case=case).seq == event.seq
    assert event.digest == case.head
    assert verify(as_of=later).bad == 0
    fire(case.pk, "finish", by=world.worker, at=later)


def test_adopt_leaves_what_runs_untouched(world, at):
    case = working(world, at)
    before = list(case.clocks.order_by("kind").values())
    adopt(None, renamed(at), {"working": "doing"}, by=world.watcher, at=at + timedelta(days=1))
    assert list(case.clocks.order_by("kind").values()) == before


def test_adopt_twice_moves_nothing_the_second_time(world, at):
    working(world, at)
    definition = renamed(at)
    adopt(None, definition, {"working": "doing"}, by=world.watcher, at=at)
    assert adopt(None, definition, {"working": "doing"}, by=world.watcher, at=at).moved == 0
    assert Case.objects.get().events.count() == 4


def test_adopt_refuses_a_state_without_counterpart_and_moves_nothing(world, at):
    working(world, at)
    world.case(at)
    definition = renamed(at)
    with pytest.raises(CannotAdopt) as refused:
        adopt(None, definition, {}, by=world.watcher, at=at)
    assert refused.value.reasons == ["第 1 版“working”（1 件）：新版没有“working”，请用对照指明新状态"]
    assert set(Case.objects.values_list("definition__version", flat=True)) == {1}


def test_adopt_refuses_a_target_the_new_version_lacks(world, at):
    working(world, at)
    with pytest.raises(CannotAdopt, match="对照 working=nowhere：新版没有状态“nowhere”"):
        adopt(None, renamed(at), {"working": "nowhere"}, by=world.watcher, at=at)


def test_adopt_never_closes_or_reopens(world, at):
    working(world, at)
    with pytest.raises(CannotAdopt, match="换版不能办结或重启案件"):
        adopt(None, renamed(at), {"working": "finished"}, by=world.watcher, at=at)


def test_adopt_refuses_a_lead_state_without_lead(world, at):
    world.case(at)
    with pytest.raises(CannotAdopt, match="案件还没有主办单位"):
        adopt(None, renamed(at), {"opened": "given"}, by=world.watcher, at=at)


def test_adopt_changes_the_holder_with_the_state(world, at):
    case = working(world, at)
    definition = newer(at, states={"working": {**TOY["states"]["working"], "holder": "desk"}})
    adopt(None, definition, {}, by=world.watcher, at=at)
    case.refresh_from_db()
    assert (case.unit, case.user) == (world.desk, None)


def test_adopt_voids_a_clock_no_longer_declared(world, at):
    case = world.case(at)
    clocks = {"finish": TOY["clocks"]["finish"], "take": TOY["clocks"]["take"], "give": None}
    opened = {"label": "待交办", "holder": "desk", "clocks": ["finish"]}
    adopt(
        None,
        newer(at, clocks=clocks, states={"opened": opened}),
        {},
        by=world.watcher,
        at=at + timedelta(minutes=5),
    )
    assert dict(case.clocks.values_list("kind", "state")) == {"give": "void", "finish": "running"}
    case.refresh_from_db()
    assert case.due_at == case.clocks.get(kind="finish").due_at


def test_adopt_logs_the_miss_of_a_voided_clock(world, at):
    case = world.case(at)
    due = case.clocks.get(kind="give").due_at
    opened = {"label": "待交办", "holder": "desk", "clocks": ["finish"]}
    adopt(
        None,
        newer(at, clocks={"give": None}, states={"opened": opened}),
        {},
        by=world.watcher,
        at=due + timedelta(days=1),
    )
    assert [e.name for e in case.events.order_by("seq")] == [
        "toy.opened",
        "clock.missed",
        "definition.changed",
    ]
    assert case.events.get(name="clock.missed").happened_at == due
    assert case.clocks.get(kind="give").state == Clock.State.VOID
    assert verify(as_of=at).bad == 0


def test_adopt_starts_new_clocks_and_pauses_those_that_pause(world, at):
    case = working(world, at)
    later = at + timedelta(hours=2)
    working_state = {"label": "办理中", "holder": "lead", "clocks": ["give"], "pauses": ["finish"]}
    adopt(None, newer(at, states={"working": working_state}), {}, by=world.watcher, at=later)
    assert list(case.clocks.going().order_by("kind").values_list("kind", "state", "cycle")) == [
        ("finish", "paused", 1), ("give", "running", 2),
    ]  # fmt: skip
    assert case.clocks.get(kind="give", cycle=2).started_at == later
    case.refresh_from_db()
    assert case.due_at == case.clocks.get(kind="give", cycle=2).due_at


def test_adopt_does_not_ask_again_for_what_was_met_in_this_state(world, at):
    policy = {
        **POLICY,
        "rules": [*POLICY["rules"], {"row": "call", "clock": "call", "limit": "1wd", "source": "测试"}],
    }
    publish(yaml.safe_dump(policy, allow_unicode=True), "p", by=User.objects.system(), at=at)
    calling = {
        "clocks": {"call": {"label": "联系时限", "met_by": ["remark"]}},
        "states": {"working": {"label": "办理中", "holder": "lead", "clocks": ["finish", "call"]}},
    }
    newer(at, **calling)
    case = working(world, at)
    fire(case.pk, "remark", by=world.worker, at=at + timedelta(hours=1), data={})
    assert case.clocks.get(kind="call").state == Clock.State.MET
    # A stay that turns clocks for another reason asks no second call either.
    fire(case.pk, "regrade", by=world.clerk, at=at + timedelta(hours=2), data={"grade": "hard"})
    calling["states"]["working"]["label"] = "正在办理"
    adopt(None, newer(at, **calling), {}, by=world.watcher, at=at + timedelta(hours=3))
    assert list(case.clocks.filter(kind="call").values_list("cycle", "state")) == [(1, "met")]


def test_adopt_refuses_where_the_pinned_policy_lacks_the_new_clock(world, at):
    working(world, at)
    policy = {
        **POLICY,
        "rules": [*POLICY["rules"], {"row": "call", "clock": "call", "limit": "1wd", "source": "测试"}],
    }
    publish(yaml.safe_dump(policy, allow_unicode=True), "p", by=User.objects.system(), at=at)
    definition = newer(
        at, clocks={"call": {"label": "联系时限", "met_by": ["remark"]}},
        states={"working": {"label": "办理中", "holder": "lead", "clocks": ["finish", "call"]}},
    )  # fmt: skip
    with pytest.raises(CannotAdopt, match="时限 call 缺少不带 when 的兜底条目"):
        adopt(None, definition, {}, by=world.watcher, at=at)
    assert PolicyVersion.objects.filter(code="toy").count() == 2


def test_adopt_maps_the_parked_state(world, at):
    case = working(world, at)
    fire(case.pk, "wait", by=world.worker, at=at)
    definition = renamed(at)
    with pytest.raises(CannotAdopt, match="恢复时要回到“working”，新版不能恢复到那里"):
        adopt(None, definition, {}, by=world.watcher, at=at)
    adopt(None, definition, {"working": "doing"}, by=world.watcher, at=at)
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(hours=1))
    case.refresh_from_db()
    assert (case.state, case.parked) == ("doing", "")


def test_a_case_that_only_the_new_version_would_have_parked_goes_back_to_where_it_came_from(world, at):
    case = working(world, at)
    fire(case.pk, "check", by=world.worker, at=at + timedelta(minutes=2))
    fire(case.pk, "remark", by=world.worker, at=at + timedelta(minutes=3))
    check, uncheck = (TOY["transitions"][name] for name in ("check", "uncheck"))
    definition = newer(
        at,
        transitions={
            "check": {**check, "from": ["given", "working"]},
            "uncheck": {**uncheck, "to": "resume"},
        },
    )
    assert preview("toy", definition.version, {}).problems == []
    assert adopt([case.pk], definition, {}, by=world.watcher, at=at).moved == 1
    case.refresh_from_db()
    assert (case.state, case.parked) == ("checking", "working")
    fire(case.pk, "uncheck", by=world.worker, at=at + timedelta(hours=1))
    case.refresh_from_db()
    assert (case.state, case.parked) == ("working", "")


def test_adopt_leaves_archived_cases_where_they_are(world, at):
    case = working(world, at)
    fire(case.pk, "finish", by=world.worker, at=at)
    fire(case.pk, "file", by=world.clerk, at=at)
    assert adopt(None, renamed(at), {}, by=world.watcher, at=at).moved == 0


def test_adopt_moves_only_the_cases_named(world, at):
    first, second = working(world, at), working(world, at)
    definition = renamed(at)
    assert adopt([first.pk], definition, {"working": "doing"}, by=world.watcher, at=at).moved == 1
    second.refresh_from_db()
    assert (second.definition.version, second.state) == (1, "working")
    with pytest.raises(CannotAdopt, match=f"{second.number}：新版没有“working”"):
        adopt([second.pk], definition, {}, by=world.watcher, at=at)


def test_adopt_in_batches_costs_statements_by_batch_not_by_case(
    world, at, monkeypatch, django_assert_max_num_queries
):
    open_many("toy", [Draft("一件事", world.desk.pk, at) for _ in range(100)], by=world.clerk)
    definition = renamed(at)
    monkeypatch.setattr(adopting, "BATCH", 50)
    assert User.objects.system().pk
    with django_assert_max_num_queries(40):
        assert adopt(None, definition, {}, by=world.watcher, at=at).moved == 100
    assert verify(as_of=at).bad == 0


def test_an_event_of_a_transition_that_is_gone_keeps_its_words(world, at):
    case = working(world, at)
    definition = newer(
        at, transitions={"take": None}, clocks={"take": {"label": "领办时限", "met_by": ["assume"]}}
    )
    adopt(None, definition, {}, by=world.watcher, at=at + timedelta(hours=1))
    case = Case.objects.get(pk=case.pk)
    labels = [event_label(case, event) for event in case.events.order_by("seq")]
    assert labels == ["登记", "交办", "领办", "流程版本变更"]


def test_a_case_that_moves_just_before_its_batch_is_locked_is_judged_where_it_stands(world, at, monkeypatch):
    case, other = working(world, at), world.case(at)
    definition = renamed(at)

    def lock_late(ids):
        # Where it goes meanwhile, the new version (altered below) has no place for it.
        fire(case.pk, "wait", by=world.worker, at=at + timedelta(minutes=2))
        monkeypatch.setattr(adopting, "lock_many", lock_many)
        return lock_many(ids)

    monkeypatch.setattr(adopting, "lock_many", lock_late)
    monkeypatch.setitem(
        lifecycle(definition.pk).states, "waiting", lifecycle(definition.pk).states["finished"]
    )
    done = adopt(None, definition, {"working": "doing"}, by=world.watcher, at=at + timedelta(hours=1))
    assert done.moved == 1
    assert done.left == [
        f"{case.number}：“waiting”在新版属于另一阶段（open → closed），换版不能办结或重启案件"
    ]
    case.refresh_from_db()
    other.refresh_from_db()
    assert (case.definition.version, case.state, other.definition.version) == (1, "waiting", 2)


def test_preview_counts_by_state_and_says_what_lacks_a_target(world, at):
    working(world, at)
    working(world, at)
    world.case(at)
    definition = renamed(at)
    found = preview("toy", definition.version, {})
    assert [(g.version, g.state, g.cases, g.target) for g in found.groups] == [
        (1, "opened", 1, "opened"), (1, "working", 2, None),
    ]  # fmt: skip
    assert (found.cases, len(found.problems)) == (3, 1)
    assert preview("toy", definition.version, {"working": "doing"}).problems == []


def test_adopt_needs_an_aware_moment(world, at):
    with pytest.raises(ValueError, match="时区"):
        adopt(None, renamed(at), {}, by=world.watcher, at=at.replace(tzinfo=None))
