# `make demo` and `make test` are all the set-up there is: each makes .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint format docs bench build clean

demo: $(VENV)/.installed
	@$(BIN)/pipedeck demo

test: lint
	$(BIN)/python -m pytest

lint: $(VENV)/.test-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test-tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.test-tools
	@$(BIN)/python -m tests.generated_docs

bench: $(VENV)/.test-tools
	@$(BIN)/python -m benchmarks

build: $(VENV)/.test-tools
	$(BIN)/python -m pip wheel --quiet --no-deps -w dist .

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e .
	@touch $@

$(VENV)/.test-tools: $(VENV)/.installed
	$(PIP) -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) .venv-mlflow dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
