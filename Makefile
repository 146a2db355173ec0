# Everything a fresh clone needs is Python >= 3.11 with pip, make and git.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.PHONY: up test check bench format lock clean

up: .venv/installed  ## environment, PostgreSQL, migrations, simulator, first sync, API, Dagster UI; Ctrl-C stops all
	@exec $(BIN)/calling-pipeline up

test: check  ## lint, types, import contracts and every test
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/installed-bench  ## the benchmarks, one JSON line each
	@$(BIN)/python -m calling_pipeline_tests.benchmarks $(ONLY)

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/installed  ## pin the newest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet "pip>=25.1" && .venv/lock/bin/python -m pip install --quiet --upgrade --group dev -e . setuptools
	.venv/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip > requirements.lock
	rm -rf .venv/lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one with: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-bench: .venv/installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
