# Onemark: `make up` starts it, `make test` tests it. Everything else is listed by `make`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CHECKED := kit codegen supplychain scanservice crm campaigns web migrations bench tests
HOST ?=
PORT ?=
JOBS ?= 2

.PHONY: help up demo test sure lint prove bench fix pictures clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/runtime ## Install and start everything on http://127.0.0.1:8000 (HOST=0.0.0.0 for phones, PORT=...)
	@exec $(BIN)/onemark up $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

demo: $(VENV)/runtime ## Fill the demo brand with a month of lively scans
	@$(BIN)/onemark demo

test: $(VENV)/tests browser lint ## Install what tests need and run everything: format, lint, types, imports, tests
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal -m "not prove" -q

sure: test ## The same as test

lint: $(VENV)/tests ## Format, lint, types and import directions, without the tests
	@$(BIN)/ruff format --check --quiet $(CHECKED) || { echo "The formatter would change files: make fix"; exit 1; }
	@$(BIN)/ruff check --quiet $(CHECKED)
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

fix: $(VENV)/tests ## Format and repair what can be repaired
	@$(BIN)/ruff check --quiet --fix $(CHECKED); $(BIN)/ruff format --quiet $(CHECKED)

prove: $(VENV)/tests browser ## The long proofs: minutes of chaos, millions of tries
	@$(BIN)/python -m pytest -m prove -q

bench: $(VENV)/tests ## Measure against controls; the figures stand in docs/benchmarks.md
	@$(BIN)/python -m bench

pictures: $(VENV)/tests browser ## Draw the README's pictures from the running demo
	@$(BIN)/python -m tests.pictures

clean: ## Remove the virtual environment (never your data in var/)
	@rm -rf $(VENV)

$(VENV)/bin/python:
	@tools/make-venv $(PYTHON) $(VENV)

$(VENV)/runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing Onemark's packages (once; under a minute) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/tests: requirements-test.lock $(VENV)/runtime
	@echo "Installing what the tests need ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-test.lock
	@touch $@

.PHONY: browser
browser: ## Find Chromium, or install it where we are root
	@tools/ensure-browser
