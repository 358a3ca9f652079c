# The commands of this project, the same for a newcomer and for CI. They need CPython 3.11 or newer with venv, and make.

PY ?= python3
BIN := .venv/bin
# One more than there are cores: a test that waits for a server or a clock leaves its core to another.
TESTERS = $(shell $(PY) -c 'import os; print((os.cpu_count() or 1) + 1)')
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
COMPILE := $(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
SOURCES := warranty vendors migrations tests $(wildcard bench wsgi.py)

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench chaos fuzz screenshots lock clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /make \1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
	  printf '%-18s %s\n' "$$name" "$$text"; done

demo: .venv/runtime ## install, start everything and play the main job (ONCE=1: stop after it)
	@WARRANTY_MODE=development $(BIN)/python -m warranty.demo $(if $(ONCE),--once)

test: .venv/development ## the whole suite, on real servers and a real browser (ARGS="tests/house -x": a part of it)
	@browser="$$($(BIN)/python -m tests.browser)" && \
	WARRANTY_MODE=development CHROMIUM="$$browser" $(BIN)/python -m pytest -n $(TESTERS) --dist worksteal $(ARGS)

lint: .venv/development ## format, lint, types, import rules, dead code, unused dependencies, known traps
	$(BIN)/python -m ruff format --check --quiet .
	$(BIN)/python -m ruff check --quiet .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.house.dead_code
	$(BIN)/python -m deptry .
	$(BIN)/python -m pip check --quiet --disable-pip-version-check
	$(BIN)/python -m bandit --quiet --severity-level medium --recursive --configfile pyproject.toml warranty vendors migrations

bench: .venv/development ## measure decisions, every page and the way of a fault, each beside its floor
	@$(BIN)/python -m bench

chaos: .venv/development ## kill, freeze, cut off and lie, and check that nothing was lost (PART=soak: one part)
	@WARRANTY_MODE=development $(BIN)/python -m tests.chaos $(PART) $(ARGS)

fuzz: .venv/development ## random calls at the whole API, as four who may do different things (MINUTES=1: shorter than 15)
	@FUZZ_MINUTES=$(or $(MINUTES),15) WARRANTY_MODE=development $(BIN)/python -m pytest -n auto --timeout 0 \
	  tests/web/test_fuzz.py

screenshots: .venv/development ## make the pictures of the documents anew
	@$(BIN)/python -m tests.screenshots

lock: .venv/development ## renew the two lock files within the ranges of pyproject.toml
	$(COMPILE) --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --upgrade --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove what these commands made (not ./instance, which holds data)
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last: whatever is interrupted is done again. The locks are whole, so pip looks for nothing beside
# them (`--no-deps`): else a newer release of what one of them wants as `name[extra]` would stop the installation.
.venv/runtime: requirements.lock pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { $(call make_venv); }
	$(PIP) --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/development: .venv/runtime requirements-dev.lock
	$(PIP) --no-deps --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

define make_venv
command -v $(PY) >/dev/null || \
  { echo "There is no '$(PY)': install CPython 3.11 or newer, or name one: make PY=/path/to/python"; exit 1; }; \
$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "$$($(PY) --version) is too old: name CPython 3.11 or newer: make PY=/path/to/python"; exit 1; }; \
$(PY) -c 'import ensurepip, venv' 2>/dev/null || \
  { echo "$(PY) lacks venv: install it (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }; \
$(PY) -m venv --clear .venv
endef
