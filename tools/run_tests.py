"""`make test`: the whole suite on SQLite, then on PostgreSQL, and one honest account of both.

What could not run is listed at the end. With HUIYIN_TEST_REQUIRE_ALL=1 (continuous integration) a
missing service, browser or skipped test fails the run; only skips whose reason begins with `OPTIONAL`
(see tests/conftest.py) are allowed there. Arguments go to pytest: `make test ARGS="-k calendar"`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from tools.backends import Backend, backends

ROOT = Path(__file__).resolve().parent.parent
OPTIONAL = "可选"
NO_TEST_COLLECTED = 5


@dataclass
class Account:
    """What one run of pytest did, read from its junit file."""

    label: str
    exit_code: int
    passed: int = 0
    failed: int = 0
    skips: list[tuple[str, str]] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    require_all = os.environ.get("HUIYIN_TEST_REQUIRE_ALL") == "1"
    missing: list[str] = []
    accounts: list[Account] = []
    with tempfile.TemporaryDirectory(prefix="huiyin-run-") as scratch_name:
        scratch = Path(scratch_name)
        with backends(f"huiyin_{os.getpid()}") as services:
            for service in services.values():
                print(f"{service.name}: {service.note}", flush=True)
                if service.url is None:
                    missing.append(f"{service.name}: {service.note}")
            # Tracing costs a third of a run, and the lines that PostgreSQL alone reaches are few: one run is traced.
            # A selection of tests says nothing about coverage.
            traced = not arguments
            accounts.append(_run("SQLite", "", "not postgres", services, scratch, arguments, traced=traced))
            postgres = services["postgres"].url
            if postgres is not None:
                accounts.append(_run("PostgreSQL", postgres, "", services, scratch, arguments))
        covered = _coverage(scratch) if traced else 0
    return _conclude(accounts, missing, covered, require_all=require_all)


def _run(
    label: str,
    database_url: str,
    marks: str,
    services: Mapping[str, Backend],
    scratch: Path,
    arguments: Sequence[str],
    *,
    traced: bool = False,
) -> Account:
    print(f"\n######## {label} ########", flush=True)
    run = scratch / label.lower()
    (run / "var").mkdir(parents=True)
    environment = {
        **os.environ,
        "HUIYIN_ENV": "development",
        "HUIYIN_VAR": str(run / "var"),
        "DATABASE_URL": database_url,  # set even when empty, so that no .env file speaks for it
        "CELERY_BROKER_URL": "",
        "COVERAGE_FILE": str(scratch / ".coverage"),
        **{f"HUIYIN_TEST_{name.upper()}_URL": services[name].url or "none" for name in ("redis", "rabbitmq")},
    }
    report = run / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "worksteal",
        f"--junitxml={report}",
        "-m",
        marks,
    ]
    if traced:
        command += ["--cov", "--cov-report=", "--cov-fail-under=0"]  # said at the end, after both runs
    code = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, check=False).returncode
    account = Account(label, code)
    if report.exists():
        _read(report, account)
    return account


def _read(report: Path, account: Account) -> None:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # written by pytest a moment ago
        skipped = case.find("skipped")
        if skipped is not None and skipped.get("type") != "pytest.xfail":
            name = f"{case.get('classname')}::{case.get('name')}"
            account.skips.append((name, skipped.get("message") or ""))
        elif case.find("failure") is not None or case.find("error") is not None:
            account.failed += 1
        else:
            account.passed += 1


def _coverage(scratch: Path) -> int:
    """Branch coverage of the traced run. Returns coverage's exit code, 2 when below `fail_under`."""
    environment = {**os.environ, "COVERAGE_FILE": str(scratch / ".coverage")}
    print("\n######## coverage, of the run on SQLite ########", flush=True)
    return subprocess.run(
        [sys.executable, "-m", "coverage", "report"], cwd=ROOT, env=environment, check=False
    ).returncode


def _conclude(accounts: list[Account], missing: list[str], covered: int, *, require_all: bool) -> int:
    reasons: dict[str, list[str]] = {}
    for account in accounts:
        for name, reason in account.skips:
            reasons.setdefault(reason, []).append(f"{account.label}: {name}")
    if missing or reasons:
        print("\n" + "!" * 40 + " NOT RUN " + "!" * 40)
        for line in missing:
            print(f"  no service  {line}")
        for reason, names in sorted(reasons.items()):
            print(f"  {len(names)} skipped  {reason}")
            for name in names:
                print(f"      {name}")
    forbidden = missing + [reason for reason in reasons if not _is_optional(reason)]
    codes = [account.exit_code for account in accounts]
    empty_selection = [code for code in codes if code == NO_TEST_COLLECTED]
    bad = [code for code in codes if code not in {0, NO_TEST_COLLECTED}]
    print()
    if len(accounts) == 1:
        print("PostgreSQL: not run")
    if covered:
        print("coverage is below what pyproject.toml asks for")
    if require_all and forbidden:
        print("HUIYIN_TEST_REQUIRE_ALL=1: what was not run counts as failed")
    for account in accounts:
        print(
            f"{account.label}: {account.passed} passed, {account.failed} failed, {len(account.skips)} skipped"
        )
    passed = sum(account.passed for account in accounts)
    failed = sum(account.failed for account in accounts)
    print(f"{passed} passed, {failed} failed, {sum(len(a.skips) for a in accounts)} skipped")
    if bad or covered or len(empty_selection) == len(codes) or (require_all and forbidden):
        return 1
    return 0


def _is_optional(reason: str) -> bool:
    """pytest prefixes a skip raised outside a test function with its own words."""
    return reason.removeprefix("Skipped: ").startswith(OPTIONAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
