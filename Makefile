# Every target does its own set-up; `make` alone lists them.
PYTHON ?= python3
UV_VERSION := 0.13.8
export UV_PYTHON_DOWNLOADS := never
export DO_NOT_TRACK := 1

VENV := .venv
UV := .uv/bin/uv
# Tests wait for servers and jobs half of their time: one more worker than cores takes a tenth of it off.
WORKERS := $(shell expr $$(nproc) + 1)
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check format sandbox bench docs clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

install: $(READY) ## Make .venv with everything that uv.lock pins, and .venv/bin/catwalk

demo: $(READY) ## Run the main job on twelve drawn SKUs: no key, no charge, no internet
	$(VENV)/bin/catwalk demo

test: $(READY) ## Run the tests; what needs Debian's Chromium or Ceph is skipped without them
	$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile -m "not slow"

test-all: $(READY) ## Run the slow suites too
	$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile

check: $(READY) ## Lint, format check, spelling and types
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/codespell
	$(VENV)/bin/pyright

format: $(READY) ## Format the code and sort its imports
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

sandbox: $(READY) ## Run the simulated vendors on 127.0.0.1:8765
	$(VENV)/bin/catwalk sandbox

bench: $(READY) ## Measure the main job beside a hand-written script
	$(VENV)/bin/python -m benchmarks.main_job

docs: $(READY) ## Bring docs/reference up to date with the code
	$(VENV)/bin/python -m deployments.reference

clean: ## Remove what the other targets made
	rm -rf $(VENV) .uv demo .pytest_cache .ruff_cache .hypothesis

# Compiled at once: every command, server and worker starts in half the CPU time, also where Python may write no bytecode.
$(READY): pyproject.toml uv.lock $(UV)
	$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

$(UV):
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
