"""Forms of events: each hands on what the effects of its move expect."""

import json
from datetime import timedelta

import pytest
import yaml

from opinion.forms import form_for
from tests.architecture.project_files import ROOT
from tests.factories.events import EVENT_STEPS, Events
from tests.opinion.forms.test_forms import as_typed
from workflows.engine import fire
from workflows.models import Case, Definition
from workflows.registry import FORMS
from workflows.sweeper import sweep

ORDER, HELP = ("issue_order",), ("ask_co_handling",)
# What must have been done before these can be; the state is the first of those they start from.
BEFORE = {
    "raise_order": ORDER, "acknowledge_order": ORDER, "answer_order": ORDER, "withdraw_order": ORDER,
    "send_back_order": (*ORDER, "answer_order"), "close_order": (*ORDER, "answer_order"),
    "accept_co_task": HELP, "decline_co_task": HELP, "waive_co_task": HELP, "finish_co_task": (*HELP, "accept_co_task"),
    "send_back_co_task": (*HELP, "accept_co_task", "finish_co_task"), "unlink_matter": ("link_matter",),
    "finish_task": ("set_task",), "hand_over_task": ("set_task",),
    "sign_information": ("propose_information",), "refuse_information": ("propose_information",),
    "remove_signer": ("add_signer",),
}  # fmt: skip
# A unit makes or concerns these, so there has to be a lead.
STATES = dict.fromkeys(
    ("update_report", "issue_order", "raise_order", "acknowledge_order", "answer_order", "send_back_order", "close_order",
     "withdraw_order"),
    "investigating",
) | dict.fromkeys(("add_signer", "remove_signer", "hand_over", "send_copy", "discuss"), "response_drafted")  # fmt: skip
STATES |= dict.fromkeys(("propose_information", "sign_information", "refuse_information"), "investigating")


def moves():
    document = yaml.safe_load((ROOT / "opinion" / "lifecycles" / "opinion.yaml").read_text(encoding="utf-8"))
    return [name for name, transition in document["transitions"].items() if transition.get("form")]


@pytest.mark.parametrize("name", moves())
def test_form_says_what_its_effects_expect(county, at, name):
    events, now = Events(county), at + timedelta(minutes=30)
    transition = Definition.objects.get(code="opinion_case").parsed.transitions[name]
    form_name = str(transition.form)
    case = events.walk(STATES.get(name, transition.sources[0]), at)
    for earlier in BEFORE.get(name, ()):
        events.do(case, earlier, at=now)
    step = EVENT_STEPS[name]
    typed = as_typed(step.data(county, now))
    fields = FORMS[form_name].base_fields
    if "order" in fields:
        typed["order"] = "1"
    if "task" in fields:
        typed["task"] = "1"
    if name == "link_matter":
        typed["other"] = Case.objects.get(pk=typed["other"]).number.lower()
    if name == "unlink_matter":
        typed["other"] = str(case.links_out.get().to_case_id)
    if typed.get("legacy") == "no":
        del typed["legacy"]
    actor = county.actor(case, step)
    if name == "withdraw_file":
        county.attach(case, at=now)
    if name == "close_follow_up":
        events.do(case, "record_visit", at=now, follow_up_on=(now + timedelta(days=3)).date())
    if name == "acknowledge_rung":
        now = case.clocks.get(kind="first_report").due_at
        sweep(at=now)
        case, typed["clock"], actor = Case.objects.get(pk=case.pk), "first_report", county.dispatcher
    form = form_for(form_name, typed, case=Case.objects.get(pk=case.pk), user=actor, at=now)
    assert form.is_valid(), form.errors
    event = fire(case.pk, name, by=actor, at=now, data=form.cleaned_data)
    assert json.dumps(event.data)
    assert event.transition == name


def test_every_form_of_events_labels_its_fields_in_chinese(db):
    spec = Definition.objects.get(code="opinion_case").parsed
    for name in {str(spec.opening.form), *(t.form for t in spec.transitions.values() if t.form)}:
        for field in FORMS[name].base_fields.values():
            assert field.label, name
            assert not field.label.isascii(), name
