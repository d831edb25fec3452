# Everything here works in a fresh clone with make and Python 3.11 or newer; `make` alone lists it.

# 3.11 comes first, because the tests should run on the lowest supported version.
PYTHONS = python3.11 python3 python3.12 python3.13 python3.14
python = .venv/bin/python
pip = $(python) -m pip --quiet --disable-pip-version-check --no-input

# Production settings and an empty database, so that the environment and .env don't matter.
random = $$(head -c 48 /dev/urandom | base64 | tr -d '\n')
production = set -a; . ./.env.example; LEDGER_HTTPS=true; LEDGER_DATABASE_URL=sqlite://:memory:; \
	LEDGER_SECRET_KEY=$(random); LEDGER_JWT_SIGNING_KEY=$(random); set +a

# Print a command and run it with production settings.
step = @echo '▸ $(1)'; $(production); .venv/bin/$(1)

.PHONY: help run test screenshots demo check types generate bench soak proxy test-citus

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name does; do printf '  make %-11s %s\n' "$$name" "$$does"; done

run: .venv/.runtime ## Start the service on 127.0.0.1:$PORT (8000), with demo data in its own file
	@exec sh tools/run.sh

# Runs on both databases at once, a core for each. Coverage is measured on SQLite only, because
# measuring takes long (see `MEASURED_CASES`). The modules that only PostgreSQL uses are left out.
test: .venv/.dev .venv/.browser ## Run the whole suite, on SQLite and on a real PostgreSQL
	@$(python) -m coverage erase
	@echo '▸ pytest on PostgreSQL, in the background; its output comes last'
	@$(python) tools/with_postgres.py \
		$(python) -m pytest --durations=10 >.venv/postgresql.log 2>&1 & postgresql=$$!; \
	echo '▸ pytest on SQLite'; env -u LEDGER_TEST_DATABASE_URL \
		$(python) -m pytest --durations=10 \
		--cov --cov-report= --cov-fail-under=0; sqlite=$$?; \
	wait $$postgresql; postgresql=$$?; echo '▸ pytest on PostgreSQL'; cat .venv/postgresql.log; \
	[ $$sqlite -eq 0 ] && [ $$postgresql -eq 0 ]
	@$(python) -m coverage report

screenshots: .venv/.dev .venv/.browser ## Take the screenshots in docs/images again
	@SCREENSHOTS=1 $(python) -m pytest --quiet -m browser

demo: .venv/.runtime ## Run the README's example and check every response
	@$(python) -m tools.demo

check: .venv/.dev ## Run every linter and check
	$(call step,ruff check .)
	$(call step,ruff format --check .)
	$(call step,lint-imports --no-logo)
	$(call step,mypy)
	$(call step,python manage.py makemigrations --check --dry-run)
	$(call step,python manage.py check --deploy --fail-level WARNING)
	$(call step,python -m tools.generate --check)
	@echo '▸ pip-audit --requirement requirements.txt'; $(audit)

types: .venv/.dev ## Run mypy alone, as the pre-commit hook does
	$(call step,mypy)

bench: .venv/.dev .venv/.peers ## Run the benchmarks (30 minutes; BENCH=--quick or SCALE=1: 4 minutes)
	@$(python) -m benchmarks $(if $(SCALE),--ledgers) $(BENCH)

soak: .venv/.dev $(if $(FAILOVER),.venv/.failover) ## Kill processes under load (SECONDS=60; FAILOVER=1)
	@$(python) -m ledger_project.tests.soak $(if $(SEED),--seed $(SEED)) \
		$(if $(FAILOVER),--database failover) \
		$(if $(SECONDS),--seconds $(SECONDS),--minutes $(or $(MINUTES),30))

test-citus: .venv/.dev ## Test a ledger on the Citus coordinator that LEDGER_TEST_CITUS_URL names
	@[ -n "$$LEDGER_TEST_CITUS_URL" ] || { echo 'Set LEDGER_TEST_CITUS_URL to the URL of a' \
		'database on a Citus coordinator. See docs/citus.md.' >&2; exit 2; }
	@LEDGER_TEST_DATABASE_URL=$$LEDGER_TEST_CITUS_URL \
		$(python) -m pytest ledger_project/tests/citus_run.py

proxy: .venv/.runtime ## Test deploy/nginx.conf with the installed nginx
	@$(python) tools/proxy.py

generate: .venv/.dev ## Regenerate the files and tables that are generated from the code
	$(call step,python -m tools.generate)

# The audit needs the network. Without it, pip-audit writes no report, or one without results. The
# audit is then skipped with a message and doesn't fail. `timeout` is missing on macOS.
audit = rm -f .venv/audit.json; \
	$$(command -v timeout >/dev/null && echo timeout 180) .venv/bin/pip-audit --format json \
		--requirement requirements.txt --requirement requirements-otel.txt \
		--progress-spinner off --output .venv/audit.json \
		2>.venv/audit.log; status=$$?; \
	if [ ! -s .venv/audit.json ] && [ $$status -ne 0 ]; then \
		echo "Skipped: no package index within reach ($$(tail -n 1 .venv/audit.log))"; \
	elif [ -s .venv/audit.json ] && ! grep -q '"vulns"' .venv/audit.json; then \
		echo 'Skipped: the package index publishes no advisories.'; \
	elif [ $$status -ne 0 ]; then \
		$(python) -m json.tool .venv/audit.json; cat .venv/audit.log; exit 1; \
	else cat .venv/audit.log; fi

.venv/bin/python:
	@echo 'Creating .venv'
	@for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv --clear .venv || { rm -rf .venv; exit 1; }; exit 0; \
		fi; \
	done; echo 'Mini Ledger needs Python 3.11 or newer, but none was found.' >&2; exit 1

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo 'Installing requirements.txt'
	@$(pip) install -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt requirements-otel.txt requirements.txt | .venv/bin/python
	@echo 'Installing requirements-dev.txt'
	@$(pip) install -r requirements-dev.txt
	@touch $@ .venv/.runtime

# Finds Chromium or installs it. BROWSER=0 leaves the browser tests out.
.venv/.browser: tools/chromium.sh | .venv/bin/python
	@sh tools/chromium.sh
	@[ "$$BROWSER" = 0 ] || touch $@

# Each in an environment of its own, apart from the service's packages.
.venv/.peers: benchmarks/peers/requirements.txt
.venv/.failover: tools/failover/requirements.txt
.venv/.peers .venv/.failover: .venv/.%: | .venv/bin/python
	@echo 'Installing $<'
	@$(python) -m venv --clear .venv/$*
	@.venv/$*/bin/python -m pip --quiet --disable-pip-version-check --no-input install -r $<
	@touch $@
