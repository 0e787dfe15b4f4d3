# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# The stages call `python -m tagsmith` and `mlflow`: those of this environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false
# Where Python may not keep what it has compiled, every command takes three times as long.
export PYTHONDONTWRITEBYTECODE :=
UV_VERSION := 0.13.9
FEATURES ?= extract
# A process per core; the tests of a module share what it has made.
PYTEST := python -m pytest --numprocesses auto --dist loadscope
# Whose results `make pictures` shows: a folder in which `dvc repro` ran.
RUN ?= $(if $(wildcard mlflow.db),.)

.PHONY: help setup repro features test test-all check bench pictures

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.ready  ## Make .venv with the pinned packages

$(BIN)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), f"tagsmith needs Python 3.11 or later, this is {sys.version.split()[0]}; make PYTHON=..."'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet requirements.lock
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	@# A bare `mlflow run` asks pyenv for this Python; where there is none, ours answers.
	version=$$($(BIN)/python -c 'import platform; print(platform.python_version())'); \
	test -x "$$(pyenv root 2>/dev/null)/versions/$$version/bin/python" \
	  || install -m 755 tools/pyenv $(BIN)/pyenv
	touch $@

repro: setup  ## Run the pipeline: scores to a promoted ensemble, then say where to look
	dvc repro
	@tagsmith where

features: setup  ## Make only what models hear: audio, wavs, features
	dvc repro $(FEATURES)

test: setup  ## Run the tests that take minutes at most
	$(PYTEST) -m "not slow"

test-all: setup  ## Run every test, the whole pipeline among them
	$(PYTEST)

check: setup  ## Format, lint, types and import layers
	ruff format --check .
	ruff check .
	mypy
	lint-imports

bench: setup  ## Print the speeds as ratios measured in one run
	python -m benchmarks

pictures: setup  ## Make the screenshots of docs/ in a browser, of what ran here or in RUN=DIR
	python -m pytest tests --pictures=docs $(if $(RUN),--run=$(RUN))
