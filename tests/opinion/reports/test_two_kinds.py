"""Board, figures, forecast and exports with events and commitments among the messages."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from opinion import jobs
from opinion.models import CaseFigure, ExportJob, Held, OpenCase
from opinion.reports.keeping import rebuild
from tests.factories.events import Events
from tests.factories.world import World
from tests.opinion.reports.test_keeping import everything
from tests.opinion.views.conftest import As, as_, earlier  # noqa: F401  # fixtures
from workflows.models import Case
from workflows.relay import relay


def rebuilt() -> None:
    for _ in rebuild():
        pass


def test_an_event_is_open_and_held_but_no_case_of_the_on_time_rate(county: World, at: datetime):
    case = Events(county).walk("investigating", at)
    rebuilt()
    open_case = OpenCase.objects.get(case=case)
    assert (open_case.unit, open_case.step) == (county.housing, "核查")
    assert set(Held.objects.filter(case=case).values_list("step", flat=True)) == {"首报", "定级", "交办"}
    assert not CaseFigure.objects.filter(case=case).exists()


def test_figures_kept_event_by_event_are_those_made_anew(county: World, at: datetime):
    events = Events(county)
    for state in ("found", "silence_asked", "archived", "annulled"):
        events.walk(state, at)
    county.walk("closed", at)
    relay(at=at)
    kept = everything()
    assert kept["OpenCase"]
    rebuilt()
    assert everything() == kept


def test_pages_of_supervision_show_both(county: World, earlier: datetime, as_: As):  # noqa: F811
    event, message = Events(county).walk("investigating", earlier), county.walk("handling", earlier)
    rebuilt()
    client = as_(county.supervisor)
    for name in ("board", "figures", "forecast", "orders"):
        assert client.get(reverse(name)).status_code == 200, name
    listed = client.get(reverse("board_cases") + "?what=open").content.decode()
    assert event.number in listed
    assert message.number in listed
    assert "核查" in client.get(reverse("board")).content.decode()


def test_exports_hold_both_with_the_grade(county: World, as_: As):  # noqa: F811
    at = timezone.now() - timedelta(hours=2)
    event, message = Events(county).walk("graded", at), county.register(at)
    client = as_(county.exporter)
    client.post(reverse("exports"), {"what": "cases", "format": "csv"})
    assert jobs.run_pending_jobs(timezone.now()) == 1
    job = ExportJob.objects.get()
    with job.file.open("rb") as stream:
        rows = list(csv.DictReader(io.StringIO(stream.read().decode("utf-8-sig"))))
    job.file.delete(save=False)
    found = {row["编号"]: (row["类别"], row["状态"], row["舆情等级"], row["来源"]) for row in rows}
    assert found == {
        event.number: ("舆情事件", "定级待交办", "较大", ""),
        message.number: ("群众留言", "待交办", "", "12345"),
    }
    assert Case.objects.count() == 2
