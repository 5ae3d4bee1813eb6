"""The signing office, where a test asks for it."""

from datetime import datetime

import pytest

from tests.workflows.approvals.scene import Signing, make_signing


@pytest.fixture
def office(db: None, at: datetime) -> Signing:
    return make_signing(at)
