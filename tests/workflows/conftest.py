"""The toy world, where a test asks for it."""

from datetime import datetime

import pytest

from tests.workflows.toy.world import ToyWorld, make_world


@pytest.fixture
def world(db: None, at: datetime) -> ToyWorld:
    return make_world(at)
