# `make demo` and `make test` each do all that they need, on a machine with Python 3.11 or newer.
.PHONY: help demo test check audit format bench faults collector clean soak
.DEFAULT_GOAL := help
PYTHON_VENV := .venv/bin/python
DEMO_PORT ?= 8787
DEMO_UI_PORT ?= 8788
DEMO_STORE_PORT ?= 8123
DEMO_MODEL_PORT ?= 8081

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready ## Tracer in front of a real local model, with real calls (DEMO_EXIT=1: leave afterwards)
	@$(PYTHON_VENV) -m tracer.demo $(if $(filter-out 0,$(DEMO_EXIT)),--exit) \
		--port $(DEMO_PORT) --ui-port $(DEMO_UI_PORT) --store-port $(DEMO_STORE_PORT) --model-port $(DEMO_MODEL_PORT)

test: .venv/ready ## All tests (TESTS=tests/proxy for some)
	@.ci/servers
	$(PYTHON_VENV) -m pytest -n 2 --dist loadfile $(TESTS)

check: .venv/ready ## Lint, format, types, spelling
	$(PYTHON_VENV) -m ruff check
	$(PYTHON_VENV) -m ruff format --check
	$(PYTHON_VENV) -m mypy
	.venv/bin/codespell

audit: .venv/ready ## What is known against the dependencies, and whether they are the pinned ones (AUDIT="--must" to insist)
	$(PYTHON_VENV) -m tests.audit $(AUDIT)

format: .venv/ready ## Format the code
	$(PYTHON_VENV) -m ruff format
	$(PYTHON_VENV) -m ruff check --fix

bench: .venv/ready ## Speed beside other gateways, in at most 20 minutes: docs/benchmarks.md (BENCH="--only plain" for some)
	$(PYTHON_VENV) -m tests.bench $(BENCH)

faults: .venv/ready ## What is lost when things break, in under an hour: docs/fault-matrix.md (FAULTS="--times 5" for less)
	$(PYTHON_VENV) -m tests.faults $(FAULTS)

soak: .venv/ready ## The long run: mixed load with faults, an hour (SOAK="--minutes 5" for less): docs/soak.md
	$(PYTHON_VENV) -m tests.soak --write $(SOAK)

collector: .venv/ready ## Build the OpenTelemetry Collector that one test runs (needs Go)
	$(PYTHON_VENV) -m tests.deploy.collector

clean: ## Remove everything that the other targets made
	rm -rf .venv .demo .sdks .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

.venv/ready: pyproject.toml constraints.txt .ci/bootstrap
	@.ci/bootstrap
	@touch $@
