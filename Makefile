# `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Workers of the tests: one more than there are processors, because many tests wait for servers.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) + 1)
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes -r
COMPILE := pip-compile --quiet --no-header --no-strip-extras --generate-hashes --allow-unsafe --no-emit-options \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
OPENAPI_TOOLS := tests/openapi/node_modules/.installed

# Without compiled files each start of a server takes a fifth longer, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run demo migrate test coverage format lint audit image conformance bench chaos mutants lock
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

install: $(VENV)/.runtime ## create .venv and install the server's requirements

# Only an embedded database is migrated automatically. For PostgreSQL the operator chooses the time (`make migrate`). `exec`
# replaces the shell with gunicorn, so that a signal to this command reaches gunicorn.
run: $(VENV)/.runtime ## install, migrate an embedded (SQLite) database, and serve
	@url="$${DATABASE_URL-$$($(BIN)/dotenv --file .env get DATABASE_URL 2>/dev/null)}"; \
	case "$$url" in "" | sqlite*) $(BIN)/flask db upgrade || exit 1 ;; esac; \
	exec $(BIN)/gunicorn --config gunicorn.conf.py wsgi:app

demo: $(VENV)/.runtime ## serve a team of twenty with eight weeks of messages, from .demo/; ARGS=--fresh builds it anew
	@exec $(BIN)/python -m demo $(ARGS)

migrate: $(VENV)/.runtime ## bring the database that DATABASE_URL names to head
	@$(BIN)/flask db upgrade

test: $(VENV)/.dev $(OPENAPI_TOOLS) ## run every test, on SQLite and on a real PostgreSQL and Redis
	@$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

coverage: $(VENV)/.dev $(OPENAPI_TOOLS) ## the same, with a report of untested lines and branches; takes half as long again
	@$(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

format: $(VENV)/.dev $(OPENAPI_TOOLS) ## format the code, and fix what ruff and biome can fix safely
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/python -m tests.openapi.lint --fix

lint: $(VENV)/.dev $(OPENAPI_TOOLS) ## check format, style, types, shell scripts and the OpenAPI document
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/shellcheck deploy/*.sh
	@$(BIN)/python -m tests.openapi.lint

audit: $(VENV)/.dev ## check for insecure code, and for dependencies with known vulnerabilities
	@$(BIN)/python -m tests.audit

image: $(VENV)/.dev ## build the image's steps in a folder with a Debian, and try the server there; needs root, takes some minutes
	@$(BIN)/python -m tests.deploy

conformance: $(VENV)/.dev ## check the socket with Autobahn's cases, the API with schemathesis, and the kit with planted faults
	@$(BIN)/python -m tests.conformance $(ARGS)

bench: .venv-bench/.installed $(VENV)/.runtime ## measure speed against the bare peers
	@.venv-bench/bin/python bench/run.py $(ARGS)

chaos: $(VENV)/.dev ## kill the servers again and again, count events that the socket lost, and compare clients
	@$(BIN)/python -m tests.chaos $(ARGS)
	@CLIENT_CHAOS_SECONDS=60 FUZZ_FRAMES=20000 $(BIN)/pytest -q tests/clients/test_chaos.py tests/realtime/test_fuzz.py

mutants: $(VENV)/.dev ## check that tests notice changes of the code; takes hours
	@$(BIN)/python -m tests.mutants $(ARGS)

lock: $(VENV)/.dev ## generate the requirements files from the .in files, pinned and with hashes
	@$(BIN)/$(COMPILE) --output-file requirements.txt requirements.in
	@$(BIN)/$(COMPILE) --output-file requirements-dev.txt requirements-dev.in
	@$(BIN)/$(COMPILE) --output-file requirements-sentry.txt requirements-sentry.in
	@$(BIN)/$(COMPILE) --output-file bench/requirements.txt bench/requirements.in

# With these stamps, packages are installed again only after a requirements file changed.
$(VENV)/.runtime: requirements.txt | $(BIN)/python
	@echo "confab: installing requirements.txt into $(VENV)"
	@$(BIN)/python $(PIP_INSTALL) requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "confab: installing requirements-dev.txt into $(VENV)"
	@$(BIN)/python $(PIP_INSTALL) requirements-dev.txt
	@touch $(VENV)/.runtime $@

.venv-bench/.installed: bench/requirements.txt | .venv-bench/bin/python
	@.venv-bench/bin/python $(PIP_INSTALL) bench/requirements.txt
	@touch $@

# npm comes with Node.js from requirements-dev.txt, so the machine needs no Node.js of its own.
$(OPENAPI_TOOLS): tests/openapi/package-lock.json tests/web/package-lock.json | $(VENV)/.dev
	@echo "confab: installing the linters and generators for JavaScript and the OpenAPI document"
	@$(BIN)/python -m tests.openapi.node
	@touch $@

$(BIN)/python .venv-bench/bin/python:
	@PYTHON="$(PYTHON)" deploy/make-venv.sh $(patsubst %/bin,%,$(@D))
