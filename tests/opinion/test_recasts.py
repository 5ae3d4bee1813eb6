"""Publications that move many running clocks: by a worker, in order, each case once, whatever happens to the worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

import opinion
from opinion import job_work, jobs, recasts
from opinion.leases import LEASE, MOST_ATTEMPTS, Lease, claim
from opinion.models import RecastJob
from opinion.registering import Incoming, register_many
from tests.factories.world import World, make_world
from tests.opinion import previewed
from tests.opinion.job_worker import kill_once, start_worker
from workflows import recasting
from workflows.calendars import CalendarException, DayKind, NoWorkingTime
from workflows.models import CalendarVersion, Case, Clock, Event, PolicyVersion
from workflows.publishing import publish
from workflows.repolicing import PolicyChange
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

TEXT = (Path(opinion.__file__).parent / "policies" / "default.yaml").read_text(encoding="utf-8")
RULE = "row: assign, clock: assign, limit: 0.5wd"
LONGER, LONGEST = (TEXT.replace(RULE, RULE.replace("0.5wd", limit)) for limit in ("1wd", "2wd"))
LATER = LEASE + timedelta(seconds=1)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every publication is too large for a request, and every case a chunk of its own."""
    monkeypatch.setattr(recasts, "AT_ONCE", 0)
    for name in ("FIRST_CHUNK", "LEAST_CHUNK", "MOST_CHUNK"):
        monkeypatch.setattr(recasting, name, 1)


def registered(county: World, count: int, at: datetime) -> list[int]:
    items = [
        Incoming(
            source="12345", external_key=f"{n}", body=f"第{n}件", desk=county.desk.pk, at=at, type="help"
        )
        for n in range(count)
    ]
    return [case.pk for case in register_many(items, by=county.clerk)]


def asked(county: World, text: str, at: datetime) -> RecastJob:
    """Published and applied, as the page does it."""
    with transaction.atomic():
        version = publish(text, "default", by=county.sysadmin, at=at).document
        job = recasts.record(PolicyVersion.objects.get(pk=version.pk), by=county.sysadmin, at=at)
    return recasts.begin(job, at=at, now=lambda: at)


def run(at: datetime) -> int:
    return recasts.run_pending(at, now=lambda: at)


def versions() -> list[int]:
    return list(Case.objects.order_by("id").values_list("policy__version", flat=True))


def moves(case_id: int) -> list[list[int]]:
    events = Event.objects.filter(case_id=case_id, name="policy.changed").order_by("seq")
    return [event.data["policy"] for event in events]


def dues() -> list[tuple[Any, ...]]:
    return list(Clock.objects.order_by("id").values_list("kind", "limit", "state", "due_at", "rung"))


class TestPages:
    def test_many_are_moved_by_a_worker_while_the_page_shows_how_far(self, county, client, large):
        registered(county, 3, timezone.now() - timedelta(minutes=5))
        client.force_login(county.sysadmin)
        sent = previewed.publish(client, "policies", {"text": LONGER}, order="apply")
        job = RecastJob.objects.get()
        page = reverse("recast", args=[job.pk])
        assert sent.headers["Location"] == page
        waiting = client.get(page).content.decode()
        assert "已发布“" in waiting
        assert '<meta http-equiv="refresh" content="3">' in waiting
        assert "正在按新规则重新计算：0 / 3 件" in waiting
        assert PolicyVersion.objects.latest_of("default").version == 2
        assert versions() == [1, 1, 1]
        assert recasts.run_pending(timezone.now()) == 1
        done = client.get(page).content.decode()
        assert "refresh" not in done
        assert "<dt>有变动的案件</dt><dd>3</dd>" in done
        assert "<dt>改变的时限</dt><dd>3</dd>" in done
        assert versions() == [2, 2, 2]
        assert {event.actor for event in Event.objects.filter(name="policy.changed")} == {county.sysadmin}
        listed = client.get(reverse("policies")).content.decode()
        assert page in listed
        assert page not in client.get(reverse("calendars")).content.decode()
        assert run(timezone.now()) == 0

    def test_few_are_moved_in_the_request_and_listed_too(self, county, client):
        registered(county, 3, timezone.now() - timedelta(minutes=5))
        client.force_login(county.sysadmin)
        sent = previewed.publish(client, "policies", {"text": LONGER}, order="apply", follow=True)
        assert sent.redirect_chain == [(reverse("policies"), 302)]
        assert "3 件案件已换过去，3 个时限改变" in sent.content.decode()
        job = RecastJob.objects.get()
        assert (job.state, job.done, job.total) == ("done", 3, 3)

    @pytest.mark.parametrize(("less", "state"), [(1, "queued"), (0, "done")])
    def test_running_clocks_count_where_cases_have_several(self, county, monkeypatch, less, state):
        at = timezone.now() - timedelta(minutes=5)
        registered(county, 3, at)
        clocks = Clock.objects.going().count()
        assert clocks > 3
        monkeypatch.setattr(recasts, "AT_ONCE", clocks - less)
        assert asked(county, LONGER, at).state == state

    def test_a_holiday_that_meets_many_is_moved_by_a_worker(self, county, client, large):
        registered(county, 2, timezone.now() - timedelta(minutes=5))
        was = set(Clock.objects.filter(kind="resolve").values_list("due_at", flat=True))
        day = timezone.localdate(max(was))
        spec = CalendarVersion.objects.latest_of("china").parsed
        row = CalendarException(date=day, kind=DayKind.HOLIDAY, name="县庆", source="县〔2026〕1号")
        text = spec.model_copy(update={"exceptions": (*spec.exceptions, row)}).model_dump_json()
        client.force_login(county.sysadmin)
        sent = previewed.publish(client, "calendars", {"code": "china", "text": text}, follow=True)
        assert "正在按新规则重新计算：0 / 2 件" in sent.content.decode()
        assert set(Clock.objects.filter(kind="resolve").values_list("due_at", flat=True)) == was
        assert recasts.run_pending(timezone.now()) == 1
        assert min(Clock.objects.filter(kind="resolve").values_list("due_at", flat=True)) > max(was)
        assert Event.objects.filter(name="clock.redated").count() == 2
        shown = client.get(reverse("recast", args=[RecastJob.objects.get().pk])).content.decode()
        assert "<dt>改变的时限</dt><dd>2</dd>" in shown
        assert verify_clocks().problems == []

    def test_what_failed_says_why_and_is_taken_up_by_publishing_again(
        self, county, client, at, large, monkeypatch
    ):
        registered(county, 2, at)
        job = asked(county, LONGER, at)

        def fails(*_: Any, **__: Any) -> Any:
            raise NoWorkingTime("日历里没有工作时间")

        with monkeypatch.context() as broken:
            broken.setattr(job_work, "move", fails)
            run(at)
        client.force_login(county.sysadmin)
        shown = client.get(reverse("recast", args=[job.pk])).content.decode()
        assert "日历里没有工作时间" in shown
        assert "再次发布同样的内容" in shown
        again = asked(county, LONGER, at)
        assert (again.pk == job.pk, again.policy_id == job.policy_id) == (False, True)
        run(at)
        assert versions() == [2, 2]

    def test_a_move_there_is_not_is_not_found(self, county, client):
        client.force_login(county.sysadmin)
        assert client.get(reverse("recast", args=[9])).status_code == 404


class TestTurns:
    def test_a_second_publication_waits_and_prevails(self, county, client, at, large):
        cases = registered(county, 2, at)
        first, second = asked(county, LONGER, at), asked(county, LONGEST, at)
        client.force_login(county.sysadmin)
        shown = client.get(reverse("recast", args=[second.pk])).content.decode()
        assert "前面还有 1 次重算" in shown
        assert claim(RecastJob, at=at, now=lambda: at, only=second.pk) is None
        lease = claim(RecastJob, at=at, now=lambda: at)
        assert lease is not None
        assert lease.job.pk == first.pk
        assert run(at) == 0
        job_work.run_recast(lease)
        assert versions() == [2, 2]
        assert run(at) == 1
        assert versions() == [3, 3]
        assert [moves(pk) for pk in cases] == [[[1, 2], [2, 3]]] * 2
        assert verify_clocks().problems == []

    def test_a_small_one_waits_behind_a_large_one(self, county, at, large, monkeypatch):
        registered(county, 2, at)
        asked(county, LONGER, at)
        monkeypatch.setattr(recasts, "AT_ONCE", 500)
        assert asked(county, LONGEST, at).state == "queued"
        assert versions() == [1, 1]
        assert (run(at), run(at), run(at)) == (1, 1, 0)
        assert versions() == [3, 3]

    def test_cases_begun_under_a_later_version_stay_there(self, county, at, large):
        registered(county, 1, at)
        asked(county, LONGER, at)
        publish(LONGEST, "default", by=county.sysadmin, at=at)
        county.register(at)
        assert run(at) == 1
        assert versions() == [2, 3]

    def test_undoing_goes_the_same_way(self, county, at, large):
        cases = registered(county, 2, at)
        before = dues()
        asked(county, LONGER, at)
        run(at)
        assert dues() != before
        assert asked(county, TEXT, at).state == "queued"
        run(at)
        assert dues() == before
        assert [moves(pk) for pk in cases] == [[[1, 2], [2, 3]]] * 2

    def test_asked_twice_it_is_one(self, county, at, large):
        registered(county, 1, at)
        assert asked(county, LONGER, at) == asked(county, LONGER, at)
        assert RecastJob.objects.count() == 1

    def test_two_never_run_at_once_and_each_has_one_document(self, county, at):
        policy, calendar = (
            PolicyVersion.objects.latest_of("default"),
            CalendarVersion.objects.latest_of("china"),
        )
        said = {"owner": county.sysadmin, "created_at": at}
        RecastJob.objects.create(**said, policy=policy, state="running")
        for wrong in (
            {"calendar": calendar, "state": "running"},
            {"policy": policy},
            {},
            {"policy": policy, "calendar": calendar, "finished_at": at},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                RecastJob.objects.create(**said, **wrong)


class TestLease:
    def test_a_successor_moves_the_rest(self, county, client, at, large, monkeypatch):
        cases = registered(county, 5, at)
        job = asked(county, LONGER, at)
        beat = Lease.beat

        def dies(lease: Lease[Any], **values: Any) -> None:
            if values.get("done") == 3:
                raise KeyboardInterrupt
            beat(lease, **values)

        with monkeypatch.context() as deadly:
            deadly.setattr(Lease, "beat", dies)
            with pytest.raises(KeyboardInterrupt):
                run(at)
        # What the third chunk had written is undone with its progress.
        assert versions() == [2, 2, 1, 1, 1]
        progress = jobs.progress(job, at=at + timedelta(seconds=20))
        assert (progress.state, progress.ratio) == ("running", "2 / 5")
        assert progress.label == "执行中断，稍后自动继续"
        assert run(at) == 0
        assert run(at + LATER) == 1
        progress = jobs.progress(job, at=at + LATER)
        assert (progress.state, progress.ratio) == ("done", "5 / 5")
        assert dict(progress.counts) == {"有变动的案件": 5, "改变的时限": 5, "留在原版本的案件": 0}
        assert [moves(pk) for pk in cases] == [[[1, 2]]] * 5
        assert verify_clocks().problems == []

    def test_whoever_lost_the_lease_writes_nothing(self, county, at, large):
        registered(county, 2, at)
        asked(county, LONGER, at)
        lease = claim(RecastJob, at=at, now=lambda: at)
        assert lease is not None
        RecastJob.objects.update(worker="other")
        job_work.run_recast(lease)
        assert versions() == [1, 1]
        assert not Event.objects.filter(name="policy.changed").exists()
        assert RecastJob.objects.get().state == "running"

    def test_one_that_takes_its_workers_down_lets_the_next_go_on(self, county, at, large):
        registered(county, 2, at)
        first = asked(county, LONGER, at)
        asked(county, LONGEST, at)
        for _ in range(MOST_ATTEMPTS):
            assert claim(RecastJob, at=at, now=timezone.now) is not None
            at += LATER
        # One look gives it up, the next takes the one behind it.
        assert (run(at), run(at)) in {(0, 1), (1, 0)}
        assert jobs.progress(first, at=at).state == "failed"
        assert versions() == [3, 3]


WORKER = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from opinion import recasts
from workflows import recasting
recasting.FIRST_CHUNK = recasting.LEAST_CHUNK = recasting.MOST_CHUNK = 20
recasts.run_pending(timezone.now() + timedelta(seconds=%d))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_worker_killed_in_the_middle_is_succeeded_and_every_case_moved_once(tmp_path):
    """A real process, a real SIGKILL, a real successor."""
    county = make_world()
    count, at = 3000, timezone.now()
    cases = registered(county, count, at)
    job = asked(county, LONGER, at)
    assert (job.state, job.total) == ("queued", count)
    moved = Event.objects.filter(name="policy.changed")
    kill_once(start_worker(WORKER % 0, tmp_path), lambda: moved.count() >= 100)
    job.refresh_from_db()
    begun = moved.count()
    assert (job.state, job.done, job.counts["cases"]) == ("running", begun, begun)
    assert 100 <= begun < count
    successor = start_worker(WORKER % (LEASE.total_seconds() + 5), tmp_path)
    out, _ = successor.communicate(timeout=120)
    assert successor.returncode == 0, out
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.attempts) == ("done", count, count, 2)
    assert job.counts == {"cases": count, "clocks": count, "stayed": 0}
    assert set(moved.values_list("case_id", flat=True)) == set(cases)
    assert moved.count() == count
    assert set(versions()) == {2}
    assert not PolicyChange(job.policy.parsed, version=job.policy).cases()
    # All were registered at the same moment: whoever moved them, they are due at the same one.
    assert Clock.objects.filter(kind="assign").values("limit", "due_at").distinct().count() == 1
    assert verify_clocks().problems == []
    assert verify(as_of=timezone.now()).problems == []
