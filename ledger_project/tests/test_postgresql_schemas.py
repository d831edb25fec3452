"""Two ledgers in two schemas of a database each have their own guards, which are checked."""

import psycopg
import pytest

from ledger_project.tests.test_migrate import empty_database, start  # noqa: F401 -- a fixture

SEARCH_PATH = "?options=-c%20search_path%3Dl0"


def run(url: str, *command: str) -> tuple[int, str]:
    process = start(url, *command)
    printed = process.communicate()[0]
    return process.returncode, printed


def sql(url: str, *statements: str) -> None:
    with psycopg.connect(url) as session:
        for statement in statements:
            session.execute(statement)


@pytest.fixture
def two_ledgers(empty_database):  # noqa: F811
    """The URLs of two ledgers with demo data, in the schemas `public` and `l0`."""
    sql(empty_database, "CREATE SCHEMA l0")
    urls = empty_database, f"{empty_database}{SEARCH_PATH}"
    for url in urls:
        for command in ("migrate", "seed_demo"):
            status, printed = run(url, command)
            assert status == 0, printed
    return urls


def test_guards_are_installed_and_checked_in_the_schema_of_the_tables(two_ledgers):
    public, other = two_ledgers
    empty = "TRUNCATE {}.transfers_ledgerentry"
    for schema in ("public", "l0"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="be truncated"):
            sql(public, empty.format(schema))

    sql(public, "DROP TRIGGER entry_not_truncated ON l0.transfers_ledgerentry")
    sql(public, empty.format("l0"), "ROLLBACK")

    missed = run(other, "check", "--database", "default")
    assert (missed[0], "The guard entry_not_truncated is missing" in missed[1]) == (1, True)
    convicted = run(other, "verify_ledger")
    assert (convicted[0], "FAIL  schema_has_every_guard" in convicted[1]) == (1, True)
    for command in (("check", "--database", "default"), ("verify_ledger",)):
        assert run(public, *command)[0] == 0
    assert run(other, "migrate", "--verbosity", "0") == (0, "")
    for command in (("check", "--database", "default"), ("verify_ledger",)):
        assert run(other, *command)[0] == 0
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="be truncated"):
        sql(public, empty.format("l0"))
