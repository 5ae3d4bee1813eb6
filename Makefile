# Every target makes the virtual environment it needs; a fresh clone needs only python3.11, git and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# The stamps carry a hash of what they installed, so a changed pin reinstalls and a changed date does not.
RUNTIME_STAMP := $(VENV)/.runtime-$(shell cat requirements.txt constraints.txt | sha256sum | cut -c1-16)
DEV_STAMP := $(VENV)/.dev-$(shell cat requirements.txt requirements-dev.txt constraints.txt | sha256sum | cut -c1-16)

# Checks look at the code, not at somebody's database: they get a var directory of their own.
CHECK_ENV := HUIYIN_VAR=$(CURDIR)/var/check
PACKAGES := config opinion notifications workflows
SOURCES := manage.py $(PACKAGES) tests bench tools

.PHONY: help setup demo test quick check style types imports templates django migrations pins audit fmt bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(RUNTIME_STAMP): | $(BIN)/python
	$(PIP) -r requirements.txt
	@rm -f $(VENV)/.runtime-* && touch $@

$(DEV_STAMP): | $(BIN)/python
	$(PIP) -r requirements-dev.txt
	@rm -f $(VENV)/.dev-* $(VENV)/.runtime-* && touch $@ $(RUNTIME_STAMP)

setup: $(DEV_STAMP)  ## virtual environment with everything development needs

demo: $(RUNTIME_STAMP)  ## a made-up county on http://127.0.0.1:8000 (DEMO_CHECK=1: drive one message and exit)
	HUIYIN_ENV=development DATABASE_URL= HUIYIN_VAR="$${HUIYIN_VAR:-$(CURDIR)/var/demo}" $(BIN)/python manage.py demo

test: $(DEV_STAMP)  ## the whole suite on SQLite, then on PostgreSQL, with Redis, RabbitMQ and a browser
	$(BIN)/python -m tools.run_tests $(ARGS)

quick: $(DEV_STAMP)  ## the suite on SQLite alone, without slow and browser tests, stopping at the first failure
	$(BIN)/python -m pytest -n 2 -x -q -m "not slow and not browser and not postgres" $(ARGS)

check: style types imports templates django migrations pins  ## every static check that CI runs

style: $(DEV_STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(DEV_STAMP)
	$(CHECK_ENV) $(BIN)/mypy $(wildcard $(SOURCES))

imports: $(DEV_STAMP)
	$(BIN)/lint-imports --no-logo

templates: $(DEV_STAMP)
	$(BIN)/djlint --lint --quiet $(wildcard $(PACKAGES))

django: $(DEV_STAMP)
	$(CHECK_ENV) $(BIN)/python manage.py check --fail-level WARNING
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run

# A first migration builds on an empty database: nothing running can be broken by it. The others named here add columns
# that may be null or have a default of the database, constraints to tables of their own, or room for longer codes: all
# harmless; the linter reads the tables that SQLite makes anew for that.
migrations: $(DEV_STAMP)
	$(CHECK_ENV) DJANGO_SETTINGS_MODULE=tools.migration_lint_settings $(BIN)/python manage.py lintmigrations --no-cache \
		--project-root-path $(CURDIR) --include-apps opinion notifications workflows --ignore-name 0001_initial 0003_ladders \
		0007_offline_records 0012_feedback 0015_review_task_clock 0007_counts_from 0008_approvals

pins: $(DEV_STAMP)
	$(BIN)/python -m pip check

audit: $(DEV_STAMP)  ## known vulnerabilities in the pins; not part of check, because its service is not reachable everywhere
	$(BIN)/pip-audit --disable-pip --no-deps -r constraints.txt

fmt: $(DEV_STAMP)  ## format and fix what can be fixed safely
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(DEV_STAMP)  ## measure against peers and the raw database in one interleaved run
	$(BIN)/python -m bench $(ARGS)

lock: $(DEV_STAMP)  ## renew constraints.txt from the virtual environment
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze | sort -f; } > constraints.new && mv constraints.new constraints.txt

clean:  ## remove the virtual environment and tool caches; never touches var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
