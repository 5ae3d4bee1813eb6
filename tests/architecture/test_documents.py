"""The documents name what the code has: variables, commands, decisions."""

import re

from config.env import Env
from tests.architecture.project_files import ROOT, project_files


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_environment_variable_is_explained():
    variables = {str(field.alias) for field in Env.model_fields.values()}
    example, readme = _read(".env.example"), _read("README.md")
    assert {name for name in variables if name not in example} == set()
    assert {name for name in variables if f"`{name}`" not in readme} == set()


def test_every_command_is_in_the_readme():
    commands = {p.stem for p in project_files() if p.match("*/management/commands/[a-z]*.py")}
    readme = _read("README.md")
    assert {name for name in commands if f"manage.py {name}" not in readme} == set()


def test_every_decision_is_indexed_and_states_its_price():
    decisions = [p for p in project_files() if re.match(r"\d{4}-", p.name) and p.parent.name == "decisions"]
    assert decisions, "no decision record found"
    index = _read("docs/decisions/README.md")
    for path in decisions:
        assert f"({path.name})" in index, f"{path.name} is not in the index"
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Price"], path.name


def test_paths_in_the_house_tour_exist():
    tour = _read("ARCHITECTURE.md")
    paths = set(re.findall(r"`((?:config|opinion|notifications|workflows|tools|tests|docs)/[\w/.]*)`", tour))
    assert len(paths) > 10
    assert {path for path in paths if not (ROOT / path).exists()} == set()
