"""One answer for everybody whose message was merged into a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opinion.contacts.book import Person
from opinion.linked_replies import answer_all, linked_replies
from opinion.models import Reply
from opinion.templating import TemplateError
from tests.factories.world import World, make_world
from tests.opinion.racing import answer_linked
from tests.workflows.racing import race
from workflows.models import Case, Event

PEOPLE = (Person("陆远山", "13700001111"), Person("苗青禾", "13600002222"), Person("温如玉", "13500003333"))
STANDS: dict[str, Any] = {"stands": ["mobile", "case_number"], "stands_because": "official"}
SAID = {"text": "您反映的${编号}由${承办单位}办结。", "public": False, "public_text": ""}


def merged(
    county: World,
    at: Any,
    master_state: str = "replied",
    said: str = "您反映的{}已由住建局办结。",
    public_text: str = "",
) -> tuple[Case, list[Case]]:
    """A master told `said` of its number, and a case of each of the people merged into it."""
    if master_state == "replied":
        master = master_told(county, at, said, public_text=public_text)
    else:
        master = county.walk(master_state, at)
    cases = [county.walk("registered", at, person=person) for person in PEOPLE]
    for case in cases:
        county.do(case, "merge", at=at, master=master.pk)
    return Case.objects.get(pk=master.pk), waiting(master, county.dispatcher)


def master_told(county: World, at: Any, said: str, *, public_text: str = "", **options: Any) -> Case:
    """A case whose person was told `said`, as approved; the public, `public_text` where there is one.

    Whatever looks doubtful in it was let stand.
    """
    case = county.walk("drafted", at, public=bool(public_text), **options)
    later = at + timedelta(minutes=10)
    county.do(
        case,
        "approve",
        at=later,
        text=said.format(case.number),
        public_text=public_text.format(case.number),
        **STANDS,
    )
    county.do(case, "reply", at=later, public=bool(public_text))
    return case


def waiting(master: Case, viewer: Any) -> list[Case]:
    return [row.case for row in linked_replies(master, viewer) if row.waits]


def test_each_person_gets_an_own_copy(county, at):
    master, cases = merged(county, at)
    outcomes = answer_all(master, cases, SAID, by=county.dispatcher, at=at, key="k")
    assert [outcome.refused for outcome in outcomes] == ["", "", ""]
    texts = dict(Reply.objects.filter(case__in=cases).values_list("case__number", "text"))
    assert texts == {case.number: f"您反映的{case.number}由住建局办结。" for case in cases}
    for case in cases:
        now = Case.objects.get(pk=case.pk)
        assert (now.state, now.number, now.clocks.get(kind="resolve").state) == (
            "replied",
            case.number,
            "met",
        )
    assert [(row.waits, row.answered_at) for row in linked_replies(master, county.dispatcher)] == [
        (False, at)
    ] * 3


def test_answering_twice_as_many_asks_one_more_thing_of_each(county, at):
    """What the master said, who is answered together and whom a case bars is read once for all."""
    asked: list[int] = []
    for number in (3, 6):
        master, _ = merged(county, at)
        for _ in range(number - len(PEOPLE)):
            county.do(county.walk("registered", at), "merge", at=at, master=master.pk)
        cases = waiting(master, county.dispatcher)
        assert len(cases) == number
        with CaptureQueriesContext(connection) as statements:
            outcomes = answer_all(master, cases, SAID, by=county.dispatcher, at=at, key="k")
        assert not any(outcome.refused for outcome in outcomes)
        asked.append(len(statements))
    assert asked[1] - asked[0] == 3
    assert asked[0] <= 30


def test_sent_twice_it_answers_once(county, at):
    master, cases = merged(county, at)
    for _ in range(2):
        outcomes = answer_all(master, cases, SAID, by=county.dispatcher, at=at, key="k")
        assert [outcome.refused for outcome in outcomes] == ["", "", ""]
    assert Event.objects.filter(transition="reply_merged").count() == 3
    assert Reply.objects.filter(case__in=cases).count() == 3
    again = answer_all(master, cases, SAID, by=county.dispatcher, at=at, key="another")
    assert all("已由" in outcome.refused or "派小红" in outcome.refused for outcome in again)


def test_a_refused_case_harms_no_other(county, at):
    master, cases = merged(county, at)
    county.do(cases[1], "bar_unit", at=at, unit=county.housing.pk, by=county.dispatcher)
    outcomes = answer_all(master, cases, SAID, by=county.dispatcher, at=at, key="k")
    assert [bool(outcome.refused) for outcome in outcomes] == [False, True, False]
    named = answer_all(
        master, cases[:1], {**SAID, "text": "苗青禾也反映过。"}, by=county.dispatcher, at=at, key="other"
    )
    assert named[0].refused


def test_nothing_crosses_between_persons(county, at):
    master, cases = merged(county, at, said="苗青禾您好，您反映的{}已办结。")
    outcomes = answer_all(
        master, cases, {**SAID, "text": "苗青禾您好，${编号}已办结。"}, by=county.dispatcher, at=at, key="k"
    )
    assert ["他人的姓名" in outcome.refused for outcome in outcomes] == [True, False, True]
    assert outcomes[1].refused == ""


def test_a_wrong_placeholder_answers_nobody(county, at):
    master, cases = merged(county, at)
    with pytest.raises(TemplateError):
        answer_all(master, cases, {**SAID, "text": "${姓名}"}, by=county.dispatcher, at=at, key="k")
    assert not Event.objects.filter(transition="reply_merged").exists()


def test_before_the_master_is_answered_nobody_is(county, at):
    master, cases = merged(county, at, "handling")
    outcomes = answer_all(master, cases, SAID, by=county.dispatcher, at=at, key="k")
    assert all("请先答复主案件" in outcome.refused for outcome in outcomes)


def test_only_cases_one_may_know_of_are_listed(county, at):
    master, _ = merged(county, at)
    assert linked_replies(master, county.handler) == []


def test_nobody_is_told_what_was_not_approved_for_the_master(county, at):
    master, cases = merged(county, at)
    outcomes = answer_all(
        master, cases, {**SAID, "text": "您反映的${编号}不属本县职责。"}, by=county.dispatcher, at=at, key="k"
    )
    assert ["答复第 1 句不是主案件" in outcome.refused for outcome in outcomes] == [True] * 3
    assert Reply.objects.filter(case__in=cases).count() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_answer_everybody_once(at):
    county = make_world()
    for number in range(3):
        master, cases = merged(county, at)
        ids = [case.pk for case in cases]
        args = (master.pk, ids, county.dispatcher.pk, at, f"k{number}")
        first, second = race([(answer_linked, args), (answer_linked, args)])
        assert (first, second) == (["", "", ""], ["", "", ""])
        assert Reply.objects.filter(case__in=ids, kind=Reply.Kind.FINAL).count() == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_answer_everybody_once(at):
    county = make_world()
    for number in range(3):
        master, cases = merged(county, at)
        ids = [case.pk for case in cases]
        who = (county.dispatcher.pk, county.reviewer.pk)
        said = race([(answer_linked, (master.pk, ids, by, at, f"k{number}-{by}")) for by in who])
        assert sorted(sum(not refused for refused in outcome) for outcome in said) == [0, 3]
        assert Reply.objects.filter(case__in=ids, kind=Reply.Kind.FINAL).count() == 3
