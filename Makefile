# Set-up, demo, tests and measurements. Everything runs from a private environment in .venv, made on first use.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
PORT ?= 38001

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types unit bench generate fixtures wheel clean

help:  ## this text
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

setup: $(STAMP)  ## the private environment

demo: $(STAMP)  ## daemon and real peers over TLS on 127.0.0.1:$(PORT), until Ctrl-C
	@exec $(PY) tools/demo.py --port $(PORT)

test: lint types unit  ## everything that must hold

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(STAMP)
	$(PY) -m mypy

unit: $(STAMP)
	$(PY) -m pytest

bench: $(STAMP)  ## ratios of performance targets; takes some minutes
	$(PY) tools/bench.py

generate: $(STAMP)  ## message classes, codec rows and the Wireshark dissector from protocol/*.toml
	$(PY) tools/generate_messages.py
	$(PY) tools/make_dissector.py

fixtures: $(STAMP)  ## new captures of the emulator against the daemon; needs tcpdump or dumpcap and the right to capture
	$(PY) tools/make_fixtures.py

wheel: $(STAMP)  ## dist/*.whl
	$(PY) -m build --wheel

clean:  ## forget the environment and caches
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
