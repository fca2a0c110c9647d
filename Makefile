# `make demo` and `make test` set up everything they need; nothing else has to be run first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
KERNELS := $(wildcard src/idennet/models/fastcpu/csrc/*)

.PHONY: setup demo test test-plain check bench tables clean

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
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

# What somebody has without a compiler: a wheel of Python alone, read with and tested where PyTorch computes.
PLAIN := build/plain
PLAIN_TESTS := tests/models tests/inference tests/learning/training
test-plain: setup
	rm -rf $(PLAIN)
	CXX=/bin/false PIP_CONSTRAINT=constraints.txt $(BIN)/pip wheel --quiet --no-deps --wheel-dir $(PLAIN) .
	$(BIN)/pip install --quiet --no-deps --target $(PLAIN)/site $(PLAIN)/idennet-*-py3-none-any.whl
	PYTHONPATH=$(PLAIN)/site $(BIN)/python -m idennet info | grep 'kernels  PyTorch: '
	PYTHONPATH=$(PLAIN)/site $(BIN)/python -m idennet detect docs/images/astronaut.jpg --out $(PLAIN)/read
	grep -q astronaut $(PLAIN)/read/aus.csv
	PYTHONPATH=$(PLAIN)/site IDENNET_KERNELS=torch OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 $(PLAIN_TESTS)

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
	$(BIN)/python -m benchmarks.subtraction.confounders table --out results/subtraction/confounders

clean:
	rm -rf $(VENV) demo
