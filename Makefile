# `make demo` and `make test` are all the set-up there is: each makes .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCKED := $(PIP) install --require-hashes --no-build-isolation --use-pep517 -r
UV ?= uv

.PHONY: demo test lint format docs pictures lock bench soak build clean

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

pictures: $(VENV)/.test-tools
	@$(BIN)/python -m tests.pictures

bench: $(VENV)/.test-tools
	@$(BIN)/python -m benchmarks

MINUTES ?= 10
soak: $(VENV)/.test-tools
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

build: $(VENV)/.build-tools
	$(PIP) wheel --no-deps --no-build-isolation -w dist .

# All that the tests have first: what the others hold of it is the same there.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" $(UPGRADE)
lock:
	$(COMPILE) pyproject.toml --group build --group test -o requirements/test.txt
	$(COMPILE) pyproject.toml -c requirements/test.txt -o requirements/run.txt
	$(COMPILE) --group build -c requirements/test.txt -o requirements/build.txt

$(VENV)/bin/python:
	@echo "Setting up $(VENV), once: what is locked in requirements/ is loaded and checked. That takes a minute or two."
	$(PYTHON) -m venv $(VENV)

$(VENV)/.build-tools: requirements/build.txt | $(VENV)/bin/python
	$(LOCKED) $<
	@touch $@

$(VENV)/.installed: requirements/run.txt pyproject.toml $(VENV)/.build-tools
	$(LOCKED) $<
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test-tools: requirements/test.txt $(VENV)/.installed
	$(LOCKED) $<
	@touch $@

clean:
	rm -rf $(VENV) .venv-mlflow dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
