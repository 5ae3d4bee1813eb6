"""A browser window in which people log in, press what there is to press, and leave."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from workflows.models import Case

PASSWORD = "xunchang-mima-2026"


class Walker:
    """A browser window in which people come and go; keeps what its console complained about."""

    def __init__(self, context: BrowserContext, server: LiveServer, shots: Path) -> None:
        self.page: Page = context.new_page()
        self.server, self.shots = server, shots
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("request", lambda request: self._request(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith(self.server.url):
            self.complaints.append(f"{self.page.url} asked for {url}")

    def enter(self, username: str) -> None:
        self.page.goto(f"{self.server.url}/login/")
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码").fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()

    def leave(self) -> None:
        self.page.get_by_role("button", name="退出").click()

    def shoot(self, name: str) -> None:
        """A picture for whoever looks, and: nothing is wider than the window."""
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide == 0, f"{name}: {wide} px too wide"

    def move(self, case: Case, username: str, label: str, **fields: str) -> None:
        """Log in, open the case from its page, press the button, fill in the form by its labels, send it."""
        self.enter(username)
        self.page.goto(f"{self.server.url}/cases/{case.number}/")
        # The navigation may have a page of the same name.
        self.page.get_by_role("main").get_by_role("link", name=label, exact=True).click()
        for field, value in fields.items():
            control = self.page.get_by_label(field)
            if control.evaluate("node => node.tagName") == "SELECT":
                control.select_option(label=value)
            else:
                control.fill(value)
        self.shoot(f"move-{label}")
        self.page.get_by_role("button", name=label, exact=True).click()
        assert f"{case.number} 已办理“{label}”" in self.page.inner_text("main")
        self.leave()
