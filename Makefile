# Everything a fresh clone needs is Python >= 3.11 with pip, make and git.
PYTHON ?= python3
BIN := .venv/bin
# One more than cores: many tests wait for a process or a server, and another can run meanwhile.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 8))')
PIP := -m pip install --quiet --disable-pip-version-check
# Each run of Dagster is a new process, and where nothing may write bytecode each would compile the package anew.
COMPILE := $(BIN)/python -m compileall -q calling_pipeline calling_pipeline_tests

.PHONY: up demo down test check check-types check-sql check-imports check-dead bench campaign rehearsal coverage measures screenshots deploy-check audit format lock hooks clean help

up: .venv/installed  ## environment, PostgreSQL, migrations, simulator, first sync, API, Dagster UI; Ctrl-C or `make down` stops all
	@$(COMPILE)
	@exec $(BIN)/calling-pipeline up

demo: .venv/installed  ## beside a running `make up`: a working day over the example world in three minutes; Ctrl-C ends it
	@exec $(BIN)/calling-pipeline demo

down: .venv/installed  ## end what `make up` runs here, or what a killed one left; the data stay
	@$(BIN)/calling-pipeline down

test: check  ## the checks, then every test; WORKERS=n at a time (one more than there are cores)
	@$(COMPILE)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

check: .venv/installed  ## style, import contracts, dead code, SQL and types; two at a time
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 check-types check-sql check-imports check-dead

check-types: .venv/installed  ## of the checks, types alone
	$(BIN)/mypy

check-sql: .venv/installed  ## of the checks, SQL alone
	$(BIN)/sqlfluff lint --processes 0 --disable-progress-bar calling_pipeline

check-imports: .venv/installed  ## of the checks, import contracts alone
	$(BIN)/lint-imports --no-cache

check-dead: .venv/installed  ## of the checks, dead code alone
	$(BIN)/python -m calling_pipeline_tests.house.dead_code

bench: .venv/installed-bench  ## the benchmarks, one JSON line each; ONLY=name runs one
	@$(COMPILE)
	@$(BIN)/python -m calling_pipeline_tests.benchmarks $(ONLY)

campaign: .venv/installed  ## all rooms for ten minutes while things are killed, cut and set wrong; SEED=n MINUTES=m
	@$(COMPILE)
	$(BIN)/python -m calling_pipeline_tests.campaign --minutes $(or $(MINUTES),10) $(addprefix --seed ,$(SEED))

rehearsal: .venv/installed  ## a night's takeover from end to end, in bare Debian roots (needs root, mmdebstrap); FOLDER=path
	$(BIN)/python -m calling_pipeline_tests.takeover.night $(or $(FOLDER),build/rehearsal)

coverage: .venv/installed  ## every test with branch coverage, subprocesses included; fails below the floor in pyproject.toml
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --cov --cov-report=term:skip-covered

measures: .venv/installed  ## the figures of the house (docs/measures.md)
	@$(BIN)/python -m calling_pipeline_tests.house.measures

screenshots: .venv/installed  ## pictures of every page, both languages and themes, screen and telephone, into build/screenshots/
	@$(BIN)/python -m calling_pipeline_tests.browser.pictures

deploy-check: .venv/installed-deploy  ## the files of deploy/: schemas, lint, and the images' steps in a bare Debian root (needs root, mmdebstrap)
	$(BIN)/python -m calling_pipeline_tests.deploy.checking
	CALLING_TEST_PROFILE=nightly $(BIN)/python -m pytest -q calling_pipeline_tests/deploy

audit: .venv/installed  ## ask the advisory database about every pinned version (needs the network)
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python $(PIP) pip-audit
	.venv/audit/bin/pip-audit --require-hashes --disable-pip -r requirements.lock
	rm -rf .venv/audit

format: .venv/installed  ## mend what can be mended: imports, layout, SQL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --processes 0 --disable-progress-bar calling_pipeline

lock: .venv/installed  ## pin the newest versions that pyproject.toml allows, with the hashes of all their files
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python $(PIP) "pip>=25.1" pip-tools
	$(BIN)/python -c 'import tomllib; print("setuptools", *tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' \
	    | .venv/lock/bin/pip-compile --quiet --upgrade \
	    --generate-hashes --allow-unsafe --no-strip-extras --no-header --no-annotate --no-emit-options \
	    --output-file requirements.lock pyproject.toml -
	rm -rf .venv/lock

hooks: .venv/installed  ## run `make check` before every commit
	$(BIN)/pre-commit install

clean:  ## remove the environment and every cache; the data in .calling/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one with: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) --require-hashes -r requirements.lock
	$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-bench: .venv/installed requirements-bench.txt
	$(BIN)/python $(PIP) -r requirements-bench.txt
	@touch $@

.venv/installed-deploy: .venv/installed requirements-deploy.txt
	$(PYTHON) -m venv .venv/deploy
	.venv/deploy/bin/python $(PIP) -r requirements-deploy.txt
	@touch $@
