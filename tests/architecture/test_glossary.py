"""One Chinese word for one identifier: what the lifecycle documents label is what the glossary lists."""

import re
from collections import defaultdict
from typing import Any

import pytest
import yaml

from tests.architecture.project_files import ROOT

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


@pytest.mark.parametrize("path", LIFECYCLES, ids=lambda path: path.name)
def test_lifecycle_labels_are_in_the_glossary(path):
    glossary = _glossary()
    labelled = _labelled(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert {(name, label) for name, label in labelled if label not in glossary.get(name, set())} == set()
