"""A running approval when its case goes to another version of the lifecycle."""

from __future__ import annotations

import pytest
import yaml

from tests.workflows.approvals.scene import HERE, outcomes, state, waiting
from workflows.adopting import adopt
from workflows.models import Definition, User
from workflows.publishing import publish


@pytest.fixture
def case(office):
    chief = office.person("甲", "toy_chief")
    case = office.asked()
    case.chief = chief
    return case


def newer(office, **approvals):
    """The lifecycle with other words for its approvals, published as the next version; returns it."""
    document = yaml.safe_load((HERE / "signed.yaml").read_text(encoding="utf-8"))
    document["transitions"]["ask_leave"]["from"] = approvals.pop("leave_from", ["working", "asked"])
    for kind, changes in approvals.items():
        document["approvals"][kind] |= changes
    text = yaml.safe_dump(document, allow_unicode=True)
    found = publish(text, "signed2.yaml", by=User.objects.system(), at=office.at).document
    assert isinstance(found, Definition)
    return found


def test_an_approval_that_still_has_its_place_goes_on(office, case):
    adopt(None, newer(office, plan={"label": "计划审批"}), {}, by=User.objects.system(), at=office.at)
    assert (waiting(case), outcomes(case)) == (["甲"], [(1, "running")])
    office.do(case, "agree", case.chief)
    assert state(case) == "passed"


def test_an_approval_without_a_place_ends_with_its_clock_and_the_log_says_so(office, case):
    early = office.case()
    office.person("首", "toy_boss")
    office.do(early, "ask_leave", office.clerk)
    assert waiting(early, "leave") == ["首"]
    definition = newer(office, leave={"during": ["asked"]}, leave_from=["asked"])
    assert adopt(None, definition, {}, by=User.objects.system(), at=office.at).moved == 2
    assert (outcomes(case), outcomes(early, "leave")) == ([(1, "running")], [(1, "cancelled")])
    assert waiting(early, "leave") == []
    assert early.clocks.get(kind="leave_review").state == "void"
    assert early.events.get(name="definition.changed").data["stopped"] == ["leave"]
