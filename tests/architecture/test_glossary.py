"""One Chinese word for one identifier: what documents, models and roles call a thing is what the glossary lists."""

import re
from collections import defaultdict
from typing import Any

import pytest
import yaml
from django.apps import apps

from opinion.codes import seeded
from tests.architecture.project_files import BOXES, ROOT
from workflows.registry import ROLES

ROW = re.compile(r"^\| `(?P<identifier>[a-z_]+)` \| (?P<label>[^|]+?) \| (?P<meaning>[^|]+?) \|$")
LIFECYCLES = sorted((ROOT / "opinion" / "lifecycles").glob("*.yaml"))


def _glossary() -> dict[str, set[str]]:
    """Identifier → its Chinese labels; an identifier may be a state in one table and a code in another."""
    labels: dict[str, set[str]] = defaultdict(set)
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        if match := ROW.match(line):
            labels[match["identifier"]].add(match["label"])
    return labels


def _labelled(document: dict[str, Any]) -> set[tuple[str, str]]:
    pairs = {(document["code"], document["label"])}
    for section in ("states", "transitions", "clocks"):
        pairs |= {(name, part["label"]) for name, part in document[section].items()}
    return pairs


def test_every_table_row_is_readable():
    """A row the pattern does not match would silently escape the comparison."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) > 50
    assert [line for line in rows if not ROW.match(line)] == []


def _assert_listed(pairs: set[tuple[str, str]]) -> None:
    glossary = _glossary()
    missing = sorted(
        f"| `{name}` | {label} |" for name, label in pairs if label not in glossary.get(name, set())
    )
    assert missing == [], "docs/glossary.md lacks:\n" + "\n".join(missing)


def test_choices_of_models_are_in_the_glossary():
    models = [model for box in BOXES[1:] for model in apps.get_app_config(box).get_models()]
    choices = {
        (str(value), str(label))
        for model in models
        for field in model._meta.get_fields()
        for value, label in getattr(field, "flatchoices", None) or ()
    }
    assert ("lead", "主办") in choices
    _assert_listed(choices)


def test_roles_are_in_the_glossary():
    """The toy roles of the engine's own tests may be registered in the same process."""
    roles = {(name, role.label) for name, role in ROLES.items() if not name.startswith("toy_")}
    assert roles, "no role is registered"
    _assert_listed(roles)


def test_code_lists_are_in_the_glossary():
    """The lists by name; the codes in them are data that a county edits."""
    _assert_listed({(name, shipped["label"]) for name, shipped in seeded().items()})


@pytest.mark.parametrize("path", LIFECYCLES, ids=lambda path: path.name)
def test_lifecycle_labels_are_in_the_glossary(path):
    _assert_listed(_labelled(yaml.safe_load(path.read_text(encoding="utf-8"))))
