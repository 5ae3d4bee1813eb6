"""A person with a name, phone and address found nowhere else: they may appear in a reveal, and nowhere else at all."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opinion import jobs
from opinion.contacts.book import Person
from opinion.models import Attachment, ExportJob, ImportJob, Upload
from opinion.reports.keeping import rebuild
from tests.factories.events import Events
from tests.factories.world import PATHS, World, photo
from workflows.models import Case, User
from workflows.permits import available

CANARY = Person("慕容金丝雀", "13987654321", "云溪县东浦街道金丝雀巷77号院3单元", "canary77@example.org")
TRACES = ("金丝雀", "13987654321", "87654321", "139 8765", "77号院", "canary77")
# The person also signs and leaves a number, as people do.
TEXT = {
    "subject": "路灯不亮，联系慕容金丝雀13987654321",
    "body": "南街路灯不亮。慕容金丝雀，139 8765 4321，canary77@example.org。",
}
ROLES = (
    "clerk", "dispatcher", "reviewer", "caller", "officer", "leader", "supervisor", "exporter", "sysadmin", "secadmin",
    "auditadmin", "handler", "head", "deputy_head", "top_leader", "office_handler", "other_handler",
)  # fmt: skip
MAY_REVEAL = {"clerk", "dispatcher", "caller", "handler", "head"}


OVERVIEWS = (
    "todo",
    "orders",
    "board",
    "unapproved",
    "figures",
    "forecast",
    "call_backs",
    "health",
    "policies",
    "calendars",
    "notices",
    "reply_templates",
    "signing",
    "absences",
    "levels",
)


@dataclass
class Watch:
    """Looks at everything that comes out, and remembers where a trace was."""

    found: list[str] = field(default_factory=list)
    looked_at: int = 0

    def look(self, where: str, content: bytes | str) -> None:
        self.looked_at += 1
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        self.found += [f"{where}: {trace}" for trace in TRACES if trace in text]

    def answer(self, where: str, response: Any) -> Any:
        """Body, headers and cookies; every part of a zipped file."""
        body = b"".join(response)
        self.look(f"{where} headers", f"{response.headers} {response.cookies}")
        if body[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(body)) as parts:
                for name in parts.namelist():
                    self.look(f"{where} {name}", parts.read(name))
        self.look(where, body)
        return response


class Listener(logging.Handler):
    """Keeps every log record as it would be written, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.written: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Hears every logger at every level, also those that keep their records from the root."""
    heard = Listener()
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    deaf = [logging.getLogger(), *(logger for logger in known if not logger.propagate)]
    levels = [(logger, logger.level) for logger in [*deaf, *known]]
    for logger, _ in levels:
        logger.setLevel(logging.DEBUG)
    for logger in deaf:
        logger.addHandler(heard)
    yield heard
    for logger in deaf:
        logger.removeHandler(heard)
    for logger, level in levels:
        logger.setLevel(level)


@pytest.fixture
def watch(settings: Any, tmp_path: Path, listener: Listener) -> Iterator[Watch]:
    """In the end, everything that was logged, mailed or left in a session counts too."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    watching = Watch()
    yield watching
    logging.getLogger("a.logger.of.the.test").debug("heard")
    assert listener.written[-1] == "a.logger.of.the.test heard"
    watching.look("log", "\n".join(listener.written))
    for message in mail.outbox:
        watching.look("mail", str(message.message()))
    for session in Session.objects.all():
        watching.look("session", str(session.get_decoded()))
    assert watching.found == []


def enter(user: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def look_at_case(watch: Watch, case: Case, role: str, user: User, client: Client) -> None:
    """The case, its pages, its diagram, and the form of every move that is offered."""
    at = timezone.now()
    urls = [reverse("lifecycle", args=["message"]) + f"?case={case.number}"]
    urls += [
        reverse(name, args=[case.number])
        for name in ("case", "audit", "replies", "reply_linked", "case_forecast", "handling")
    ]
    urls += [reverse("explain", args=[case.number, "resolve", 1]), reverse("order", args=[case.number, 1])]
    if Case.objects.visible_to(user).filter(pk=case.pk).exists():
        urls += [reverse("action", args=[case.number, move.name]) for move in available(case, user, at=at)]
    for url in urls:
        watch.answer(f"{role} {case.state} {url}", client.get(url))


@pytest.mark.no_cover
@pytest.mark.once
@pytest.mark.slow
def test_pages_in_every_state_show_no_trace(county: World, watch: Watch):
    at = timezone.now() - timedelta(hours=2)
    cases = [county.walk(state, at, person=CANARY, **TEXT) for state in PATHS]
    assert {case.state for case in cases} == set(PATHS)
    for case in cases:
        if "issue_order" in {move.name for move in available(case, county.supervisor, at=at)}:
            county.do(case, "issue_order", at=at, unit=case.lead_id or case.desk_id)
        if "ask_co_handling" in {move.name for move in available(case, county.head, at=at)}:
            county.do(case, "ask_co_handling", at=at, required=False)
    assert list(rebuild())[-1] >= len(cases)
    for role in ROLES:
        user = User.objects.get(pk=getattr(county, role).pk)
        client = enter(user)
        lists = [reverse("board_cases") + "?what=open", reverse("case_list") + "?phase=all"]
        for url in [*map(reverse, OVERVIEWS), *lists]:
            watch.answer(f"{role} {url}", client.get(url))
        for case in cases:
            look_at_case(watch, case, role, user, client)
    assert watch.looked_at > 2 * len(cases) * len(ROLES)


def test_case_page_masks_what_it_shows(county: World, watch: Watch):
    case = county.walk("handling", timezone.now() - timedelta(hours=2), person=CANARY, **TEXT)
    response = enter(county.handler).get(reverse("case", args=[case.number]))
    watch.answer("case", response)
    page = response.content.decode()
    shown = ["慕****", "139****4321", "云溪县东浦街道***", "c***@example.org"]
    assert [mask for mask in shown if mask not in page] == []


@pytest.mark.parametrize("role", ROLES)
def test_reveal_tells_whoever_may_know_and_nobody_else(county: World, watch: Watch, role: str):
    case = county.walk("handling", timezone.now() - timedelta(hours=2), person=CANARY, **TEXT)
    client = enter(getattr(county, role))
    url = reverse("action", args=[case.number, "reveal_contact"])
    response = client.post(url, {"reason": "核实路灯位置", "token": "r" * 22, "rev": case.rev})
    if role in MAY_REVEAL:
        page = response.content.decode()
        assert [
            text for text in (CANARY.name, CANARY.phone, CANARY.address, CANARY.email) if text not in page
        ] == []
        assert response.headers["Cache-Control"] == "private, no-store"
        assert case.events.filter(name="contact.revealed", actor=getattr(county, role)).count() == 1
    else:
        watch.answer(f"reveal as {role}", response)
        assert response.status_code in {403, 404}
        assert not case.events.filter(name="contact.revealed").exists()
    watch.answer("case after", client.get(reverse("case", args=[case.number])))


def test_register_page_passes_it_on_to_no_page(county: World, watch: Watch):
    client = enter(county.clerk)
    person = {"name": CANARY.name, "phone": CANARY.phone, "address": CANARY.address, "email": CANARY.email}
    said = {"token": "r" * 22, "desk": county.desk.pk, "source": "letter", **TEXT, **person}
    response = client.post(reverse("register"), said)
    watch.answer("registered", response)
    assert response.status_code == 302
    watch.answer("case", client.get(response.headers["Location"]))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
@pytest.mark.parametrize("what", ["cases", "events"])
def test_exports_carry_no_trace(county: World, watch: Watch, what: str, kind: str):
    at = timezone.now() - timedelta(hours=2)
    case = county.walk("archived", at, person=CANARY, **TEXT)
    client = enter(county.exporter)
    watch.answer("asked", client.post(reverse("exports"), {"what": what, "format": kind}))
    assert jobs.run_pending_jobs(timezone.now()) == 1
    job = ExportJob.objects.get()
    assert job.state == ExportJob.State.DONE
    watch.answer("export", client.get(reverse("export", args=[job.pk])))
    response = client.get(reverse("export_file", args=[job.pk]))
    assert response.status_code == 200
    watch.answer("file", response)
    with job.file.open("rb") as stream:
        content = stream.read()
    assert kind == "xlsx" or case.number in content.decode()
    watch.answer("record", enter(county.auditadmin).get(reverse("exports")))


def test_import_shows_no_trace_before_or_after(county: World, watch: Watch):
    row = f"A1,{CANARY.name},{CANARY.phone},{CANARY.address},2026-11-20 09:00,路灯不亮,南街路灯不亮"
    broken = f",{CANARY.name},{CANARY.phone}那个,{CANARY.address},某天,路灯不亮,"
    sheet = f"留言编号,留言用户,联系电话,联系地址,留言时间,留言主题,留言详情\n{row}\n{broken}\n".encode()
    client = enter(county.clerk)
    upload = {
        "file": SimpleUploadedFile("留言.csv", sheet),
        "source": "mailbox",
        "desk": county.desk.pk,
        "clocks": "registered",
    }
    sent = watch.answer("upload", client.post(reverse("imports"), upload))
    columns = client.get(sent.headers["Location"])
    watch.answer("columns", columns)
    assert "慕****" in columns.content.decode()
    job = ImportJob.objects.get()
    jobs.confirm(job, {}, county.clerk)
    assert jobs.run_pending_jobs(timezone.now()) == 1
    job.refresh_from_db()
    assert job.state == ImportJob.State.DONE
    for name in ("imports", "import", "import_problems"):
        args = [] if name == "imports" else [job.pk]
        response = client.get(reverse(name, args=args))
        assert response.status_code == 200
        watch.answer(name, response)
    case = Case.objects.get()
    watch.answer("case", client.get(reverse("case", args=[case.number])))
    look_at_tables(watch)


@pytest.mark.parametrize(
    ("move", "by", "written"),
    [
        ("record_visit", "handler", {"action": "home", "outcome": "看过"}),
        ("finish_co_task", "other_handler", {"task": "1", "contribution": "看过", "result": "explained"}),
    ],
)
def test_file_named_after_a_person_tells_nobody(
    county: World, watch: Watch, move: str, by: str, written: dict[str, str]
):
    """What is refused is named to its sender alone; what is kept is shown without the name."""
    began = timezone.now() - timedelta(hours=2)
    case = county.walk("handling", began, person=CANARY, **TEXT)
    county.do(case, "ask_co_handling", at=began + timedelta(hours=1))
    case.refresh_from_db()
    client = enter(getattr(county, by))
    url = reverse("action", args=[case.number, move])
    for content in (photo(), b"<html>"):
        file = SimpleUploadedFile(f"{CANARY.name}{CANARY.phone}.jpg", content)
        said = {"token": "r" * 22, "rev": case.rev, "papers": [file], "upload": "1"}
        watch.answer("form", client.post(url, said))
    upload = Upload.objects.get()
    said = {**written, "happened_at": timezone.localtime().strftime("%Y-%m-%dT%H:%M")}
    said |= {"token": "r" * 22, "rev": str(case.rev), "kept": str(upload.pk)}
    assert client.post(url, said).status_code == 302
    assert Attachment.objects.get().name == "慕****139****4321.jpg"
    for role in ("handler", "dispatcher", "leader", "other_handler"):
        look_at_case(watch, case, role, getattr(county, role), enter(getattr(county, role)))
    for name in ("attachment", "attachment_small"):
        watch.answer(name, client.get(reverse(name, args=[case.number, 1])))


def look_at_tables(watch: Watch) -> None:
    """Every row of every table."""
    for model in apps.get_models():
        for row in model._default_manager.values():
            watch.look(model._meta.label, str(row))


def test_tables_hold_it_sealed(county: World, watch: Watch, capsys: pytest.CaptureFixture[str]):
    """What the person wrote is kept as written; everything else, events and notes included, is free of traces."""
    at = timezone.now() - timedelta(hours=2)
    for state in PATHS:
        county.walk(state, at, person=CANARY, subject="路灯不亮", body=f"南街路灯不亮（{state}）。")
    look_at_tables(watch)
    call_command("verify_log")
    printed = capsys.readouterr()
    watch.look("console", printed.out + printed.err)


# With a report alone, with a wording to approve, with tasks, and over.
EVENT_STATES = ("reported", "response_drafted", "lessons_drawn", "archived")


@pytest.mark.once
@pytest.mark.slow
def test_events_about_what_the_person_wrote_show_no_trace(county: World, watch: Watch):
    """An event that takes up a message: tied to it, with its words in the title, to every role."""
    at, events = timezone.now() - timedelta(hours=2), Events(county)
    message = county.walk("handling", at, person=CANARY, **TEXT)
    cases = [events.walk(state, at, title=TEXT["subject"].replace(CANARY.name, "")) for state in EVENT_STATES]
    for case in cases:
        if case.is_open:
            events.do(case, "link_matter", at=at + timedelta(minutes=20), other=message.pk)
    for role in ROLES:
        user = User.objects.get(pk=getattr(county, role).pk)
        client = enter(user)
        for url in (reverse("todo"), reverse("case_list") + "?phase=all"):
            watch.answer(f"{role} {url}", client.get(url))
        for case in cases:
            urls = [reverse(name, args=[case.number]) for name in ("case", "audit", "case_forecast")]
            urls.append(reverse("report", args=[case.number, 1]))
            if Case.objects.visible_to(user).filter(pk=case.pk).exists():
                moves = available(case, user, at=timezone.now())
                urls += [reverse("action", args=[case.number, move.name]) for move in moves]
            for url in urls:
                watch.answer(f"{role} {case.state} {url}", client.get(url))
    assert watch.looked_at > 4 * len(cases) * len(ROLES)
