# Two commands do all the set-up: `make bench` and `make test`.
PYTHON3 ?= python3
VENV := .venv
BIN := $(VENV)/bin
RANGE ?= HEAD~4..HEAD
PROFILE ?= quick
PORT ?= 8000
JOBS ?= 2
PYTEST = --numprocesses $(JOBS) --dist loadgroup
GPU_PYTHON ?= python3
BASE ?= main
HEAD ?= HEAD
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: bench
bench: $(VENV)/bench  ## measure the newest commit with the core tools, and make the site (3 min)
	$(BIN)/python -m lsebench run quick --site

.PHONY: bench-all
bench-all: $(VENV)/bench  ## the same, wider, with PyTorch, JAX, TensorFlow and all others, too (20 min)
	$(BIN)/python -m lsebench run wide --tier all --site

.PHONY: test
test: $(VENV)/test  ## build the package with the core tools and test it (3 min); BACKEND=numba: one
	$(BIN)/python -m pytest $(PYTEST) $(if $(BACKEND),--backend $(BACKEND),tests/unit tests/backends)

.PHONY: test-all
test-all: $(VENV)/test-all  ## all tests of all tools, of the site, of asv's whole way (15 min); BACKEND=jax
	$(BIN)/python -m pytest $(PYTEST) $(if $(BACKEND),--backend $(BACKEND),--tier all)

.PHONY: test-rest
test-rest: $(VENV)/test-all  ## what `make test-all` has and `make test` has not
	$(BIN)/python -m pytest $(PYTEST) --tier rest

.PHONY: bench-full
bench-full: $(VENV)/bench  ## measure the newest commit with the full profile and the core tools (hours)
	$(BIN)/python -m lsebench run full

.PHONY: bench-commits
bench-commits: $(VENV)/bench  ## measure history: RANGE=v1..HEAD PROFILE=quick
	$(BIN)/python -m lsebench run $(PROFILE) --commits "$(RANGE)"

.PHONY: bench-libraries
bench-libraries: $(VENV)/bench  ## measure the newest commit over generations of the libraries
	$(BIN)/python -m lsebench run libraries --config asv.libraries.json

.PHONY: bench-gpu
bench-gpu:  ## measure GPU backends with the libraries of GPU_PYTHON=python3, as they are (20 min)
	@$(GPU_PYTHON) -c 'import asv, asv_runner, mpmath, numpy, threadpoolctl' || { echo "$(GPU_PYTHON) lacks what measures: \
	  $(GPU_PYTHON) -m pip install --group bench threadpoolctl"; exit 1; }
	$(GPU_PYTHON) -m lsebench run gpu --config asv.gpu.json

.PHONY: bench-pypy
bench-pypy: $(VENV)/bench  ## measure the backends in pure Python under PyPy (10 min; needs pypy3)
	$(BIN)/python -m lsebench run pypy --config asv.pypy.json

.PHONY: publish
publish: $(VENV)/bench  ## make the site in html/ from results/
	$(BIN)/python -m lsebench publish

.PHONY: pictures
pictures: publish  ## renew the findings in README and their charts in docs/pictures/
	$(BIN)/python -m lsebench pictures

.PHONY: preview
preview: $(VENV)/bench  ## serve html/ on http://127.0.0.1:8000 (PORT=8000)
	@echo "http://127.0.0.1:$(PORT) (stop with Ctrl-C)"
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory html

.PHONY: check-timing
check-timing: $(VENV)/bench  ## compare what is recorded with timeit, and with processes of their own
	$(BIN)/python -m lsebench check-timing

.PHONY: speed
speed: $(VENV)/bench  ## measure and judge the targets of the fastest kernels (15 min)
	LSEKERNELS_TIER=all $(BIN)/python -m lsebench speed

.PHONY: claims
claims: $(VENV)/bench  ## measure the claims of the talk and its companion texts (15 min)
	LSEKERNELS_TIER=all $(BIN)/python -m lsebench claims

.PHONY: heap
heap: $(VENV)/bench  ## what the state of the heap does to a call: HEAP="--only numpy" (20 min)
	LSEKERNELS_TIER=all $(BIN)/python -m lsebench heap $(HEAP)

.PHONY: gate
gate: $(VENV)/bench  ## is HEAD slower than BASE? BASE=main HEAD=HEAD GATE_OPTIONS=--help (10 min)
	$(BIN)/python -m lsebench gate $(BASE) $(HEAD) $(GATE_OPTIONS)

.PHONY: gate-proof
gate-proof: $(VENV)/bench  ## how often is the gate wrong on this machine? (hours; goes on where it stopped)
	$(BIN)/python -m lsebench power $(GATE_OPTIONS)

.PHONY: machine
machine: $(VENV)/bench  ## check how this machine is tuned, and measure its noise (80 s)
	$(BIN)/python -m lsebench machine

.PHONY: nightly
nightly: $(VENV)/bench  ## what a dedicated machine does in a night; NIGHTLY="--hours 8 --push origin"
	LSEKERNELS_TIER=all $(BIN)/python -m lsebench nightly $(NIGHTLY)

.PHONY: store
store: $(VENV)/bench  ## commit this machine's results onto branch results; REMOTE=origin pushes it
	$(BIN)/python -m lsebench store $(addprefix --push ,$(REMOTE))

.PHONY: gate-history
gate-history: $(VENV)/bench  ## find steps, up and down, in the stored results
	$(BIN)/python -m lsebench history

.PHONY: lint
lint: $(VENV)/lint  ## ruff, mypy, and zizmor on the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet --no-progress .github

.PHONY: lint-workflows
lint-workflows: $(VENV)/pip  ## actionlint on the workflows (installed from GitHub)
	$(BIN)/python -m pip install --quiet --group workflows
	$(BIN)/actionlint

.PHONY: clean
clean:  ## delete environments, builds and the site; results stay
	rm -rf $(VENV) .asv .html-* build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
	git clean -fdXq html

.PHONY: help
help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# What each command needs, once: pinned in pyproject.toml.
$(VENV)/pip:
	@command -v $(PYTHON3) >/dev/null || { echo "python3 is missing: apt install python3 python3-venv python3-dev"; exit 1; }
	@$(PYTHON3) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed (make PYTHON3=python3.12 ...), not $$($(PYTHON3) --version)"; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' || { echo "python3 cannot make environments: apt install python3-venv"; exit 1; }
	@$(PYTHON3) -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || \
	  { echo "python3 has no C headers: apt install python3-dev"; exit 1; }
	@command -v c++ >/dev/null || { echo "a C++ compiler is missing: apt install g++"; exit 1; }
	$(PYTHON3) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet pip==26.3
	@touch $@

$(VENV)/bench: pyproject.toml | $(VENV)/pip
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m pip install --quiet --no-deps --group otava
	@touch $@

$(VENV)/test: pyproject.toml meson.build $(wildcard lsekernels/_compiled/*.p*) | $(VENV)/pip
	$(BIN)/python -m pip install --quiet --group test
	$(BIN)/python -m pip install --quiet --no-deps --group otava
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/test-all: pyproject.toml | $(VENV)/test
	$(BIN)/python -m pip install --quiet --group test-all
	$(BIN)/python -m pip install --quiet --no-deps --group apart
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/triton --group triton
	@touch $@

$(VENV)/lint: pyproject.toml | $(VENV)/test
	$(BIN)/python -m pip install --quiet --group lint
	@touch $@
