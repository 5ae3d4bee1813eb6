"""Messages become cases."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from opinion.contacts.book import Person
from opinion.contacts.sealing import index_of
from opinion.models import Contact, Link, Message
from opinion.registering import (
    AlreadyRegistered,
    Incoming,
    check_may_register,
    digest_of,
    register,
    register_many,
)
from tests.factories.world import PERSON, make_world
from workflows.errors import MayNot
from workflows.models import Case, Participation, User

NUMBERED = {"source": "lb", "external_number": "L-1", "subject": "路灯不亮", "body": "学府路路灯不亮。"}


def incoming(county, at, number, **more):
    body = more.pop("body", f"第{number}件，路灯不亮。")
    return Incoming(source="lb", external_key=str(number), body=body, desk=county.desk.pk, at=at, **more)


def test_register_keeps_message_contact_and_facts_apart(county, at):
    said = {
        **NUMBERED,
        "type": "help",
        "urgency": "normal",
        "place": "学府路",
        "received_at": at - timedelta(days=2),
    }
    case = register(said, PERSON, desk=county.desk.pk, by=county.clerk, at=at)
    message = Message.objects.get(case=case)
    assert (message.external_key, message.type, message.domain, message.place) == (
        "L-1",
        "help",
        "",
        "学府路",
    )
    assert message.received_at == at - timedelta(days=2)
    assert message.body_digest == digest_of("学府路路灯不亮。")
    assert case.facts == {"source": "lb", "type": "help", "urgency": "normal", "redo": "none"}
    assert (case.opened_at, case.desk, case.state, case.restricted) == (at, county.desk, "registered", False)
    assert Contact.objects.get(case=case).phone_index == index_of("13800005678")
    assert case.events.get().data == {"source": "lb"}


def test_no_contact_row_without_a_person(county, at):
    register(NUMBERED, Person(), desk=county.desk.pk, by=county.clerk, at=at)
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("subject", "body", "title"),
    [
        ("何晓枫反映13800005678路灯", "x", "何**反映138****5678路灯"),
        ("", "我是何晓枫，\n\n电话13800005678，路灯不亮", "我是何**， 电话138****5678，路灯不亮"),
        ("", "长" * 300, "长" * 40),
        ("长" * 200, "x", "长" * 200),
    ],
)
def test_titles_name_nobody(county, at, subject, body, title):
    said = {**NUMBERED, "subject": subject, "body": body}
    assert register(said, PERSON, desk=county.desk.pk, by=county.clerk, at=at).title == title


def test_a_number_is_registered_once_a_source(county, at):
    first = register(NUMBERED, PERSON, desk=county.desk.pk, by=county.clerk, at=at)
    with pytest.raises(AlreadyRegistered, match=f"已登记为 {first.number}") as caught:
        register(NUMBERED, PERSON, desk=county.desk.pk, by=county.clerk, at=at)
    assert caught.value.case == first
    register({**NUMBERED, "source": "gov"}, PERSON, desk=county.desk.pk, by=county.clerk, at=at)
    assert Message.objects.count() == 2


def test_a_repeated_call_gives_the_first_case(county, at):
    for said in (NUMBERED, {**NUMBERED, "external_number": ""}):
        first = register(said, PERSON, desk=county.desk.pk, by=county.clerk, at=at, key="form:1")
        again = register(said, PERSON, desk=county.desk.pk, by=county.clerk, at=at, key="form:1")
        assert first == again
    with pytest.raises(AlreadyRegistered):
        register(NUMBERED, PERSON, desk=county.desk.pk, by=county.dispatcher, at=at, key="form:1")


def test_messages_without_a_number_are_all_registered(county, at):
    said = {**NUMBERED, "external_number": ""}
    for _ in range(2):
        register(said, PERSON, desk=county.desk.pk, by=county.clerk, at=at)
    assert Message.objects.count() == 2


def test_barred_units_make_it_restricted(county, at):
    case = register(NUMBERED, PERSON, desk=county.desk.pk, by=county.clerk, at=at, barred=[county.water.pk])
    assert case.restricted
    assert Participation.objects.get(case=case, role="barred").unit == county.water
    assert case.events.get().data == {"source": "lb", "barred": [county.water.pk]}


@pytest.mark.parametrize("name", ["handler", "leader", "sysadmin", "exporter", "officer"])
def test_only_the_desk_registers(county, at, name):
    with pytest.raises(MayNot):
        register(NUMBERED, PERSON, desk=county.desk.pk, by=getattr(county, name), at=at)
    assert not Case.objects.exists()


def test_check_may_register_asks_what_the_door_asks(county):
    check_may_register(county.desk, county.clerk)
    check_may_register(county.desk, User.objects.system())
    check_may_register(county.desk, county.officer, restricted=True)
    with pytest.raises(MayNot, match="网络问政办"):
        check_may_register(county.desk, county.officer)


def test_duplicates_are_linked_to_the_first_and_never_dropped(county, at):
    register(NUMBERED, PERSON, desk=county.desk.pk, by=county.clerk, at=at)
    first = Case.objects.get()
    items = [incoming(county, at, n, body=body) for n, body in enumerate(
        ["学府路路灯不亮。", " 学府路路灯不亮。\n", "另一件", "另一件", "第三件"], 2)]  # fmt: skip
    cases = register_many(items, by=county.clerk)
    assert len(cases) == 5
    links = {(link.from_case, link.to_case) for link in Link.objects.hints()}
    assert links == {(cases[0], first), (cases[1], first), (cases[3], cases[2])}


def test_messages_that_are_only_a_subject_are_told_apart(county, at):
    subjects = ["路灯不亮", "另一件", "路灯不亮"]
    items = [incoming(county, at, n, subject=subject, body="") for n, subject in enumerate(subjects)]
    cases = register_many(items, by=county.clerk)
    assert [(link.from_case, link.to_case) for link in Link.objects.hints()] == [(cases[2], cases[0])]


def test_a_batch_with_a_known_key_registers_nothing(county, at):
    register_many([incoming(county, at, 1)], by=county.clerk)
    with pytest.raises(IntegrityError):
        register_many([incoming(county, at, 2), incoming(county, at, 1)], by=county.clerk)


def test_numbers_follow_the_order_of_the_batch(county, at):
    cases = register_many([incoming(county, at, n) for n in range(1, 61)], by=county.clerk)
    assert [case.number for case in cases] == [f"LY2026-{n:06d}" for n in range(1, 61)]
    assert [Message.objects.get(case=case).external_key for case in cases] == [str(n) for n in range(1, 61)]


def test_statements_do_not_grow_with_the_batch(county, at, django_assert_max_num_queries):
    register_many([incoming(county, at, "warm")], by=county.clerk)
    assert county.clerk.standing
    with django_assert_max_num_queries(22):
        register_many([incoming(county, at, n, person=PERSON) for n in range(200)], by=county.clerk)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_people_register_the_same_number_at_once(at):
    county = make_world()
    start, outcomes = threading.Barrier(2), []

    def one():
        person = User.objects.get(pk=county.clerk.pk)
        start.wait()
        try:
            outcomes.append(register(NUMBERED, PERSON, desk=county.desk.pk, by=person, at=at).number)
        except AlreadyRegistered as refused:
            outcomes.append(f"already {refused.case.number}")
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    number = Case.objects.get().number
    assert sorted(outcomes) == [number, f"already {number}"]
