#!/bin/sh
# Run by `make test`: find Chromium for the browser tests, or install it with apt.
set -eu

[ "${BROWSER:-}" != 0 ] || { echo 'BROWSER=0: the browser tests are left out.'; exit 0; }

python=.venv/bin/python
found() { $python -m ledger_project.tests.browser.chromium; }

! found >/dev/null 2>&1 || exit 0

root=
[ "$(id -u)" = 0 ] || root='sudo -n'
# On Ubuntu, the package installs a snap, which containers can't run.
if [ -z "${LEDGER_CHROMIUM:-}" ] && command -v apt-get >/dev/null; then
    echo 'Installing Chromium with apt-get, for the browser tests'
    { $root apt-get -qq update && $root apt-get -qq install --no-install-recommends --yes \
        chromium; } </dev/null >.venv/chromium.log 2>&1 || tail -n 3 .venv/chromium.log >&2
fi
found >/dev/null
