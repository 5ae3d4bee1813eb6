"""One Chromium for the session, a fresh page for each test."""

import os
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import make_password
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.walking import PASSWORD
from tests.conftest import chromium_path
from tests.factories.world import World, make_world
from workflows.models import User

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop running in this thread; Django would take that for async code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            path = chromium_path()
            assert path is not None, f"Chromium is not installed; PATH={os.environ['PATH']}"
            chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
            yield chromium
            chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page 390 px wide, the narrowest phone the product promises to serve, in Chinese."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    yield context.new_page()
    context.close()


@pytest.fixture
def county(transactional_db: None) -> World:
    """Everybody can log in; the flush before took what `migrate` had seeded, so it is seeded again."""
    from opinion.seeding import seed
    from workflows.seeding import seed as seed_engine

    seed_engine()
    seed()
    world = make_world()
    User.objects.filter(is_system=False).update(password=make_password(PASSWORD))
    return world
