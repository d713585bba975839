# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help demo drill test lint bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "fastdata needs Python 3.11 or later, this is " + sys.version'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.lock

$(VENV)/.runtime: $(UV) requirements/runtime.lock pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements/runtime.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements/dev.lock
	@touch $@

demo: $(VENV)/.runtime ## a card swipe to an acknowledged command, on real servers
	$(BIN)/fastdata demo

drill: $(VENV)/.runtime ## every fault once under load: nothing lost, doubled or wrong (about 20 minutes)
	$(BIN)/fastdata drill --seeds 1 --stop-s 12 --away-s 30

# Three processes on two cores: some of what is tested waits, and one of them has its turn at whole pipelines.
test: $(VENV)/.dev ## the whole test suite on embedded servers
	$(BIN)/python -m pytest --numprocesses 3

lint: $(VENV)/.dev ## ruff, mypy and the layer contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## latency and drain rate beside plain PySpark
	$(BIN)/python -m benchmarks

lock: $(UV) ## resolve the dependencies again
	echo 'uv>=0.9' | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links - --output-file requirements/uv.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links pyproject.toml --extra build --output-file requirements/runtime.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links pyproject.toml --extra build --extra dev --constraint requirements/runtime.lock --output-file requirements/dev.lock

clean: ## remove the environment (not the data)
	rm -rf $(VENV)
