"""The audit doesn't report changes to a PostgreSQL schema that refuse and change no rows."""

import pytest
from django.db import connection

from audit.tests.schema import WEAKER_CHECKS, run, schema_findings
from audit.tests.test_postgresql_integrity_schema import CHANGES, ENTRIES, TRANSFERS
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db

HARMLESS = {
    "an additional index": ["CREATE INDEX ON transfers_transfer (created_at)"],
    "an additional column": [f"{TRANSFERS} ADD note text CHECK (note <> '') UNIQUE"],
    "an additional column with a foreign key": [
        f"{TRANSFERS} ADD event_id integer REFERENCES auth_group (id)"
    ],
    "a unique expression on an additional column": [
        f"{TRANSFERS} ADD ext text",
        "CREATE UNIQUE INDEX ON transfers_transfer (lower(ext))",
    ],
    "a unique key with an additional column that is NULL": [
        "ALTER TABLE accounts_account ADD ext text",
        "CREATE UNIQUE INDEX ON accounts_account (ext, owner_id) WHERE ext IS NOT NULL",
        "CREATE UNIQUE INDEX ON accounts_account (owner_id, lower(ext))",
    ],
    "a unique key for rows with another value than the default": [
        f"{TRANSFERS} ADD state int NOT NULL DEFAULT 0",
        "CREATE UNIQUE INDEX ON transfers_transfer (source_id, state) WHERE state > 0",
    ],
    "an exclusion constraint on an additional column": [
        f"{TRANSFERS} ADD ext text, ADD EXCLUDE (ext WITH =)",
    ],
    "an additional unique column with another value for each row": [
        f"{TRANSFERS} ADD ext uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
        f"{TRANSFERS} ADD place bigserial UNIQUE CHECK (place > 0)",
    ],
    "an expression beside a unique key": [
        "CREATE UNIQUE INDEX ON transfers_transfer (id, lower(memo))",
        'CREATE UNIQUE INDEX ON idempotency_idempotencykey (user_id, key COLLATE "C")',
    ],
    "an additional column of a type with a default": [
        "CREATE DOMAIN small AS int NOT NULL DEFAULT 3 CHECK (value < 5)",
        f"{TRANSFERS} ADD small small CHECK (small = 3)",
    ],
    "an additional column whose default exists in another table": [
        "CREATE TABLE tenant (id int PRIMARY KEY)",
        "INSERT INTO tenant VALUES (1)",
        f"{TRANSFERS} ADD tenant_id int NOT NULL DEFAULT 1 REFERENCES tenant",
    ],
    "an additional generated column": [
        f"{TRANSFERS} ADD words tsvector GENERATED ALWAYS AS (to_tsvector('simple', memo)) STORED"
    ],
    "an additional identity column": [f"{TRANSFERS} ADD place bigint GENERATED ALWAYS AS IDENTITY"],
    "a constraint that exists twice": [
        f"{ENTRIES} ADD CHECK (amount BETWEEN 1 AND 9007199254740991)",
        f"{ENTRIES} ADD UNIQUE (account_id, sequence)",
        f"{ENTRIES} ADD UNIQUE (account_id, sequence, ts)",
        f"{ENTRIES} ADD FOREIGN KEY (account_id) REFERENCES accounts_account (id)",
    ],
    "a renamed constraint": [
        f"{ENTRIES} RENAME CONSTRAINT entry_amount_within_bounds TO amount_within_bounds",
        f"{ENTRIES} RENAME CONSTRAINT entry_sequence_once_per_account TO once",
    ],
    "another order of columns": [
        f"{CHANGES} DROP reason",
        f"{CHANGES} ADD reason varchar(200) NOT NULL DEFAULT ''",
        f"{CHANGES} ALTER reason DROP DEFAULT",
    ],
    "other settings of the session": [
        "SET timezone = 'Asia/Tokyo'",
        "SET search_path = pg_catalog, public",
        "SET extra_float_digits = 0",
    ],
}


def test_a_check_that_is_not_enforced_is_not_reported():
    if connection.pg_version < 180000:
        pytest.skip("NOT ENFORCED requires PostgreSQL 18.")
    run(f"{TRANSFERS} ADD CHECK (amount <> 777) NOT ENFORCED")

    assert schema_findings() == []


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_difference_is_not_reported(name):
    run(*HARMLESS[name])

    assert schema_findings() == []


@pytest.mark.parametrize(("table", "condition"), WEAKER_CHECKS)
def test_a_check_that_the_models_imply_is_not_reported(table, condition):
    run(f"ALTER TABLE {table} ADD CHECK ({condition})")

    assert schema_findings() == []


def test_the_audit_undoes_what_the_default_of_an_additional_column_does():
    run(
        "CREATE TABLE seen (number int)",
        "CREATE FUNCTION see() RETURNS int LANGUAGE sql"
        " AS 'INSERT INTO public.seen VALUES (1) RETURNING number'",
        f"{TRANSFERS} ADD ext int",
        f"{TRANSFERS} ALTER ext SET DEFAULT see()",
    )

    assert schema_findings() == []
    assert rows("SELECT number FROM seen") == []
