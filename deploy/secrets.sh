#!/bin/sh
# Create the secrets that compose.yaml mounts, in deploy/secrets. Existing files are kept.
set -eu
cd "$(dirname "$0")"

# Only this user may enter the folder. The files themselves can be read by the users of the
# containers, into which each is mounted alone.
mkdir -p -m 700 secrets
umask 022

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
# keep NAME TEXT: write a file unless it exists
keep() { [ -e "secrets/$1" ] || printf '%s\n' "$2" >"secrets/$1"; }

for name in secret_key jwt_signing_key metrics_token grafana_password \
    postgres_password ledger_owner_password ledger_app_password; do
    keep $name "$(random)"
done
for role in ledger_owner ledger_app; do
    keep ${role}_url "postgresql://$role:$(cat secrets/${role}_password)@postgresql:5432/ledger"
done
