"""What viewflow does by default and must not do here, one test each."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from viewflow.workflow.lock import NoLock

from tests.workflows.approvals.scene import BOSSES, CHIEFS, decisions, state
from workflows.approvals.flow import ApprovalFlow
from workflows.models import Approval, ApprovalTask, User

NODES = {"start", "level", "decide", "join", "agreed", "more", "report", "granted", "returned"}


@pytest.fixture
def chief(office):
    return office.person("甲", "toy_chief")


def test_names_of_nodes_are_frozen():
    """They are stored with every seat in flight; one that is renamed can no longer be decided."""
    assert {node.name for node in ApprovalFlow.instance.nodes()} == NODES


def test_a_seat_is_stored_with_its_node(office, chief):
    case = office.asked(CHIEFS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT flow_task, flow_task_type FROM workflows_approvaltask")
        assert cursor.fetchall() == [("workflows/approvals.flow.ApprovalFlow.decide", "HUMAN")]
        cursor.execute("SELECT flow_class FROM workflows_approval")
        assert cursor.fetchall() == [("workflows/approvals.flow.ApprovalFlow",)]
    assert state(case) == "asked"


@pytest.mark.django_db(transaction=True)
def test_the_flow_refuses_to_run_outside_a_transaction():
    """viewflow's own default takes no lock at all."""
    assert not isinstance(ApprovalFlow.lock_impl, NoLock)
    with pytest.raises(RuntimeError, match="审批只能在案件锁内进行"), ApprovalFlow.lock(1):
        pass
    with pytest.raises(RuntimeError, match="审批只能在案件锁内进行"):
        ApprovalFlow.instance.node("start").run(approval=Approval())


def test_no_url_leads_to_a_flow():
    """A task's URL checks only the class of its flow, so that the owner of one seat could post to another node."""

    def patterns(resolver):
        for entry in resolver.url_patterns:
            yield entry
            if isinstance(entry, URLResolver):
                yield from patterns(entry)

    routed = [entry for entry in patterns(get_resolver()) if isinstance(entry, URLPattern | URLResolver)]
    modules = {getattr(e.callback, "__module__", "") for e in routed if isinstance(e, URLPattern)}
    assert {name for name in modules if name.startswith("viewflow")} == set()
    spaces = {e.namespace for e in routed if isinstance(e, URLResolver)}
    assert {str(space) for space in spaces if "flow" in str(space)} == set()
    assert [e for e in routed if hasattr(getattr(e, "callback", None), "flow_class")] == []


@pytest.mark.parametrize("name", sorted(NODES - {"decide"}))
def test_the_owner_of_a_seat_cannot_pass_another_node(office, chief, name):
    case = office.asked(CHIEFS, BOSSES)
    seat = ApprovalTask.objects.get(case=case)
    node = ApprovalFlow.instance.node(name)
    seat.flow_task = node
    with pytest.raises(Exception, match=r".+"):
        node.activation_class(seat).execute()
    assert (state(case), decisions(case)) == ("asked", [("甲", "none", "ASSIGNED")])


def test_a_seat_executed_past_the_door_is_not_written(office, chief):
    case = office.asked(CHIEFS)
    seat = ApprovalTask.objects.get(case=case)
    activation = seat.flow_task.activation_class(seat)
    activation.start(None)
    with pytest.raises(RuntimeError, match=r"审批只能在案件锁内由 workflows\.approvals 写入"):
        activation.execute()
    assert decisions(case) == [("甲", "none", "ASSIGNED")]


def test_rows_are_saved_by_the_door_alone(office, chief):
    office.asked(CHIEFS)
    for row in (
        Approval.objects.get(),
        ApprovalTask.objects.get(),
        Approval(),
        ApprovalTask(process=Approval()),
    ):
        with pytest.raises(RuntimeError, match=r"审批只能在案件锁内由 workflows\.approvals 写入"):
            row.save()


def test_the_row_of_a_process_is_never_locked(office, chief):
    """Only the case's: two locks taken in opposite order would wait for each other for ever."""
    boss, heir = office.person("首", "toy_boss"), office.person("次", "toy_boss")
    office.levels(CHIEFS, BOSSES)
    case = office.case()
    with CaptureQueriesContext(connection) as seen:
        office.do(case, "ask", office.clerk)
        office.do(case, "add", chief, person=boss.pk)
        office.do(case, "remove", chief, person=boss.pk)
        office.do(case, "hand", chief, person=heir.pk)
        office.do(case, "agree", heir)
        # Who has signed below does not sit here as well.
        office.do(case, "agree", boss)
    assert state(case) == "passed"
    locking = [q["sql"] for q in seen if "FOR UPDATE" in q["sql"].upper() or "FOR NO KEY" in q["sql"].upper()]
    assert [sql for sql in locking if "workflows_approval" in sql] == []
    if connection.vendor == "postgresql":
        # One for each of the six moves, and one for what the last agreement calls for.
        assert len(locking) == 7


def test_every_seat_belongs_to_a_person_and_gateways_leave_no_row(office, chief):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    office.do(case, "agree", User.objects.get(pk=chief.pk))
    office.do(case, "agree", boss)
    assert decisions(case) == [("甲", "agreed", "DONE"), ("首", "agreed", "DONE")]
    assert list(ApprovalTask.objects.filter(case=case).order_by("id").values_list("token", flat=True)) == [
        "start/1_1",
        "start/2_1",
    ]
