"""The made-up county, where a test asks for it."""

import pytest

from tests.factories.world import World, make_world


@pytest.fixture
def county(db: None) -> World:
    return make_world()
