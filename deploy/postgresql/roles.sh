#!/bin/sh
# Run once by the image of PostgreSQL, when its volume is empty: creates the roles of
# docs/databases.md and the database.
set -eu

secret() { cat "${SECRETS:-/run/secrets}/$1"; }

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=owner="$(secret ledger_owner_password)" --set=app="$(secret ledger_app_password)" <<'SQL'
CREATE ROLE ledger_owner LOGIN PASSWORD :'owner';
CREATE ROLE ledger_app LOGIN PASSWORD :'app';
CREATE DATABASE ledger OWNER ledger_owner ENCODING 'UTF8' TEMPLATE template0;
SQL
