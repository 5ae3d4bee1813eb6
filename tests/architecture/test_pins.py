"""A fresh machine installs exactly what this one runs, and every direct requirement says why it is there."""

import re
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from tests.architecture.project_files import ROOT

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[a-z,]+\])?==(?P<version>\S+)  # (?P<reason>\S.+)$")

INSTALLERS = {"pip", "setuptools", "wheel"}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {_canonical(name): version for name, version in pairs}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_with_a_reason(name):
    lines = (ROOT / name).read_text().splitlines()
    asked = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert [line for line in asked if not PIN.match(line)] == []
    pins = [match for line in asked if (match := PIN.match(line))]
    constraints = _constraints()
    assert {m["name"]: m["version"] for m in pins} == {
        m["name"]: constraints[_canonical(m["name"])] for m in pins
    }


def _needed() -> dict[str, str]:
    """Every installed package that the requirements lead to: canonical name → version."""
    needed: dict[str, str] = {}
    lines = (ROOT / "requirements-dev.txt").read_text() + (ROOT / "requirements.txt").read_text()
    asked = [
        Requirement(line.split("  #")[0]) for line in lines.splitlines() if line[:1] not in {"", "#", "-"}
    ]
    while asked:
        requirement = asked.pop()
        name = _canonical(requirement.name)
        dist = distribution(requirement.name)
        extras = requirement.extras or {""}
        if name in needed and not requirement.extras:
            continue
        needed[name] = dist.version
        for text in dist.requires or ():
            below = Requirement(text)
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                asked.append(below)
    return needed


def test_constraints_pin_everything_the_requirements_lead_to():
    """`make lock` renews them. The installers themselves are the machine's business."""
    needed = {name: version for name, version in _needed().items() if name not in INSTALLERS}
    constraints = _constraints()
    assert len(needed) > 50
    assert needed == {name: constraints.get(name) for name in needed}
