"""A fresh machine installs exactly what this one runs, and every direct requirement says why it is there."""

import re
from importlib.metadata import distributions

import pytest

from tests.architecture.project_files import ROOT

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[a-z,]+\])?==(?P<version>\S+)  # (?P<reason>\S.+)$")


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


def test_constraints_are_what_is_installed():
    """`make lock` renews them. The installers themselves are the machine's business."""
    installed = {_canonical(d.metadata["Name"]): d.version for d in distributions()}
    for installer in ("pip", "setuptools", "wheel"):
        installed.pop(installer, None)
    assert _constraints() == installed
