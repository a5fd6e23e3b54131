# Nothing has to be installed or activated first: every target makes what it needs in .venv.

PYTHON ?= python3
WORKERS ?= auto

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Written when an installation is complete, so that the next one happens only when the pins have changed.
RUNTIME := .venv/runtime-installed
TOOLS := .venv/tools-installed
# Written when Debian's Chromium without a browser around it has been looked for.
SHELL_OF_CHROMIUM := .venv/headless-shell-looked-for

# The tests start dozens of programs: let the first of them leave its byte code for the others.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test lint fmt check security-report screenshots bench bench-quick browser redis nginx wrk clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

run: $(RUNTIME) ## serve Taskward on http://127.0.0.1:8000
	@$(BIN)/flask --app wsgi db upgrade
	@exec $(BIN)/gunicorn -c gunicorn.conf.py wsgi:app

test: $(TOOLS) browser redis nginx ## run every test, on SQLite and on PostgreSQL
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) $(COVERAGE)

lint: $(TOOLS) ## check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

fmt: $(TOOLS) ## format the code, and mend what can be mended mechanically
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

check: ## lint, then test and measure coverage, which takes half as long again: what has to pass before a commit
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test COVERAGE='--cov --cov-fail-under=96'

security-report: $(TOOLS) ## write into docs/security.md which test proves which requirement
	$(BIN)/python -m tests.security_report

screenshots: $(TOOLS) browser ## take a picture of every page into screenshots/, and those of the README
	$(BIN)/python -m tests.browser.screenshots

bench: $(TOOLS) $(RUNTIME) wrk ## measure beside other programs for half an hour; writes bench/results.json and docs/performance.md
	$(BIN)/python -m bench.run --rounds 7 --seconds 3 --write
	$(BIN)/python -m bench.curves --write
	$(BIN)/python -m bench.document

bench-quick: $(TOOLS) $(RUNTIME) wrk ## the same in a few minutes, printed only
	$(BIN)/python -m bench.run --rounds 2 --seconds 2

browser: $(TOOLS) $(SHELL_OF_CHROMIUM) ## make sure there is a Chromium for the browser tests
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; \
	else $(BIN)/playwright install chromium; \
	fi

# A program that tests or benchmark run: $(call debian,command,package)
define debian
	@if PATH=$$PATH:/usr/sbin command -v $(1); then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(2); \
	else echo 'This needs $(1); on Debian: apt install $(2)' >&2; exit 1; \
	fi
endef

redis: ## make sure there is a redis-server for the tests of REDIS_URL
	$(call debian,redis-server,redis-server)

nginx: ## make sure there is an nginx for the tests of deploy/nginx.conf
	$(call debian,nginx,nginx-light)

wrk: ## make sure there is wrk, which sends the requests of the benchmark
	$(call debian,wrk,wrk)

clean: ## remove everything made here, except the data in instance/
	rm -rf .venv bench/.peers .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'Taskward needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo '$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt deploy/build-argon2 | $(BIN)/python
	$(PIP) --requirement requirements.txt
	deploy/build-argon2 $(BIN)/python
	@touch $@

# Most browser tests take half the time in it, and do without where there is none.
$(SHELL_OF_CHROMIUM): | $(BIN)/python
	@if command -v chromium-headless-shell; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get; then \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends chromium chromium-headless-shell; } || :; \
	fi
	@touch $@

$(TOOLS): tests/requirements.txt requirements.txt | $(BIN)/python
	$(PIP) --requirement tests/requirements.txt
	@touch $@
