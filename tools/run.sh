#!/bin/sh
# What `make run` does once the requirements are installed.
set -eu
cd "$(dirname "$0")/.."

PORT=${PORT:-8000}
url=http://127.0.0.1:$PORT
python=.venv/bin/python

# At once, because what follows takes seconds before it has anything to say.
echo "Starting Mini Ledger on $url ..."

# First, because the server would say it after the migrations.
$python - "$PORT" 2>/dev/null <<'PYTHON' || {
import socket
import sys

probe = socket.socket()
probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
probe.bind(("127.0.0.1", int(sys.argv[1])))
PYTHON
    echo "Port $PORT cannot be opened; choose another: PORT=8001 make run" >&2
    exit 1
}

# Keys, password hashes and books are nobody else's to read.
umask 077

if [ ! -e .env ]; then
    new=$(mktemp .env.XXXXXX)
    $python - >"$new" <<'PYTHON'
from secrets import token_urlsafe

print("# Written by `make run`. Every other setting is in .env.example.")
print(f"LEDGER_SECRET_KEY={token_urlsafe(48)}")
print(f"LEDGER_JWT_SIGNING_KEY={token_urlsafe(48)}")
PYTHON
    # Put in place when complete, unless another start was faster: its keys are in use already.
    if ln "$new" .env 2>/dev/null; then echo "Wrote .env with random keys."; fi
    rm "$new"
fi

# First of all it says in one line what is wrong with a setting.
database=$($python -c 'from ledger_project.settings import DATABASE_URL; print(DATABASE_URL)')
# Without the password and the options, which have no place on a screen.
shown=$($python -c 'import re, sys
print(re.sub("^([^:]*://[^:@/]*):.*@", r"\1@", sys.argv[1]).partition("?")[0])' "$database")
echo "Bringing the tables of $shown up to date ..."
$python manage.py migrate --verbosity 0

# Demo data goes into the service's own default file and nowhere else.
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
    echo "  another terminal. Set LEDGER_DATABASE_URL there first, unless it is in .env:"
    echo "      $python manage.py createsuperuser"
    echo "      $python manage.py seed_demo"
    echo
    echo "  curl -s $url/readyz"
fi
echo
echo "  Stop with Ctrl-C. The database is $shown."
if [ $demo = yes ]; then
    echo "  To begin again with fresh demo data: stop, rm mini_ledger.db*, make run."
fi
echo

# The workers count together, in files that the next start clears.
export PROMETHEUS_MULTIPROC_DIR=".metrics/$PORT"
rm -rf "$PROMETHEUS_MULTIPROC_DIR"
mkdir -p "$PROMETHEUS_MULTIPROC_DIR"

exec $python -m ledger_project.server --port "$PORT"
