"""The catalogue of the desk: complete, to the right people, in words that hold nothing personal."""

from datetime import timedelta

import pytest
import yaml

from notifications.delivering import deliver
from notifications.models import Alert, Notice
from notifications.registry import CATALOGUE, PATHS, Silent, Told, watches
from opinion.approval_notices import APPROVAL_NOTICES
from opinion.feedback_notices import FEEDBACK_NOTICES
from opinion.merge_notices import MERGE_NOTICES
from opinion.notices import DECLARED
from opinion.opinion_notices import OPINION_NOTICES
from opinion.plan_notices import PLAN_NOTICES
from tests.architecture.project_files import ROOT
from tests.factories.world import PATHS as WALKS
from tests.factories.world import PERSON, STEPS
from workflows.models import Case, Event, Membership, User
from workflows.relay import relay
from workflows.sweeper import sweep
from workflows.wording import ENGINE_EVENTS

LIFECYCLES = sorted((ROOT / "opinion" / "lifecycles").glob("*.yaml"))


def _told(case, name):
    found = Notice.objects.filter(event__case=case, event__name=name, channel="inbox")
    return set(found.values_list("user__username", flat=True))


def test_every_event_of_every_shipped_lifecycle_and_of_the_engine_is_told_or_silent():
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in LIFECYCLES]
    assert documents
    possible = set(ENGINE_EVENTS)
    for document in documents:
        possible |= {document["opening"]["event"]}
        possible |= {transition["event"] for transition in document["transitions"].values()}
    told = {
        **DECLARED, **APPROVAL_NOTICES, **FEEDBACK_NOTICES, **MERGE_NOTICES, **OPINION_NOTICES, **PLAN_NOTICES,
    }  # fmt: skip
    assert set(told) == possible
    assert all(CATALOGUE[name] is declared for name, declared in told.items())


def test_every_kind_of_case_has_a_page_to_go_to():
    kinds = {yaml.safe_load(path.read_text(encoding="utf-8"))["code"] for path in LIFECYCLES}
    assert kinds <= set(PATHS)
    assert PATHS["message"]("LY2026-000001") == "/cases/LY2026-000001/"


def test_silence_gives_its_reason():
    assert all(
        declared.reason
        for declared in {**DECLARED, **FEEDBACK_NOTICES}.values()
        if isinstance(declared, Silent)
    )


# step made last on the way into the state → who is told of it
WALKED = {
    "assigned": ("message.assigned", {"handler", "head"}),
    "designated": ("message.designated", {"handler", "head"}),
    "declined": ("message.declined", {"dispatcher"}),
    "accepted": ("message.accepted", set()),
    "drafted": ("message.drafted", {"head"}),
    "replied": ("message.replied", {"caller"}),
    "redo": ("message.redone", {"handler", "head"}),
    "closed": ("message.rated", {"handler", "head"}),
    "suspended": ("message.suspended", {"handler", "head", "supervisor"}),
    "referred": ("message.referred", set()),
}


@pytest.mark.parametrize("state", WALKED)
def test_event_is_told_to_whose_turn_it_is(county, at, state):
    case = county.walk(state, at)
    relay(at=at)
    name, people = WALKED[state]
    assert _told(case, name) == people


@pytest.mark.parametrize(
    ("step", "people"),
    [
        ("instruct", {"dispatcher", "handler", "head"}),
        ("comment", {"dispatcher", "handler"}),
        ("classify", {"handler", "head"}),
        ("transfer", {"other_handler", "other_head"}),
    ],
)
def test_step_without_a_change_of_state_is_told(county, at, step, people):
    case = county.walk("handling", at)
    event = county.do(case, step, at=at + timedelta(hours=1))
    relay(at=at)
    assert _told(case, event.name) == people


def test_every_step_relays_without_an_undeclared_event(county, at):
    for state in WALKS:
        county.walk(state, at)
    relay(at=at)
    assert not Event.objects.filter(relayed_at=None).exists()
    assert not Alert.objects.exists()


def test_who_took_the_case_up_is_told_instead_of_all_handlers(county, at):
    second = User.objects.create_user(username="second")
    Membership.objects.create(user=second, unit=county.housing, role="unit_handler")
    case = county.walk("drafted", at)
    county.do(case, "send_back", at=at + timedelta(hours=1))
    relay(at=at)
    assert _told(case, "message.sent_back") == {"handler", "second"}
    county.do(case, "claim", at=at + timedelta(hours=2))
    county.do(case, "instruct", at=at + timedelta(hours=3))
    relay(at=at)
    assert _told(case, "message.instructed") == {"handler", "head", "dispatcher"}


def test_assisting_units_are_told_too(county, at):
    case = county.register(at)
    county.do(case, "assign", at=at, assisting=[county.street.pk])
    relay(at=at)
    assert _told(case, "message.assigned") == {"handler", "head", "street_handler"}


def test_ordinary_registration_is_left_to_the_queue(county, at):
    case = county.register(at)
    pressing = county.register(at, urgency="critical")
    relay(at=at)
    assert _told(case, "message.registered") == set()
    assert _told(pressing, "message.registered") == {"dispatcher"}
    assert set(Notice.objects.values_list("urgency", flat=True)) == {3}


def test_restricted_case_is_told_to_its_officer_and_to_nobody_who_may_not_see_it(county, at):
    case = county.walk("handling", at, restricted=True, barred=[county.water.pk])
    relay(at=at)
    assert _told(case, "message.registered") == {"officer"}
    told = {notice.user for notice in Notice.objects.select_related("user")}
    assert county.dispatcher not in told
    assert county.supervisor not in told
    assert all(Case.objects.visible_to(user).filter(pk=case.pk).exists() for user in told)


# A restricted case may not be merged into an ordinary one.
@pytest.mark.parametrize("state", sorted(set(WALKS) - {"merged"}))
def test_nobody_is_ever_told_of_a_case_they_may_not_see(county, at, state):
    """In every state of a restricted case whose complaint is about the very unit that a desk might think of."""
    case = county.walk(state, at, restricted=True, barred=[county.water.pk])
    sweep(at=at + timedelta(days=60))
    relay(at=at)
    for notice in Notice.objects.filter(event__case=case).select_related("user"):
        fresh = User.objects.get(pk=notice.user_id)
        assert Case.objects.visible_to(fresh).filter(pk=case.pk).exists(), notice
    assert not Notice.objects.filter(user__in=[county.other_handler, county.other_head]).exists()


def test_missed_clock_is_told_to_unit_desk_and_supervisor(county, at):
    case = county.walk("handling", at)
    due_at = case.clocks.get(kind="resolve").due_at
    sweep(at=due_at)
    relay(at=due_at)
    missed = Notice.objects.filter(event__name="clock.missed", channel="inbox")
    assert set(missed.values_list("user__username", flat=True)) == {
        "handler",
        "head",
        "deputy_head",
        "dispatcher",
        "supervisor",
    }
    assert (
        missed.first().words
        == f"{case.number} “办结”已逾期，应于 {due_at.astimezone(at.tzinfo):%Y-%m-%d %H:%M} 前完成"
    )


def test_missed_clock_of_the_desk_is_not_the_units(county, at):
    case = county.register(at)
    sweep(at=case.clocks.get(kind="assign").due_at)
    relay(at=at)
    assert _told(case, "clock.missed") == {"dispatcher", "supervisor"}


def test_unit_without_anybody_falls_back_to_the_desk_then_alerts(county, at):
    Membership.objects.filter(unit=county.housing).delete()
    case = county.register(at)
    county.do(case, "assign", at=at, by=county.dispatcher)
    second = User.objects.create_user(username="second")
    Membership.objects.create(user=second, unit=county.desk, role="dispatcher")
    relay(at=at)
    assert _told(case, "message.assigned") == {"second"}
    Membership.objects.filter(role__in=["dispatcher", "confidential_officer"]).delete()
    Event.objects.filter(name="message.assigned").update(relayed_at=None)
    relay(at=at)
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.case_number) == ("nobody", "message.assigned", case.number)


def test_words_name_the_nearest_deadline(county, at):
    case = county.walk("assigned", at)
    relay(at=at)
    words = Notice.objects.filter(event__name="message.assigned").first().words
    due = case.due_at.astimezone(at.tzinfo)
    assert words == f"{case.number} 已交办，请签收或退单，最近时限 {due:%Y-%m-%d %H:%M}"


def test_no_notice_and_no_mail_carries_anything_personal(county, at, mailoutbox, settings):
    """The identity canary: every state and step, with a name, phone, address, subject and body that nothing else has."""
    settings.HUIYIN_MAIL = True
    User.objects.filter(is_system=False).update(email="someone@offices.example")
    unique = {"subject": "凤尾竹小区井盖异响", "body": "凤尾竹小区井盖异响，夜里睡不着。"}
    for state in WALKS:
        county.walk(state, at, urgency="critical", **unique)
    case = county.walk("handling", at, urgency="critical", **unique)
    for step in ("instruct", "comment", "classify", "reveal_contact", "record_visit"):
        county.do(case, step, at=at + timedelta(hours=1))
    sweep(at=at + timedelta(days=90))
    relay(at=at)
    while deliver(at=at):
        pass
    assert mailoutbox
    texts = [f"{mail.subject}\n{mail.body}\n{mail.message().as_string()}" for mail in mailoutbox]
    texts += Notice.objects.values_list("words", flat=True)
    texts += [str(alert) for alert in Alert.objects.all()]
    canaries = [PERSON.name, PERSON.phone, PERSON.address, PERSON.email, "桂花路", "凤尾竹", "睡不着"]
    canaries += [
        said for step in ("contact", "draft_reply", "instruct") for said in ("两名工作人员", "请抓紧办理")
    ]
    canaries += list(
        User.objects.exclude(display_name="").filter(is_system=False).values_list("display_name", flat=True)
    )
    assert [(canary, text) for text in texts for canary in canaries if canary in text] == []


def test_alerts_are_the_system_administrators(county):
    assert watches(county.sysadmin)
    assert not any(
        watches(user) for user in (county.clerk, county.supervisor, county.secadmin, county.auditadmin)
    )


def test_steps_cover_every_told_event_of_the_lifecycle():
    """The tests above walk all of them: a new step needs its line in the world."""
    (document,) = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in LIFECYCLES if path.name == "message.yaml"
    ]
    declared = {**DECLARED, **APPROVAL_NOTICES, **FEEDBACK_NOTICES}
    told = {name for name, one in declared.items() if isinstance(one, Told)}
    reachable = {document["transitions"][step]["event"] for step in STEPS}
    assert told - reachable == {
        "message.registered",
        "clock.warned",
        "clock.missed",
        "clock.escalated",
        "clock.repeated",
        "approval.unmanned",
        "approval.reseated",
    }
