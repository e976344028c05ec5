PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.installed-for-demo
NODE_STAMP := node_modules/.installed

MINUTES ?= 30

# Byte code is kept, also where the surroundings say otherwise: tests start a thousand processes, and each would
# compile the package again.
export PYTHONDONTWRITEBYTECODE =

define ENVIRONMENT
$(PYTHON) -c 'import sys; sys.exit("seriesview needs Python 3.11 or newer: make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
endef

.PHONY: help demo test soak fuzz bench lint fix generate clean

help:  ## what there is to make
	@sed -n 's/^\([a-z]*\):[^#]*##  *\(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; \
	do printf '  make %-6s  %s\n' "$$name" "$$what"; done

$(STAMP): pyproject.toml
	$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP) $(DEMO_STAMP)

$(NODE_STAMP): package.json package-lock.json
	command -v npm >/dev/null || tests/install-programs
	npm ci
	touch $(NODE_STAMP)

# Of heartpy only the recordings are needed, not what it computes with.
$(DEMO_STAMP): pyproject.toml
	$(ENVIRONMENT)
	@echo "installing seriesview into $(VENV): some 450 MB"
	$(BIN)/python -m pip install --disable-pip-version-check --editable .
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps 'heartpy>=1.2.7'
	touch $(DEMO_STAMP)

demo-data/session.nwb: | $(DEMO_STAMP)
	$(BIN)/seriesview demo-data demo-data

demo: $(DEMO_STAMP) demo-data/session.nwb  ## build the demo's workspace, and open it in the viewer where there is a screen
	$(BIN)/seriesview build config.yaml --cores all
	@if [ -t 1 ] && [ -z "$$SSH_CONNECTION" ] && [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; \
	then exec $(BIN)/seriesview serve results/workspace.json; fi

test: $(STAMP) $(NODE_STAMP)  ## every test but those of soak; installs the programs that they run against where it can
	tests/install-programs
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -m "not soak" --numprocesses=4 --dist=loadfile \
		--no-loadscope-reorder

soak: $(STAMP)  ## tests that take long: thousands of requests, restarts under load, hours made short
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -m soak --numprocesses=2

fuzz: $(STAMP) $(NODE_STAMP)  ## property tests with examples at random, round after round for MINUTES
	end=$$(($$(date +%s) + 60 * $(MINUTES))); while [ $$(date +%s) -lt $$end ]; do \
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -m hypothesis --hypothesis-profile=fuzz \
	--numprocesses=2 --quiet --no-header || exit 1; done

bench: $(STAMP)  ## ratios to physical limits, measured in this run
	$(BIN)/python -m benchmarks

lint: $(STAMP) $(NODE_STAMP)  ## formatting, lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	npx tsc
	npx eslint .
	npx prettier --check --log-level warn .

fix: $(STAMP) $(NODE_STAMP)  ## what can be mended by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow
	npx eslint --fix .
	npx prettier --write --log-level warn .

generate: $(STAMP)  ## renew what is generated: JSON schemas, and pages about commands and configuration
	$(BIN)/python -m seriesview.config.schema > workflow/schemas/config.schema.json
	$(BIN)/python -m seriesview.config.session_table > workflow/schemas/sessions.schema.json
	$(BIN)/python -m seriesview.config.reference > docs/configuration.md
	$(BIN)/python -m seriesview.series.schema > docs/schemas/series.schema.json
	$(BIN)/python -m seriesview.workspace.schema > docs/schemas/workspace.schema.json
	$(BIN)/python -m seriesview.cli.reference docs/cli.md

clean:  ## remove what the demo made
	rm -rf results kachery-storage demo-data .snakemake
