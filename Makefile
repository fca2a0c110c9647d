# `make demo` and `make test` set up everything they need; nothing else has to be run first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
KERNELS := $(wildcard src/idennet/models/fastcpu/csrc/*)

.PHONY: setup demo test check bench tables clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt hatch_build.py $(KERNELS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "IdenNet needs Python 3.11 or newer; call: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV): some minutes the first time, PyTorch alone is 200 MB ..."
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check -e '.[all,dev]'
	@touch $@

demo: setup
	$(BIN)/idennet demo --out demo

test: setup
	$(BIN)/pytest -n 2

check: setup
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python benchmarks/renderer.py
	$(BIN)/python benchmarks/mining.py
	$(BIN)/python benchmarks/kernels.py

tables: setup
	$(BIN)/idennet report results/synfacs-small --out results/synfacs-small/report
	$(BIN)/python benchmarks/confounders.py table --out results/subtraction/confounders

clean:
	rm -rf $(VENV) demo
