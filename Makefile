# Everything here works in a fresh clone with make and Python 3.11 or newer; `make` alone lists it.

# With 3.11 first: the lowest version is the one that is tested.
PYTHONS = python3.11 python3 python3.12 python3.13 python3.14
python = .venv/bin/python
pip = $(python) -m pip --quiet --disable-pip-version-check --no-input

# Production settings, whatever this machine's environment and .env say, on an empty database.
random = $$(head -c 48 /dev/urandom | base64 | tr -d '\n')
production = set -a; . ./.env.example; LEDGER_HTTPS=true; LEDGER_DATABASE_URL=sqlite://:memory:; \
	LEDGER_SECRET_KEY=$(random); LEDGER_JWT_SIGNING_KEY=$(random); set +a

# One check: its command, shown and run.
step = @echo '▸ $(1)'; $(production); .venv/bin/$(1)

.PHONY: help run test demo check generate bench soak proxy

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name does; do printf '  make %-8s %s\n' "$$name" "$$does"; done

run: .venv/.runtime ## Start the service on 127.0.0.1:$PORT (8000), with demo data in its own file
	@exec sh tools/run.sh

# Both databases at once, a core for each. Coverage is counted on SQLite alone, which reaches all
# but the few lines that are PostgreSQL's: counting makes a run half as long again.
test: .venv/.dev ## Run the whole suite, on SQLite and on a real PostgreSQL
	@$(python) -m coverage erase
	@echo '▸ pytest on PostgreSQL, in the background; its output comes last'
	@$(python) tools/with_postgres.py \
		$(python) -m pytest >.venv/postgresql.log 2>&1 & postgresql=$$!; \
	echo '▸ pytest on SQLite'; env -u LEDGER_TEST_DATABASE_URL \
		$(python) -m pytest --cov --cov-report= --cov-fail-under=0; sqlite=$$?; \
	wait $$postgresql; postgresql=$$?; echo '▸ pytest on PostgreSQL'; cat .venv/postgresql.log; \
	[ $$sqlite -eq 0 ] && [ $$postgresql -eq 0 ]
	@$(python) -m coverage report

demo: .venv/.runtime ## Tell the story of the README against the running service
	@$(python) tools/demo.py

check: .venv/.dev ## Run every linter and check
	$(call step,ruff check .)
	$(call step,ruff format --check .)
	$(call step,lint-imports --no-logo)
	$(call step,mypy)
	$(call step,python manage.py makemigrations --check --dry-run)
	$(call step,python manage.py check --deploy --fail-level WARNING)
	$(call step,python -m tools.generate --check)
	@echo '▸ pip-audit --requirement requirements.txt'; $(audit)

bench: .venv/.dev ## Measure the speed figures, in half an hour; BENCH=--quick in two minutes
	@$(python) -m benchmarks $(BENCH)

soak: .venv/.dev ## Kill everything under load, MINUTES=30 on each database; or SECONDS=60; SEED=N
	@$(python) tools/soak.py $(if $(SEED),--seed $(SEED)) \
		$(if $(SECONDS),--seconds $(SECONDS),--minutes $(or $(MINUTES),30))

proxy: .venv/.runtime ## Try deploy/nginx.conf with the nginx of this machine
	@$(python) tools/proxy.py

generate: .venv/.dev ## Write the files and the blocks of pages that are made from the code
	$(call step,python -m tools.generate)

# An audit needs the network. Without it there is no report, or one in which no package has an
# answer; that is said, and is no failure. `timeout` is missing on macOS.
audit = rm -f .venv/audit.json; \
	$$(command -v timeout >/dev/null && echo timeout 180) .venv/bin/pip-audit --format json \
		--requirement requirements.txt --progress-spinner off --output .venv/audit.json \
		2>.venv/audit.log; status=$$?; \
	if [ ! -s .venv/audit.json ] && [ $$status -ne 0 ]; then \
		echo "Skipped: no package index within reach ($$(tail -n 1 .venv/audit.log))"; \
	elif [ -s .venv/audit.json ] && ! grep -q '"vulns"' .venv/audit.json; then \
		echo 'Skipped: the package index publishes no advisories.'; \
	elif [ $$status -ne 0 ]; then \
		$(python) -m json.tool .venv/audit.json; cat .venv/audit.log; exit 1; \
	else cat .venv/audit.log; fi

.venv/bin/python:
	@echo 'Making .venv, for the first start'
	@for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv --clear .venv || { rm -rf .venv; exit 1; }; exit 0; \
		fi; \
	done; echo 'Mini Ledger needs Python 3.11 or newer; none was found.' >&2; exit 1

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo 'Installing requirements.txt'
	@$(pip) install -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo 'Installing requirements-dev.txt'
	@$(pip) install -r requirements-dev.txt
	@touch $@ .venv/.runtime
