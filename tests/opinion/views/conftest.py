"""The county and its people, logged in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.opinion.views.county import County, make_county


@pytest.fixture
def county(db: None) -> County:
    return make_county()


@pytest.fixture
def earlier() -> datetime:
    """A little before the pages' own now: what the tests did is past, and nothing is due yet."""
    return timezone.now() - timedelta(minutes=10)


@pytest.fixture
def as_(county: County) -> Callable[[str], Client]:
    """A browser of the person with this username."""

    def enter(username: str) -> Client:
        client = Client()
        client.force_login(county.people[username])
        return client

    return enter
