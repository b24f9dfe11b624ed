# The platform's verbs. `make up` and `make test` are the two that matter; `make help` lists them all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help up down status logs test test-all lint types contracts pytest bench lock hooks clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## install what is missing, start the platform, run the main job through Airflow, print the summary
	@scripts/bootstrap.sh run
	@$(BIN)/citybrain up

down: ## stop the platform; data stays
	@$(BIN)/citybrain down

status: ## what runs, where, and the last counts (citybrain status --json for scripts)
	@$(BIN)/citybrain status

logs: ## the last lines of every service's log
	@$(BIN)/citybrain logs

test: ## everything that must hold before a change lands, but what is marked slow
	@scripts/test.sh "not slow"

test-all: ## the same with the slow tests
	@scripts/test.sh ""

lint: ## ruff, yamllint, sqlfluff, secrets, import contracts, content rooms
	@scripts/lint.sh

types: ## mypy --strict on src/
	@$(BIN)/mypy

bench: ## benchmarks, each with the ratio to a named peer in the same run
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

lock: ## resolve the locks anew (needs the network)
	@scripts/lock.sh

hooks: ## install the pre-commit hooks
	@$(BIN)/pre-commit install

clean: down ## stop the platform and delete its data, logs and secrets
	@rm -rf .citybrain
