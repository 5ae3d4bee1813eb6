"""The made-up county, where a test asks for it, and a place of its own for whatever it stores."""

from pathlib import Path
from typing import Any

import pytest

from tests.factories.world import World, make_world


@pytest.fixture
def county(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def own_storage(settings: Any, tmp_path: Path) -> None:
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
