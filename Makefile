# `make help` lists what there is. Nothing here needs more than Python 3.11+, a C compiler and the package registries.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
MODULES := $(if $(wildcard envoy/modules/*.c),envoy/modules/libpointsman.so)
PORT ?= 8080

help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

.venv/run.stamp: locks/run.txt locks/build.txt pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/run.txt
	rm -rf build/tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target build/tools -r locks/build.txt
	PYTHONPATH=build/tools $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

.venv/dev.stamp: locks/dev.txt .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	touch $@

build/protos.stamp: .venv/run.stamp protos/generate.py $(shell find protos/missing -name '*.proto')
	PYTHONPATH=build/tools $(BIN)/python protos/generate.py

$(MODULES): $(wildcard envoy/modules/*.c envoy/modules/*.h)
	$(MAKE) --no-print-directory -C envoy/modules

install: .venv/run.stamp build/protos.stamp $(MODULES) ## prepare .venv with pointsman and Envoy in it

.PHONY: help install dev demo test fuzz kube cluster conformance conformance-report check format golden crds roles dashboard findings bench lock clean
dev: install .venv/dev.stamp

demo: install ## control plane, Envoy and sample backends in one command; PORT=8080 moves the traffic port
	@exec $(BIN)/pointsman demo --run --port $(PORT)

# One more than there are processors: many tests wait for an Envoy
WORKERS := $(shell expr $$(nproc) + 1)
test: dev ## all tests that need no cluster
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

fuzz: dev ## the native module on random requests, under sanitizers; SECONDS=3600 takes longer
	$(BIN)/python -m tests.unit.modules $(SECONDS)

kube: dev ## our image, and tests on a real API server, built by Go: the first time takes ten minutes; needs root
	@tests/kube/packages.sh
	$(BIN)/python -m pytest -rs tests/image tests/kube

cluster: dev ## a real API server that stays; prints its KUBECONFIG; NODES=--nodes runs Pods
	@exec $(BIN)/python -m tests.kube.cluster $(NODES)

PARALLEL := 4
conformance: dev ## the upstream Gateway API suite against Envoys in Pods; RUN="One|Two" runs these tests, KEEP=DIR keeps the logs, PARALLEL=1 runs one at a time, MODE=shared has one set of proxies
	@tests/kube/packages.sh
	$(BIN)/python -m tests.conformance --brief --parallel $(PARALLEL) --run "$(RUN)" --keep "$(KEEP)" --mode "$(MODE)"

conformance-report: dev ## the same one by one, and its report in docs/conformance/
	@tests/kube/packages.sh
	$(BIN)/python -m tests.conformance --brief --report docs/conformance/v1.6.1.yaml

check: dev ## style, types, import contracts, generated files fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: dev ## rewrite the golden files; read the difference before you commit it
	$(BIN)/python -m pytest tests/golden --update-golden

crds: dev ## write the CustomResourceDefinitions of our own kinds from their dataclasses
	$(BIN)/python -c "from xds.crds import write; write()"

roles: dev ## write deploy/base/roles.yaml from what the server watches and writes
	$(BIN)/python -c "from xds.roles import write; write()"

dashboard: dev ## write deploy/grafana/pointsman.json from the list of its panels
	$(BIN)/python -c "from xds.dashboard import write; write()"

findings: dev ## write docs/findings.md from the registry of codes
	$(BIN)/python -c "from translator.findings import markdown; print(markdown(), end='')" > docs/findings.md

bench: dev ## figures of docs/benchmarks.md, as ratios within one run; ONLY="B1 B2" runs some
	$(BIN)/python -m tests.bench $(ONLY)

lock: ## write the locks anew from the ranges in pyproject.toml (needs uv on PATH)
	uv pip compile $(LOCK) --extra envoy pyproject.toml -o locks/run.txt
	uv pip compile $(LOCK) --extra envoy --extra dev -c locks/run.txt pyproject.toml -o locks/dev.txt
	uv pip compile $(LOCK) -c locks/run.txt locks/build.in -o locks/build.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

clean: ## forget everything that can be made again
	rm -rf .venv build demo $(MODULES) $(filter-out protos/missing/,$(wildcard protos/*/))
