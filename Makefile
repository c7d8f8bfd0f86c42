# Two commands do everything: `make up` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Some images forbid Python to keep what it compiled; a dozen processes would each compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up down reset backup restore test coverage cases faults lint bench lock install install-dev programs help

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: install ## Install, start everything, open for business until Ctrl-C
	@$(BIN)/python -m portal.run.up

down: install ## Stop what `make up` started
	@$(BIN)/python -m portal.run.down

reset: install ## Stop, and forget all data
	@$(BIN)/python -m portal.run.down --reset

backup: install ## Everything into one folder, while the portal runs: TO=folder
	@$(BIN)/python -m portal.run.backup "$(TO)"

restore: install ## Bring a backup back, keep what was there: FROM=folder, KEEP=repositories
	@$(BIN)/python -m portal.run.restore $(if $(FROM),"$(FROM)") $(if $(KEEP),--keep $(KEEP))

install:
	@test -n "$(PYTHON)" || { echo "  Slipway needs Python 3.11; none was found."; exit 1; }
	@$(PYTHON) portal/run/install.py $(VENV) requirements.txt

install-dev: install
	@$(BIN)/python portal/run/install.py $(VENV) requirements-dev.txt

programs: install-dev
	@$(BIN)/python -m tests.programs
	@$(BIN)/python -m tests.packages

test: programs ## All tests, the browser ones included
	$(BIN)/python -m pytest -n 4 $(ARGS)

cases: install-dev ## Every attack case with its tests; RUN=1 runs them, MUTATE=1 proves them
	$(BIN)/python -m tests.cases $(if $(RUN),--run) $(if $(MUTATE),--mutate) $(ARGS)

coverage: programs ## Branches of effects, manifests and integrations: fails below all of them
	$(BIN)/python -m pytest -n 2 tests/effects tests/manifests tests/integrations tests/contracts tests/clusters/test_watching.py \
		tests/catalog/test_organisations.py tests/catalog/test_hooks.py tests/onboarding/test_offers.py \
		--cov=services.effects --cov=services.manifests --cov=services.integrations --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100 $(ARGS)

lint: install-dev ## Style, types, import order, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet

faults: install-dev ## Kill, cut and confuse it N=300 times (SEED=… repeats a run)
	$(BIN)/python -m tests.faults $(or $(N),300) $(if $(SEED),--seed $(SEED))

bench: install-dev ## Measure speed and memory; prints tables
	$(BIN)/python -m bench $(ARGS)

lock: install-dev ## Pin requirements again, with hashes
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt -c requirements.txt
