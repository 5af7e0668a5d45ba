# Everything a person types here is a target with a line of help: `make` prints them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.made-run
DEV := .venv/.made-dev
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench soak fmt readme pictures lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN) ## play a real incident from first alarm to audit report (two minutes)
	@scripts/demo

up: $(RUN) ## start everything with a sample company, and say what to try next
	@scripts/up

test: check ## all that CI runs: format, lint, types, layers, tests with coverage
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

check: $(DEV) ## format, lint, types and layers, without the tests
	@$(BIN)/ruff format --quiet --check --diff .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@scripts/quietly $(BIN)/lint-imports

bench: $(DEV) ## measure throughput, latency and size, and print the figures
	@$(BIN)/python -m tests.bench

soak: $(DEV) ## the tests that take longer than CI should wait
	@SMR_SOAK=1 $(BIN)/pytest -q -m soak

fmt: $(DEV) ## format the code and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

readme: $(DEV) ## write the generated parts of README.md again
	@$(BIN)/python scripts/readme.py

pictures: $(DEV) ## take the pictures of README.md again, from the real pages
	@$(BIN)/python scripts/pictures.py

lock: ## resolve the dependencies again and rewrite constraints.txt
	@$(PYTHON) scripts/lock

clean: ## remove the environment and what tools left behind (workspaces stay)
	@rm -rf .venv dist build htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
	    .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" scripts/venv run

$(DEV): $(RUN)
	@scripts/venv dev
