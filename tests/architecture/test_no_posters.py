"""The subject of an event is the event and the agencies' answer: nothing of ours can hold who said or spread what.

Source: 个人信息保护法 5, 6; `docs/decisions`: no profiles, no watch-lists, no analysis of spreaders.
"""

import re

from django import forms
from django.apps import apps

from opinion.models import CaseReport, OpinionCase, PublicResponse, ReviewTask
from tests.architecture.project_files import BOXES
from workflows.registry import FORMS

# Words that name a person behind a post, the post itself or its reach. An agency's own author is a user of ours.
PERSONAL = re.compile(
    r"poster|posted_by|account|nick_?name|blogger|spreader|influenc|follower|fans|repost|forward(ed|s)?_|"
    r"sentiment|(^|_)url($|_)|(^|_)link_url|screen_?name|(^|_)handle($|_)|user_?name|(^|_)ip($|_)|device"
)
OF_EVENTS = (OpinionCase, CaseReport, PublicResponse, ReviewTask)
# Our own users log in by this name; the framework's table.
OURS = {("user", "username")}


def names_of_columns():
    for box in BOXES[1:]:
        for model in apps.get_app_config(box).get_models():
            for field in model._meta.get_fields():
                yield model._meta.model_name, field.name


def test_no_column_can_hold_who_posted_what():
    found = {(model, name) for model, name in names_of_columns() if PERSONAL.search(name)}
    assert found - OURS == set()


def test_the_pattern_finds_what_it_is_for():
    for name in ("poster", "nickname", "account_id", "post_url", "spreader_count", "screen_name"):
        assert PERSONAL.search(name), name


def test_authors_of_event_records_are_users_of_ours():
    """`author` is whoever wrote a report or a response here, a foreign key to our users, and never text."""
    for model in OF_EVENTS:
        for field in model._meta.get_fields():
            if field.name in {"author", "set_by", "settled_by"}:
                assert field.related_model._meta.label == "workflows.User", field


def test_no_form_asks_who_posted_what():
    asked = {
        (name, field)
        for name, form in FORMS.items()
        if isinstance(form, type) and issubclass(form, forms.BaseForm)
        for field in form.base_fields
    }
    assert ("opinion_case", "channels") in asked
    assert {(name, field) for name, field in asked if PERSONAL.search(field)} == set()
