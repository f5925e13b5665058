# Everything here calls a public command; `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
REQUIREMENTS ?= requirements.txt
BIN = $(VENV)/bin
BASE ?= main
TWO = --numprocesses 2 --dist loadfile --no-loadscope-reorder
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup doctor build report example diff test test-all test-quick lint docs site ddl glue-build glue-statements bench spark4 lock clean
help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/ready: $(REQUIREMENTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(REQUIREMENTS)
	touch $@

setup: $(VENV)/ready ## environment, packages, profile
	@$(BIN)/python -m goldkit setup

# Without setup, which would mend what it is to find; without the environment where there is none.
doctor: ## what this machine lacks for a build, or an AWS account: make doctor ARGS="--target glue"
	@$(firstword $(wildcard $(BIN)/python) $(PYTHON)) -m goldkit.doctor $(ARGS)

build: setup ## Gold from SILVER_BASE (default: a generated sample) into GOLD_BASE, and a summary
	@$(BIN)/python -m goldkit build $(ARGS)

report: setup ## one page of HTML from GOLD_BASE, to be opened in a browser: its numbers, and whether it is well
	@$(BIN)/python -m goldkit report $(ARGS)

example: setup ## Gold and a report from 69,659 real purchases, whose totals are known
	@$(BIN)/python -m goldkit example

diff: setup ## what this change does to Gold, against BASE (default: main): contracts, rows, what the merge rebuilds
	@$(BIN)/python -m goldkit diff '$(BASE)'

test: setup lint ## before each push, and in CI: lint, dbt's tests, unit tests, each kind of end-to-end test
	@$(BIN)/python -m pytest $(TWO) -m "not long"

test-all: setup lint ## each night, and after a change to packages/exact: the same with every case, an hour
	@$(BIN)/python -m pytest $(TWO)

test-quick: setup lint ## while you work: lint, macro tests, unit tests, one build of the sample and of the toy against their oracles
	@$(BIN)/python -m pytest $(TWO) -m quick

lint: setup ## links, sqlfluff, dbt-bouncer, yamllint, ruff, mypy, zizmor, cfn-lint, parliament
	@$(BIN)/python -m goldkit lint

docs: setup ## dbt's documentation with the lineage graph, served on this machine; writes the pages that are made from the models first
	@$(BIN)/python -m goldkit docs
	@$(BIN)/dbt docs generate
	@$(BIN)/dbt docs serve --host 127.0.0.1

site: setup ## dbt's documentation as files, in target/site, for any web server
	@$(BIN)/dbt docs generate
	@mkdir -p target/site
	@cp -R target/index.html target/manifest.json target/catalog.json target/docs target/site

ddl: setup ## SQL for Redshift and Athena from the contracts, in target/ddl
	@$(BIN)/python -m goldkit ddl $(ARGS)

glue-build: setup ## Gold on AWS Glue: preflight, dbt build, the session stopped at the end
	@$(BIN)/python -m goldkit glue-build $(ARGS)

glue-statements: setup ## how many statements and calls a run on Glue needs, against a plain dbt-glue project
	@$(BIN)/python -m goldkit glue-statements

bench: setup ## cost of full, incremental and no-op runs against the hand-written job and DuckDB
	@$(BIN)/python -m goldkit bench $(ARGS)

spark4: ## test-all on PySpark 4.1 (Glue 6.0) instead of 3.5 (Glue 5.1)
	@$(MAKE) setup VENV=.venv-spark4 REQUIREMENTS=requirements-spark4.txt
	@.venv-spark4/bin/python -m pytest $(TWO)

lock: ## requirements*.txt from requirements.in
	echo "pyspark==3.5.9" | uv pip compile requirements.in - --generate-hashes --universal --no-strip-extras \
		--python-version 3.10 --no-header -o requirements.txt
	echo "pyspark==4.1.4" | uv pip compile requirements.in - --generate-hashes --universal --no-strip-extras \
		--python-version 3.10 --no-header -o requirements-spark4.txt

clean: ## removes the sample, its Gold, the local metastores and dbt's artefacts; not a Silver or Gold of your own
	rm -rf .local target logs
