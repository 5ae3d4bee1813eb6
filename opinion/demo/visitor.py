"""A visitor with cookies and forms but no JavaScript: what `DEMO_CHECK` drives the desk with, over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

TIMEOUT_SECONDS = 20
BUTTONS = {"submit", "button", "image", "reset", "file"}


class VisitFailed(RuntimeError):
    """A page did not answer as it should; the message says which and how."""


@dataclass
class PageForm:
    """A form of a page: where it goes, what it says so far (name → values), what its selects offer."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Page:
    """An answer: the address it came from in the end, and its text."""

    url: str
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def form(self, having: str) -> PageForm:
        """The first form with a field of this name. Raises VisitFailed."""
        for each in _forms(self.text):
            if having in each.values or having in each.options:
                return each
        raise VisitFailed(f"{self.path} 上没有带“{having}”的表单")


class Visitor:
    """One person's browser."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Page:
        return self._open(urljoin(self.base_url, path), None)

    def log_in(self, username: str, password: str) -> None:
        """Raises VisitFailed where the login page comes back."""
        landed = self.submit(self.get("/login/"), "username", username=username, password=password)
        if landed.path == "/login/":
            raise VisitFailed(f"{username} 登录失败")

    def submit(self, page: Page, having: str, **said: str | list[str]) -> Page:
        """Fill in the form that has this field and send it; what is not said stays as the page offers it."""
        form = page.form(having)
        values = dict(form.values)
        for name, value in said.items():
            if name not in values and name not in form.options:
                raise VisitFailed(f"{page.path} 的表单没有“{name}”这一项")
            chosen = value if isinstance(value, list) else [value]
            offered = {label: code for code, label in form.options.get(name, {}).items()}
            values[name] = [offered.get(each, each) for each in chosen]
        pairs = [(name, value) for name, every in values.items() for value in every]
        return self._open(urljoin(page.url, form.action or page.url), urlencode(pairs).encode())

    def _open(self, url: str, body: bytes | None) -> Page:
        if urlsplit(url).scheme != "http":
            raise VisitFailed(f"不访问 {url}")
        try:
            with self.opener.open(url, body, timeout=TIMEOUT_SECONDS) as answer:
                return Page(answer.geturl(), answer.read().decode())
        except HTTPError as error:
            raise VisitFailed(
                f"{urlsplit(url).path} 返回 {error.code}：{_said(error.read().decode())}"
            ) from error


def _said(text: str) -> str:
    """The words of an error page, without its markup."""
    reader = _Words()
    reader.feed(text)
    return " ".join(" ".join(reader.words).split())[:400]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _forms(text: str) -> list[PageForm]:
    reader = _FormReader()
    reader.feed(text)
    return reader.forms


class _FormReader(HTMLParser):
    """Forms with their present values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.inside: PageForm | None = None
        self.select = self.area = ""
        self.option: str | None = None
        self.multiple = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = PageForm(said.get("action", ""), said.get("method", "get").lower())
            self.forms.append(self.inside)
        elif self.inside is not None and tag in {"input", "select", "textarea", "option"}:
            getattr(self, f"_{tag}")(self.inside, said)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        elif tag == "select" and self.inside is not None:
            # A browser chooses the first option of a single select that has none selected.
            first = next(iter(self.inside.options[self.select]), None)
            if not self.multiple and first is not None:
                self.inside.values.setdefault(self.select, [first])
            self.select = ""
        elif tag == "textarea":
            self.area = ""
        elif tag == "option":
            self.option = None

    def handle_data(self, data: str) -> None:
        if self.inside is None:
            return
        if self.area:
            self.inside.values[self.area][0] += data
        elif self.select and self.option is not None:
            labels = self.inside.options[self.select]
            labels[self.option] = (labels[self.option] + data).strip()

    def _input(self, form: PageForm, said: dict[str, str]) -> None:
        name, kind = said.get("name", ""), said.get("type", "text")
        if not name or kind in BUTTONS:
            return
        if kind in {"checkbox", "radio"}:
            form.options.setdefault(name, {})[said.get("value", "on")] = ""
            if "checked" in said:
                form.values.setdefault(name, []).append(said.get("value", "on"))
        else:
            form.values.setdefault(name, []).append(said.get("value", ""))

    def _select(self, form: PageForm, said: dict[str, str]) -> None:
        self.select, self.multiple = said["name"], "multiple" in said
        form.options[self.select] = {}

    def _textarea(self, form: PageForm, said: dict[str, str]) -> None:
        self.area = said["name"]
        form.values[self.area] = [""]

    def _option(self, form: PageForm, said: dict[str, str]) -> None:
        if self.select:
            self.option = said.get("value", "")
            form.options[self.select][self.option] = ""
            if "selected" in said:
                form.values.setdefault(self.select, []).append(self.option)
