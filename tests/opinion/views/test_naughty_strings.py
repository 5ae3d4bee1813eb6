"""Strings that break software go in through the register page and come out whole, on pages and in exports."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from opinion import jobs
from opinion.models import ExportJob, Message
from tests.factories.world import World
from tests.opinion.views.conftest import As
from workflows.models import Case

NAUGHTY = {
    "script": "<script>alert('灯')</script>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "textarea": "</textarea><img src=x onerror=alert(1)>",
    "svg": "<svg/onload=alert(1)>",
    "link": "javascript:alert(1)",
    "template": "{{ 7|add:7 }}{% debug %}{# x #}${7*7}",
    "entity": "&lt;b&gt; &amp; &#x27;",
    "sql": "'; DROP TABLE workflows_case; --",
    "percent": "%s %d %(x)s 100%",
    "backslash": "C:\\new\\table \\u0041",
    "formula": '=HYPERLINK("http://x","点我")',
    "wide formula": "＝1＋1",
    "right to left": "路灯\u202e亮不\u202c，مرحبا",
    "emoji": "🚦👨‍👩‍👧‍👦🇨🇳 灯坏了",
    "zero width": "路\u200b灯\ufeff坏了",
    "combining": "Z̡̢̛a̷̡l̴g̸o̵",
    "controls": "铃\x07退\x08格\x1b[31m红",
    "rare": "𠮷野家门口的路灯㐂䶮",
    "separators": "行\u2028段\u2029尾",
    "long": "很长" * 100,
}


class Reader(HTMLParser):
    """Text, tags and attributes as a browser would understand them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.attributes = "", set[str](), dict[str, set[str]]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(page: str) -> Reader:
    """Our pages have no script, no event handler, no inline style and no link that runs."""
    read = Reader(page)
    assert not read.tags & {"script", "svg", "iframe", "object"}
    assert [name for name in read.attributes if name.startswith("on") or name == "style"] == []
    assert [link for link in read.attributes.get("href", ()) if link.lower().startswith("javascript")] == []
    return read


def register(as_: As, county: World, text: str) -> Case:
    said = {
        "token": "n" * 22, "desk": county.desk.pk, "source": "letter", "subject": text[:200], "body": text,
        "place": text[:200],
    }  # fmt: skip
    response = as_(county.clerk).post(reverse("register"), said)
    assert response.status_code == 302, Reader(response.content.decode()).text
    return Case.objects.get()


@pytest.mark.parametrize("name", NAUGHTY)
def test_string_survives_registering_pages_and_lists(county: World, as_: As, name: str):
    text = NAUGHTY[name]
    case = register(as_, county, text)
    message = Message.objects.get(case=case)
    assert (message.body, message.subject, message.place) == (text, text[:200], text[:200])
    page = as_(county.dispatcher).get(reverse("case", args=[case.number])).content.decode()
    assert harmless(page).text.count(text) >= 2  # as heading and as text
    listed = as_(county.dispatcher).get(reverse("case_list"), {"q": text[:60]}).content.decode()
    read = harmless(listed)
    assert case.number in read.text
    assert text.strip()[:60] in {value.strip() for value in read.attributes["value"]}


@pytest.mark.parametrize("name", NAUGHTY)
def test_string_comes_back_in_a_form_with_errors(county: World, as_: As, name: str):
    text = NAUGHTY[name]
    said = {"token": "n" * 22, "desk": county.desk.pk, "source": "", "subject": text[:200], "body": text}
    response = as_(county.clerk).post(reverse("register"), said)
    assert response.status_code == 422
    read = harmless(response.content.decode())
    assert text in read.text
    assert text[:200] in read.attributes["value"]


def test_strings_survive_exports(county: World, as_: As, settings: Any, tmp_path: Any):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    now = timezone.now()
    titles = [county.register(now, subject=text[:200]).title for text in NAUGHTY.values()]
    assert titles == [text[:200] for text in NAUGHTY.values()]
    client = as_(county.exporter)
    for kind in ("csv", "jsonl"):
        client.post(reverse("exports"), {"what": "cases", "format": kind})
        jobs.run_pending_jobs(timezone.now())
        job = ExportJob.objects.latest("pk")
        text = b"".join(client.get(reverse("export_file", args=[job.pk]))).decode("utf-8-sig")
        if kind == "jsonl":
            assert [json.loads(line)["标题"] for line in text.split("\n") if line] == titles
        else:
            cells = [row["标题"] for row in csv.DictReader(io.StringIO(text, newline=""))]
            changed = [(cell, title) for cell, title in zip(cells, titles, strict=True) if cell != title]
            assert [cell for cell, title in changed if cell != f"'{title}"] == []
            assert [cell for cell in cells if cell[:1] in tuple("=+-@＝＋－＠")] == []
