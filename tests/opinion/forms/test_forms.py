"""Forms: what they offer, what they refuse and in which words, what they hand on."""

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from opinion.forms import form_for
from opinion.models import Code
from tests.factories.events import Events
from tests.factories.world import PATHS, STEPS, Step
from workflows.engine import fire
from workflows.models import Case, Definition, User
from workflows.registry import FORMS
from workflows.sweeper import sweep

# What must have been done to a case in handling before these can be.
BEFORE = {
    "sign_extension": ("request_extension",),
    "sign_closing": ("request_closing",),
    "refuse_closing": ("request_closing",),
    "sign_suspension": ("request_suspension",),
    "refuse_suspension": ("request_suspension",),
    "sign_order": ("propose_order",),
    "refuse_order": ("propose_order",),
    "add_signer": ("draft_reply",),
    "remove_signer": ("draft_reply", "add_signer"),
    "hand_over": ("draft_reply",),
    "send_copy": ("draft_reply",),
    "discuss": ("draft_reply",),
    "refuse_extension": ("request_extension",),
    "accept_co_task": ("ask_co_handling",),
    "decline_co_task": ("ask_co_handling",),
    "finish_co_task": ("ask_co_handling",),
    "send_back_co_task": ("ask_co_handling", "finish_co_task"),
    "waive_co_task": ("ask_co_handling",),
    "raise_order": ("issue_order",),
    "acknowledge_order": ("issue_order",),
    "answer_order": ("issue_order",),
    "send_back_order": ("issue_order", "answer_order"),
    "close_order": ("issue_order", "answer_order"),
    "withdraw_order": ("issue_order",),
    "close_follow_up": (),
    "withdraw_file": (),
}
# Where a move is made that its first state alone does not allow.
_ANSWERED = PATHS["replied"]
_ANEW = ("redo", "draft_reply", "approve", "reply", "redo", "draft_reply")
UNUSUAL = {
    "sign_decline": ("assign", "request_decline"),
    "refuse_decline": ("assign", "request_decline"),
    "raise_dispute": ("assign", "decline", "reject_decline"),
    "contest": (*_ANSWERED, *_ANEW, "approve", "reply"),
}


def declined_three_times(county, at):
    case = county.along(("assign", "decline"), at)
    for unit in (county.water, county.street):
        county.do(case, "reassign", at=at, lead=unit.pk)
        county.do(case, "decline", at=at)
    return Case.objects.get(pk=case.pk)


def standing(county, at, name, source):
    """A case with which the move can be made, and when."""
    if name == "refer_dispute":
        return declined_three_times(county, at), at
    if name in {"ask_private", "sign_private", "refuse_private"}:
        case = county.walk("reviewed", at, source="lb")
        if name != "ask_private":
            county.do(case, "ask_private", at=at + timedelta(minutes=29))
        return case, at + timedelta(minutes=30)
    if name in UNUSUAL:
        return county.along(UNUSUAL[name], at), at + timedelta(minutes=30)
    source = "merged" if name == "reply_merged" else "handling" if name in BEFORE else source
    case = county.walk(source, at)
    if name != "record_unreachable":
        return case, at + timedelta(minutes=30)
    for hours in (1, 25, 49):
        county.do(case, "record_unreached", at=at + timedelta(hours=hours))
    return Case.objects.get(pk=case.pk), at + timedelta(hours=50)


def opened(county, at, name, data=None, *, state="handling", by="dispatcher", **options):
    case = county.walk(state, at, **options)
    return form_for(name, data, case=case, user=getattr(county, by), at=at + timedelta(hours=1))


def errors(form):
    return {field: list(found) for field, found in form.errors.items()}


def local(at):
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def offered(form, name):
    return [label for value, label in form.fields[name].choices if value]


def as_typed(data):
    """What a browser would send for the data of a step."""
    return {
        name: local(value) if isinstance(value, datetime) else "" if value is None else value
        for name, value in data.items()
    }


def prepared(county, case, name, now):
    """Do what must have been done before this move."""
    for earlier in BEFORE.get(name, ()):
        county.do(case, earlier, at=now)
    if name == "withdraw_file":
        county.attach(case, at=now)
    if name == "close_follow_up":
        county.do(case, "record_visit", at=now, follow_up_on=now.date() + timedelta(days=3))


@pytest.mark.django_db
def test_every_form_of_the_lifecycle_labels_its_fields_in_chinese():
    spec = Definition.objects.get(code="message").parsed
    for name in {t.form for t in spec.transitions.values() if t.form}:
        for field in FORMS[name].base_fields.values():
            assert field.label, name
            assert not field.label.isascii(), name


def test_every_form_says_what_its_effects_expect(county, at):
    """Each move of the lifecycle that has a form, filled in as by a browser, goes through the door."""
    spec = Definition.objects.get(code="message").parsed
    for name, transition in spec.transitions.items():
        if transition.form is None:
            continue
        case, now = standing(county, at, name, transition.sources[0])
        step = STEPS[name]
        typed = as_typed(step.data(county, now))
        if name == "merge":
            typed["master"] = county.walk("handling", at).number.lower()
            typed["same"] = [typed["master"].upper()]
        if name == "reply_merged":
            master = county.walk("replied", at)
            county.do(case, "unmerge", at=now)
            county.do(case, "merge", at=now, master=master.pk)
            case = Case.objects.get(pk=case.pk)
        if name == "request_late_extension":
            now = case.clocks.get(kind="resolve").due_at + timedelta(minutes=1)
        prepared(county, case, name, now)
        if name == "list_claims":
            typed["claims"] = "\n".join(typed["claims"])
        typed |= {name: "1" for name in ("order", "task") if name in FORMS[transition.form].base_fields}
        if name in {"issue_order", "propose_order"}:
            typed["unit"] = str(case.desk_id)
        if name == "acknowledge_rung":
            now = case.clocks.get(kind="assign").due_at
            sweep(at=now)
            case, typed["clock"] = Case.objects.get(pk=case.pk), "assign"
            step = Step("dispatcher")
        actor = county.actor(case, step)
        form = form_for(transition.form, typed, case=case, user=actor, at=now)
        assert form.is_valid(), (name, form.errors)
        event = fire(case.pk, name, by=actor, at=now, data=form.cleaned_data)
        assert json.dumps(event.data)
        assert event.transition == name


def test_an_empty_form_names_each_missing_field(county, at):
    assert errors(opened(county, at, "decline", {}, state="assigned")) == {
        "reason": ["请选择“退单理由”"],
        "basis": ["请填写“退单依据”"],
    }
    assert errors(opened(county, at, "record_visit", {})) == {
        "action": ["请选择“办理方式”"],
        "happened_at": ["请填写“时间”"],
        "outcome": ["请填写“情况记录”"],
    }


def test_wrong_entries_say_how_to_put_them_right(county, at):
    data = {"action": "dance", "happened_at": "昨天", "outcome": "字" * 5001, "place": "甲\x00乙"}
    assert errors(opened(county, at, "record_visit", data)) == {
        "action": ["“办理方式”没有这一项，请从列表中选择"],
        "happened_at": ["“时间”请按 2026-11-24 09:30 的样子填写，并核对有没有这一天"],
        "outcome": ["“情况记录”不能超过 5000 字，现有 5001 字，请删减"],
        "place": ["“地点”含有不可见的空字符，请删除后重新粘贴"],
    }
    graded = opened(
        county,
        at,
        "rate",
        {"satisfaction": "good", "solved": "6", "speed": "0", "manner": "好"},
        state="replied",
    )
    assert errors(graded) == {
        "solved": ["“解决程度”不能大于 5，请改正"],
        "manner": ["“办理态度”请填写整数"],
        "speed": ["“办理速度”不能小于 1，请改正"],
    }


def test_times_lie_between_registration_and_now(county, at):
    said = {"action": "home", "outcome": "看过"}
    ahead = opened(county, at, "record_visit", {**said, "happened_at": local(at + timedelta(days=1))})
    assert errors(ahead) == {"happened_at": ["“时间”晚于现在，请填写实际发生的时间"]}
    before = opened(county, at, "record_visit", {**said, "happened_at": local(at - timedelta(days=1))})
    assert errors(before) == {
        "happened_at": [f"“时间”早于登记（{timezone.localtime(at):%Y-%m-%d %H:%M}），请核对"]
    }
    assert opened(county, at, "record_visit", {**said, "happened_at": local(at)}).is_valid()


def test_units_offered_leave_out_the_desk_and_the_barred(county, at):
    plain = opened(county, at, "assign", state="registered")
    assert offered(plain, "lead") == ["住建局", "住建局物业科", "东浦街道", "水务局"]
    barred = opened(county, at, "assign", state="registered", by="officer", barred=[county.housing.pk])
    assert offered(barred, "lead") == ["东浦街道", "水务局"]
    chosen = opened(
        county,
        at,
        "assign",
        {"lead": county.housing_office.pk},
        state="registered",
        by="officer",
        barred=[county.housing.pk],
    )
    assert errors(chosen) == {"lead": ["“主办单位”没有这一项，请从列表中选择"]}


def test_a_retired_unit_is_not_offered(county, at):
    county.street.valid_until = at.date() - timedelta(days=1)
    county.street.save()
    county.water.valid_from = at.date() + timedelta(days=9)
    county.water.save()
    assert offered(opened(county, at, "assign", state="registered"), "lead") == ["住建局", "住建局物业科"]


def test_a_unit_where_nobody_could_take_the_case_up_is_not_offered(county, at):
    county.street_head.memberships.all().delete()
    assert "东浦街道" in offered(opened(county, at, "assign", state="registered"), "lead")
    User.objects.filter(pk=county.street_handler.pk).update(is_active=False)
    assert "东浦街道" not in offered(opened(county, at, "assign", state="registered"), "lead")
    # It can be complained about all the same.
    assert "东浦街道" in offered(opened(county, at, "bar_unit"), "unit")


def test_the_unit_proposed_by_the_decline_is_preselected(county, at):
    case = county.walk("assigned", at)
    county.do(case, "decline", at=at, suggested=county.water.pk)
    form = form_for("reassign", None, case=Case.objects.get(pk=case.pk), user=county.dispatcher, at=at)
    assert form.initial["lead"] == county.water.pk
    assert "住建局" not in offered(form, "lead")
    assert "住建局" in offered(form_for("designate", None, case=case, user=county.dispatcher, at=at), "lead")


def test_a_leader_decides_a_dispute_with_no_unit_chosen_beforehand(county, at):
    case = county.along(("assign", "decline", "reject_decline"), at)
    county.do(case, "raise_dispute", at=at + timedelta(hours=1), suggested=county.water.pk)
    form = form_for("arbitrate", None, case=Case.objects.get(pk=case.pk), user=county.arbiter, at=at)
    assert not form["lead"].value()
    assert {"水务局", "住建局"} <= set(offered(form, "lead"))


def test_lead_is_not_assisting(county, at):
    data = {"lead": county.water.pk, "assisting": [county.water.pk, county.street.pk]}
    assert errors(opened(county, at, "assign", data, state="registered")) == {
        "assisting": ["“协办单位”与主办单位相同，请去掉重复的一个"]
    }


def test_retired_codes_are_not_offered(county, at):
    Code.objects.filter(list="suspend_reason", code="appraisal").update(active=False)
    assert offered(opened(county, at, "suspend"), "reason") == ["举行听证", "待本人补充材料", "不可抗力"]


def test_forms_offer_only_what_fits_the_move(county, at):
    assert offered(opened(county, at, "rate", state="replied"), "satisfaction") == [
        "非常满意",
        "满意",
        "基本满意",
    ]
    assert offered(opened(county, at, "redo", state="replied"), "satisfaction") == ["不满意", "非常不满意"]
    assert offered(opened(county, at, "refer"), "reason") == ["法定途径告知", "转信访/纪检"]
    assert offered(opened(county, at, "close", state="replied"), "reason") == [
        "已回复",
        "经审核终止",
        "无法联系",
    ]


def test_forms_start_from_what_is_known(county, at):
    assert opened(county, at, "approve", state="drafted").initial["text"] == "已清理排水管，积水已退。"
    assert opened(county, at, "classify").initial["type"] == "help"
    assert opened(county, at, "contact", state="accepted").initial["action"] == "phone"


def test_classify_wants_a_change(county, at):
    same = {"type": "help", "domain": "", "urgency": "", "complexity": ""}
    assert errors(opened(county, at, "classify", same)) == {"__all__": ["分类没有变化，请至少调整一项"]}
    assert opened(county, at, "classify", {**same, "urgency": "urgent"}).is_valid()


def test_longer_limit_for_a_complex_matter_names_who_approved_it(county, at):
    graded = {"type": "help", "domain": "", "urgency": "", "complexity": "complex"}
    assert list(errors(opened(county, at, "classify", graded))) == ["remark"]
    assert opened(county, at, "classify", {**graded, "remark": "局长批准，需鉴定"}).is_valid()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_moment_outside_the_years_of_any_calendar_is_refused(county, at, moment):
    said = {"action": "phone", "happened_at": moment, "outcome": "已联系"}
    assert "happened_at" in errors(opened(county, at, "contact", said, state="accepted"))


def test_restricted_replies_are_not_public(county, at):
    form = opened(county, at, "reply", {"public": "on"}, state="reviewed", restricted=True)
    assert errors(form) == {"__all__": ["限制知悉的案件不公开答复，请只答复本人"]}


def test_merge_takes_a_number_one_may_see(county, at):
    hidden = county.walk("registered", at, restricted=True).number
    for number in ("LY2026-999999", hidden):
        form = opened(county, at, "merge", {"master": number})
        assert errors(form) == {"master": [f"“主案件编号”{number} 不存在，请核对"]}
    case = county.walk("handling", at)
    form = form_for("merge", {"master": case.number}, case=case, user=county.dispatcher, at=at)
    assert errors(form) == {"master": ["不能并入自身，请填写另一件案件的编号"]}


def test_merge_shows_which_case_it_is_before_it_takes_it(county, at):
    first, second = (county.walk("handling", at, subject=subject) for subject in ("楼道积水", "路灯不亮"))
    form = opened(county, at, "merge", {"master": first.number})
    assert list(errors(form)) == ["same"]
    assert f"{first.number} 楼道积水（办理中，2026-11-24 登记）与本案是同一事项" in form.as_p()
    assert opened(county, at, "merge", {"master": first.number, "same": [first.number]}).is_valid()
    # Ticked for another number it says nothing of this one.
    assert list(errors(opened(county, at, "merge", {"master": second.number, "same": [first.number]}))) == [
        "same"
    ]


def test_merge_into_what_is_closed_needs_a_reason(county, at):
    master = county.walk("closed", at)
    said = {"master": master.number, "same": [master.number]}
    assert list(errors(opened(county, at, "merge", said))) == ["remark"]
    assert opened(county, at, "merge", {**said, "remark": "同一处积水"}).is_valid()


def test_merge_starts_from_the_duplicate_hint(county, at):
    first = county.register(at, body="同一段话", external_number="1")
    second = county.register(at, body="同一段话", external_number="2")
    form = form_for("merge", None, case=second, user=county.dispatcher, at=at)
    assert form.initial["master"] == first.number


def test_bar_unit_never_offers_the_desk(county, at):
    assert offered(opened(county, at, "bar_unit"), "unit") == ["住建局", "住建局物业科", "东浦街道", "水务局"]


def test_whoever_sends_a_case_out_is_told_who_reads_what_is_asked(county, at):
    shared = "主办和各协办单位看到的是同一段"
    said = {"assign": "registered", "designate": "registered", "transfer": "handling"}
    for name, state in said.items():
        form = form_for(name, None, case=county.walk(state, at), user=county.dispatcher, at=at)
        assert shared in form.fields["requirement"].help_text
    alone = form_for(
        "assign_lead", None, case=Events(county).walk("graded", at), user=county.dispatcher, at=at
    )
    assert shared not in alone.fields["requirement"].help_text
