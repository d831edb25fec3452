#!/bin/sh
# Run by `make run` after the requirements are installed.
set -eu
cd "$(dirname "$0")/.."

PORT=${PORT:-8000}
url=http://127.0.0.1:$PORT
python=.venv/bin/python

# Printed first, because the next steps take seconds.
echo "Starting Mini Ledger on $url ..."

# Check the port now, because the server would only report it after the migrations.
$python - "$PORT" 2>/dev/null <<'PYTHON' || {
import socket
import sys

probe = socket.socket()
probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
probe.bind(("127.0.0.1", int(sys.argv[1])))
PYTHON
    echo "Port $PORT can't be opened. Choose another: PORT=8001 make run" >&2
    exit 1
}

# Only this user may read keys, password hashes and the database.
umask 077

if [ ! -e .env ]; then
    new=$(mktemp .env.XXXXXX)
    $python - >"$new" <<'PYTHON'
from secrets import token_urlsafe

print("# Written by `make run`. Every other setting is in .env.example.")
print(f"LEDGER_SECRET_KEY={token_urlsafe(48)}")
print(f"LEDGER_JWT_SIGNING_KEY={token_urlsafe(48)}")
PYTHON
    # Linked when complete, unless another start was faster, whose keys are already in use.
    if ln "$new" .env 2>/dev/null; then echo "Wrote .env with random keys."; fi
    rm "$new"
fi

# If a setting is invalid, this prints one line and stops.
database=$($python -c 'from ledger_project.settings import DATABASE_URL, LEDGERS
print(LEDGERS or DATABASE_URL)')
each= one= setting=LEDGER_DATABASE_URL
case $database in
    *://*) ;;
    *) each=--all-ledgers one=" --ledger HOST" setting=LEDGER_LEDGERS ;;
esac
# Without the password and the options, which must not be shown.
shown=$($python -c 'import re, sys
print(re.sub("^([^:]*://[^:@/]*):.*@", r"\1@", sys.argv[1]).partition("?")[0])' "$database")
echo "Migrating $shown ..."
# shellcheck disable=SC2086 -- nothing, or one option
$python manage.py migrate --verbosity 0 $each

# Demo data is only created in the default SQLite file.
default=sqlite:///mini_ledger.db
has_demo_user() {
    $python -c 'import sqlite3, sys
query = "SELECT 1 FROM auth_user WHERE username = ?"
sys.exit(not sqlite3.connect("mini_ledger.db").execute(query, ["demo"]).fetchone())'
}
demo=no
if [ "$database" = "$default" ]; then
    has_demo_user || $python manage.py seed_demo --if-empty
    if has_demo_user; then demo=yes; fi
fi

# Prints the addresses once something answers there.
announce() {
    $python - "$PORT" $$ 2>/dev/null <<'PYTHON' || return
import os
import socket
import sys
import time

port, server = map(int, sys.argv[1:])
while True:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except OSError:
        os.kill(server, 0)  # Raises an exception if the server has ended.
        time.sleep(0.1)
PYTHON
    echo
    echo "  Docs    $url/docs"
    if [ $demo = yes ]; then
        echo "  Admin   $url/admin/   (admin / admin; the API also knows demo / demo)"
        echo
        echo "  curl -s -X POST $url/auth/token -H 'Content-Type: application/json' \\"
        echo "       -d '{\"username\":\"demo\",\"password\":\"demo\"}'"
    else
        echo "  Admin   $url/admin/"
        echo
        echo "  To create an admin user, or load demo data into an empty database, run one of these in"
        echo "  another terminal. Set $setting there first, unless it is in .env:"
        echo "      $python manage.py createsuperuser$one"
        echo "      $python manage.py seed_demo$one"
        echo
        echo "  curl -s $url/readyz"
    fi
    echo
    echo "  Stop with Ctrl-C. The database is $shown."
    if [ $demo = yes ]; then
        echo "  To start again with new demo data: stop, rm mini_ledger.db*, make run."
    fi
    echo
}

# The workers share these files for their metrics. Each start deletes them.
export PROMETHEUS_MULTIPROC_DIR=".metrics/$PORT"
rm -rf "$PROMETHEUS_MULTIPROC_DIR"
mkdir -p "$PROMETHEUS_MULTIPROC_DIR"

# Delivers events to webhooks beside the server, and is started again if it ends. It is stopped when
# the server ends in any way: this process becomes the server, so $$ is its process id.
beside() {
    while kill -0 $$ 2>/dev/null; do
        $python manage.py deliver_webhooks &
        while kill -0 $$ 2>/dev/null && kill -0 $! 2>/dev/null; do sleep 1; done
        kill $! 2>/dev/null || :
        wait $! || :
    done
}
beside &
announce &

exec $python -m ledger_project --port "$PORT"
