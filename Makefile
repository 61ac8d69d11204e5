# Everything a developer or a first user runs. `make` shows the list.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL ?=

.DEFAULT_GOAL := help
.PHONY: help setup tools servers generate check test conformance-models render-fidelity demo up bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install threed into .venv, and the system libraries it needs (by apt, as root)
	@PYTHON="$(PYTHON)" sh deploy/setup.sh

tools: setup ## Install grpcurl and the code generators into .tools/bin (needs Go)
	@mkdir -p .tools/bin
	cd clients/go/tools && GOBIN="$(CURDIR)/.tools/bin" go install tool
	npm ci --prefix clients/typescript --no-audit --no-fund

servers: setup ## Install what the tests use beside the stack: RabbitMQ, Chromium and LLVM (by apt, as root)
	@sh deploy/test_servers.sh

generate: tools ## Write everything that is generated from the contract
	$(BIN)/python protos/generate.py
	$(BIN)/python docs/generate.py

check: setup ## Lint the code, the contract and the directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/buf lint
	$(BIN)/buf format -d --exit-code --path protos/threed
	$(BIN)/lint-imports

test: setup tools servers ## Install and start whatever the tests need, and run them all
	$(BIN)/python -m tests.both

conformance-models: setup ## Every file of a set of models (THREED_MODELS), and what came of it by format
	$(BIN)/python -m tests.conformance.models

render-fidelity: setup ## How near pictures come to those of Cycles in a set of models (THREED_MODELS)
	$(BIN)/python -m tests.conformance.fidelity

demo: setup ## Upload, check and render a model, over gRPC and over REST; MODEL=file for one's own
	$(BIN)/python deploy/demo.py $(MODEL)

up: setup ## Start the whole stack on this machine
	$(BIN)/threed up

bench: setup ## Measure the claims of benchmarks/
	for claim in $$(ls benchmarks/*.py | grep -v -e yardsticks -e /_); do $(BIN)/python $$claim || exit 1; done

clean: ## Remove what was installed here
	rm -rf $(VENV) .tools clients/typescript/node_modules workers/threed_workers/validator/node_modules demo-out workers/threed_workers/films/h264/node_modules
