"""Offline records: what is kept of them, whom they name, and the day a unit said it would come back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from opinion import follow_ups
from opinion.forms import form_for
from opinion.models import ClaimOutcome, Presence, Visit
from tests.factories.world import World
from workflows.chain import text_digest
from workflows.errors import Already, Cannot
from workflows.models import Case, Clock, Definition, PolicyVersion, User
from workflows.publishing import publish
from workflows.repolicing import move
from workflows.sweeper import sweep
from workflows.verifying_clocks import verify_clocks

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def case(county: World, at: datetime) -> Case:
    return county.walk("handling", at)


def local(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def errors(county: World, case: Case, at: datetime, **typed: Any) -> dict[str, list[str]]:
    said = {"action": "home", "happened_at": local(at), "outcome": "看过", **typed}
    form = form_for("record_visit", said, case=case, user=county.handler, at=at)
    return {name: [str(each) for each in found] for name, found in form.errors.items()}


def promise(county: World, case: Case, at: datetime, days: int = 9) -> Clock:
    county.do(case, "record_visit", at=at, follow_up_on=timezone.localtime(at).date() + days * DAY)
    found = follow_ups.standing(case)
    assert found is not None
    return found


def test_record_keeps_when_it_happened_and_when_it_was_entered(county: World, case: Case, at: datetime):
    event = county.do(case, "record_visit", at=at + 9 * HOUR, happened_at=at + HOUR, outcome="水已退")
    visit = Visit.objects.get(case=case, seq=event.seq)
    assert (visit.happened_at, visit.written_at) == (at + HOUR, at + 9 * HOUR)
    assert visit.entered_later
    assert event.data["outcome"] == text_digest("水已退")


def test_people_are_counted_by_role(county: World, case: Case, at: datetime):
    event = county.do(case, "record_visit", at=at + HOUR, present={"staff": 2, "person": 1, "village": 0})
    kept = Presence.objects.filter(case=case, seq=event.seq).values_list("role", "count")
    assert dict(kept) == event.data["present"] == {"staff": 2, "person": 1}


def test_outcome_is_kept_claim_by_claim_in_the_wording_of_then(county: World, case: Case, at: datetime):
    county.do(case, "list_claims", at=at + HOUR, claims=["清理积水", "修复水管"])
    event = county.do(case, "record_visit", at=at + HOUR, outcomes={1: "solved", 2: "", 7: "solved"})
    assert event.data["outcomes"] == {"1": "solved"}
    county.do(case, "list_claims", at=at + HOUR, claims=["今日清理积水", "修复水管"])
    (kept,) = ClaimOutcome.objects.filter(case=case)
    assert (kept.claim.number, kept.claim.text, kept.outcome) == (1, "清理积水", "solved")


def test_view_of_the_person_is_a_code_and_their_words_a_note(county: World, case: Case, at: datetime):
    event = county.do(case, "record_visit", at=at + HOUR, view="disagrees", view_words="还在漏")
    assert event.data["view"] == "disagrees"
    assert case.notes.get(kind="view_words").text == "还在漏"
    assert "还在漏" not in str(event.data)


def test_form_offers_standing_claims_and_roles(county: World, case: Case, at: datetime):
    fresh = form_for("record_visit", None, case=case, user=county.handler, at=at + HOUR)
    assert "outcomes" not in fresh.fields
    assert fresh.initial["happened_at"] == timezone.localtime(at + HOUR)
    county.do(case, "list_claims", at=at + HOUR, claims=["清理积水", "修复水管"])
    page = form_for("record_visit", None, case=case, user=county.handler, at=at + HOUR).as_div()
    assert "2. 修复水管" in page
    assert 'name="outcomes_2"' in page
    assert 'name="present_village"' in page


def test_form_hands_on_rows_that_were_filled_in(county: World, case: Case, at: datetime):
    county.do(case, "list_claims", at=at + HOUR, claims=["清理积水", "修复水管"])
    typed = {"present_staff": "2", "present_person": "", "outcomes_2": "under_way"}
    said = {"action": "home", "happened_at": local(at + HOUR), "outcome": "看过", **typed}
    form = form_for("record_visit", said, case=case, user=county.handler, at=at + HOUR)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["present"] == {"staff": 2}
    assert form.cleaned_data["outcomes"] == {2: "under_way"}


def test_wrong_rows_are_named(county: World, case: Case, at: datetime):
    assert errors(county, case, at + HOUR, present_staff="两", present_person="-1", present_owner="501") == {
        "present": [
            "“承办人员”请填写人数",
            "“留言人”人数不能小于 0",
            "“产权单位”人数不能超过 500",
        ]
    }
    assert errors(county, case, at + HOUR, view_words="不满意") == {
        "view": ["写了本人的说法，请选择“本人对结果的意见”"]
    }


# ---- coming back


def test_follow_up_is_due_on_the_chosen_day(county: World, case: Case, at: datetime):
    clock = promise(county, case, at + HOUR, days=9)
    assert timezone.localtime(clock.due_at).date() == timezone.localtime(at).date() + 9 * DAY
    assert clock.limit == "9d"
    assert verify_clocks().problems == []


def test_follow_up_on_a_day_off_is_due_on_the_next_working_day(county: World):
    at = datetime.fromisoformat("2026-11-24T10:00+08:00")
    case = county.walk("handling", at - HOUR)
    county.do(case, "record_visit", at=at, follow_up_on=date(2026, 11, 28))
    clock = follow_ups.standing(case)
    assert clock is not None
    assert timezone.localtime(clock.due_at).date() == date(2026, 11, 30)


def test_next_record_keeps_the_promise(county: World, case: Case, at: datetime):
    clock = promise(county, case, at + HOUR)
    county.do(case, "record_visit", at=at + 2 * DAY)
    clock.refresh_from_db()
    assert clock.state == Clock.State.MET
    assert follow_ups.standing(case) is None


def test_record_of_something_earlier_keeps_no_promise(county: World, case: Case, at: datetime):
    clock = promise(county, case, at + HOUR)
    county.do(case, "record_visit", at=at + 2 * DAY, happened_at=at + HOUR / 2)
    assert follow_ups.standing(case) == clock
    again = {"follow_up_on": (at + 5 * DAY).date(), "happened_at": local(at + HOUR / 2)}
    assert list(errors(county, case, at + 2 * DAY, **again)) == ["follow_up_on"]


def test_record_may_promise_again(county: World, case: Case, at: datetime):
    first = promise(county, case, at + HOUR)
    second = promise(county, case, at + DAY, days=5)
    first.refresh_from_db()
    assert (first.state, second.cycle, second.limit) == (Clock.State.MET, 2, "5d")
    assert verify_clocks().problems == []


def test_late_follow_up_is_logged_once_dated_at_the_day(county: World, case: Case, at: datetime):
    clock = promise(county, case, at + HOUR, days=3)
    sweep(at=clock.due_at + HOUR)
    county.do(case, "record_visit", at=clock.due_at + 2 * HOUR)
    missed = case.events.filter(name="clock.missed", data__clock="follow_up")
    assert [event.happened_at for event in missed] == [clock.due_at]
    clock.refresh_from_db()
    assert clock.state == Clock.State.MISSED


def test_follow_up_outlives_the_reply(county: World, case: Case, at: datetime):
    clock = promise(county, case, at + HOUR)
    for minute, name in enumerate(("draft_reply", "approve", "reply")):
        county.do(case, name, at=at + 2 * HOUR + minute * timedelta(minutes=1))
    assert follow_ups.standing(case) == clock
    county.do(case, "record_visit", at=at + DAY)
    clock.refresh_from_db()
    assert clock.state == Clock.State.MET


def test_no_step_after_the_first_contact_forgets_a_follow_up(county: World):
    """Moving into a state that does not run the clock would end it, neither met nor missed."""
    spec = Definition.objects.latest_of("message").parsed
    later = [
        n for n, s in spec.states.items() if s.phase == "open" and s.step not in {"登记", "交办", "签收"}
    ]
    assert "final_drafted" in later
    assert [n for n in later if "follow_up" not in {*spec.states[n].clocks, *spec.states[n].pauses}] == []


def test_follow_up_nobody_needs_is_closed_with_a_reason(county: World, case: Case, at: datetime):
    with pytest.raises(Already):
        county.do(case, "close_follow_up", at=at + HOUR)
    clock = promise(county, case, at + HOUR)
    county.do(case, "close_follow_up", at=at + DAY)
    clock.refresh_from_db()
    assert clock.state == Clock.State.VOID
    assert case.notes.filter(kind="remark", text="本人来电确认已解决").exists()


def test_day_lies_after_today_and_within_the_policy(county: World, case: Case, at: datetime):
    today = timezone.localtime(at).date()
    assert errors(county, case, at + HOUR, follow_up_on=today) == {
        "follow_up_on": ["“约定跟进日期”应在今天之后"]
    }
    last = today + 60 * DAY
    assert errors(county, case, at + HOUR, follow_up_on=last + DAY) == {
        "follow_up_on": [f"“约定跟进日期”最晚为 {last:%Y-%m-%d}（60个自然日内）"]
    }
    assert errors(county, case, at + HOUR, follow_up_on=last) == {}
    with pytest.raises(Cannot):
        county.do(case, "record_visit", at=at + HOUR, follow_up_on=today + 90 * DAY)


def test_new_policy_does_not_move_a_chosen_day(county: World, case: Case, at: datetime):
    clock = promise(county, case, at + HOUR)
    shorter = case.policy.source.replace("clock: follow_up, limit: 60d", "clock: follow_up, limit: 5d")
    document = publish(shorter, "default", by=User.objects.system(), at=at).document
    move(PolicyVersion.objects.get(pk=document.pk), by=User.objects.system(), at=at + DAY)
    moved = Clock.objects.get(pk=clock.pk)
    assert (moved.due_at, moved.limit, moved.policy_id) == (clock.due_at, "9d", document.pk)
    assert verify_clocks().problems == []
