"""The made-up county's people, each with a browser of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories.world import World
from workflows.models import User

As = Callable[[User], Client]


@pytest.fixture
def earlier() -> datetime:
    """A little before the pages' own now, whole to the minute as forms have it: what tests do is past, not due yet."""
    return (timezone.now() - timedelta(minutes=20)).replace(second=0, microsecond=0)


@pytest.fixture
def as_(county: World) -> As:
    """A client in which this person is logged in."""

    def enter(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return enter
