"""A kind of work made of documents and forms alone: a commitment kept period by period until its plan ends."""

import re
from datetime import timedelta

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone

from opinion.access import WORK_PLAN
from opinion.forms import form_for
from opinion.forms.work_plan import WorkPlanForm
from opinion.models import Visit
from opinion.opening import open_once
from opinion.waiting import waiting_for
from tests.architecture.project_files import ROOT
from workflows.engine import fire
from workflows.errors import Already
from workflows.models import Case, Definition, PolicyVersion
from workflows.sweeper import sweep

GUIDE = ROOT / "docs" / "add-a-kind-of-work.md"
PERIOD = timedelta(hours=720)
DOCUMENTS = {"lifecycle": "opinion/lifecycles/work_plan.yaml", "policy": "opinion/policies/work_plan.yaml"}


def opened(county, at):
    said = {"desk": county.desk.pk, "title": "每月一次集体学习", "requirement": "每月一次，全体参加。"}
    form = WorkPlanForm(said, kind=WORK_PLAN, by=county.clerk, at=at)
    assert form.is_valid(), form.errors
    case = open_once(WORK_PLAN, form.draft(), by=county.clerk, key="plan")
    fire(case.pk, "assign", by=county.dispatcher, at=at, data={"lead": county.housing.pk})
    return Case.objects.get(pk=case.pk)


def fulfil(county, case, at):
    typed = {"happened_at": timezone.localtime(at).strftime("%Y-%m-%dT%H:%M"), "outcome": "学习了条例。"}
    form = form_for("fulfil", typed, case=case, user=county.handler, at=at)
    assert form.is_valid(), form.errors
    return fire(case.pk, "fulfil", by=county.handler, at=at, data=form.cleaned_data)


def commitments(case):
    found = case.clocks.filter(kind="commitment").order_by("cycle")
    return [(clock.cycle, clock.state, clock.missed_at is not None) for clock in found]


def test_kept_this_month_next_months_cycle_begins(county, at):
    case = opened(county, at)
    fulfil(county, case, at + timedelta(days=10))
    assert commitments(case) == [(1, "met", False)]
    sweep(at=at + PERIOD - timedelta(minutes=1))
    assert commitments(case) == [(1, "met", False)]
    sweep(at=at + PERIOD)
    assert commitments(case) == [(1, "met", False), (2, "running", False)]
    clock = case.clocks.get(kind="commitment", cycle=2)
    assert (clock.started_at, clock.due_at) == (at + PERIOD, at + 2 * PERIOD)


def test_kept_it_waits_for_nobody_until_the_next_period(county, at):
    case = opened(county, at)
    assert waiting_for(county.handler).total == 1
    fulfil(county, case, at + timedelta(days=10))
    assert waiting_for(county.handler).total == 0
    with pytest.raises(Already, match=r"承小陈 已于.*登记本期完成.*现为“本期已完成”"):
        fire(case.pk, "fulfil", by=county.handler, at=at + timedelta(days=11), data={})
    sweep(at=at + PERIOD)
    assert waiting_for(county.handler).total == 1


def test_not_kept_is_logged_at_the_end_of_its_month_and_the_next_begins(county, at):
    case = opened(county, at)
    sweep(at=at + PERIOD + timedelta(hours=5))
    assert commitments(case) == [(1, "void", True), (2, "running", False)]
    missed = case.events.get(name="clock.missed", data__clock="commitment")
    assert (missed.happened_at, missed.unit) == (at + PERIOD, county.housing)


def test_months_of_downtime_are_caught_up_one_by_one(county, at):
    case = opened(county, at)
    fulfil(county, case, at + timedelta(days=1))
    sweep(at=at + 4 * PERIOD + timedelta(days=1))
    assert commitments(case) == [
        (1, "met", False), (2, "void", True), (3, "void", True), (4, "void", True), (5, "running", False),
    ]  # fmt: skip
    missed = case.events.filter(name="clock.missed").order_by("seq").values_list("happened_at", flat=True)
    assert list(missed) == [at + n * PERIOD for n in (2, 3, 4)]


def test_the_plan_ends_with_its_last_period(county, at):
    case = opened(county, at)
    sweep(at=at + 12 * PERIOD)
    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.closed_at) == ("completed", at + 12 * PERIOD)
    assert [cycle for cycle, _, missed in commitments(case) if missed] == list(range(1, 13))
    assert not case.clocks.going().exists()
    sweep(at=at + 20 * PERIOD)
    assert len(commitments(case)) == 12


def test_what_was_done_is_an_offline_record(county, at):
    case = opened(county, at)
    fulfil(county, case, at + timedelta(days=1))
    assert Visit.objects.filter(case=case).values_list("action", "outcome").get() == (
        "activity",
        "学习了条例。",
    )


def test_cancelled_it_runs_no_further(county, at):
    case = opened(county, at)
    fire(case.pk, "cancel", by=county.leader, at=at, data={"remark": "并入专题学习，县委决定"})
    sweep(at=at + 3 * PERIOD)
    assert Case.objects.get(pk=case.pk).state == "cancelled"
    assert commitments(case) == [(1, "void", False)]


def test_pages_serve_it_without_knowing_it(county, client):
    client.force_login(county.clerk)
    url = reverse("open_case", args=[WORK_PLAN])
    said = {
        "token": "t" * 22,
        "desk": county.desk.pk,
        "title": "每月一次集体学习",
        "requirement": "全体参加。",
    }
    page = client.post(url, said, follow=True).content.decode()
    shown = ["工作计划", "计划待交办", "每月一次集体学习", "工作要求：全体参加。"]
    assert [text for text in shown if text not in page] == []
    assert "每月一次集体学习" in client.get(reverse("case_list"), {"kind": WORK_PLAN}).content.decode()
    client.force_login(county.dispatcher)
    assert "计划待交办" in client.get(reverse("todo")).content.decode()


# ---- the guide that leads to it


def written(name):
    """The YAML block under the heading that names the file."""
    found = re.search(
        rf"`{re.escape(DOCUMENTS[name])}`.*?```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found, f"docs/add-a-kind-of-work.md shows no {DOCUMENTS[name]}"
    return found[1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_guide_shows_the_documents_that_run(name):
    assert written(name) == (ROOT / DOCUMENTS[name]).read_text(encoding="utf-8")


def test_the_documents_of_the_guide_are_those_published(db):
    lifecycle = Definition.objects.get(code=WORK_PLAN)
    policy = PolicyVersion.objects.get(code=WORK_PLAN)
    assert (lifecycle.source, policy.source) == (written("lifecycle"), written("policy"))
    assert yaml.safe_load(written("lifecycle"))["code"] == WORK_PLAN


def test_files_the_guide_names_exist():
    named = set(
        re.findall(r"`((?:opinion|docs|tests|workflows)/[\w/.-]+)`", GUIDE.read_text(encoding="utf-8"))
    )
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_the_engine_does_not_know_of_it():
    """No code outside the documents, forms and notices of the product names it."""
    knowing = {
        str(path.relative_to(ROOT))
        for box in ("workflows", "notifications")
        for path in (ROOT / box).rglob("*.py")
        if "work_plan" in path.read_text(encoding="utf-8")
    }
    assert knowing == set()
