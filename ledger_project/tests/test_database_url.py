"""LEDGER_DATABASE_URL: its meaning, and errors that don't show the password."""

import json

import pytest
from psycopg import IsolationLevel

from ledger_project.conftest import KEYS

pytestmark = pytest.mark.one_database

TIMEOUTS = (
    "-c lock_timeout=3000 -c statement_timeout=8000 -c idle_in_transaction_session_timeout=10000"
    " -c jit=off"
)
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ledger:to%20p@127.0.0.1:sesame/ledger",
        "postgresql://ledger:to%20p@one:1,two:sesame/ledger",
        "postgresql://ledger:to%20p%@127.0.0.1:5432/ledger",
        "postgresql://ledger:to%20p%00@127.0.0.1:5432/ledger",
        "postgresql://ledger:to%20p@ss@127.0.0.1:5432/ledger",
        "postgresql://ledger:to%20p/ss@127.0.0.1:5432/ledger",
        "postgresql://ledger:a?to%20p/a@127.0.0.1:5432/ledger",
        "postgresql://ledger:a/to%20p?to%20p@127.0.0.1:5432/ledger",
        "postgresql://ledger@127.0.0.1/ledger?password=to%20p%",
        "postgresql://ledger:to%20p@[127.0.0.1:5432/ledger",
        "mongodb://ledger:to%20p@127.0.0.1/ledger",
    ],
)
def test_the_line_about_a_bad_database_url_does_not_show_its_password(machine, url):
    with pytest.raises(SystemExit) as refused:
        machine.settings(LEDGER_DATABASE_URL=url)

    line = refused.value.code
    assert "LEDGER_DATABASE_URL" in line
    assert "to%20p" not in line
    assert "to p" not in line


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_spellings_of_a_postgresql_url_mean_the_same(machine, scheme):
    url = f"{scheme}://ledger:p%40ss@db.example:5433/books?sslmode=require"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert database == {
        "ENGINE": "database.postgresql",
        "NAME": "books",
        "USER": "ledger",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            "options": TIMEOUTS,
            "client_timeout": 12,
            "server_side_binding": True,
            "prepare_threshold": 2,
            "isolation_level": IsolationLevel.READ_COMMITTED,
            "sslmode": "require",
        },
    }


OPTIONS = """
import json, sys
sys.argv = ["manage.py", *sys.argv[1:]]
from ledger_project.environment import DATABASE
options = DATABASE["OPTIONS"]
print(json.dumps([options.get("client_timeout"), options["options"]]))
"""


@pytest.mark.parametrize(
    ("command", "timeouts"),
    [
        ("deliver_webhooks", [12, TIMEOUTS]),
        (
            "verify_ledger",
            [
                None,
                "-c lock_timeout=0 -c statement_timeout=0 -c idle_in_transaction_session_timeout=0",
            ],
        ),
    ],
)
def test_of_all_commands_only_the_one_that_runs_forever_has_timeouts(machine, command, timeouts):
    url = "postgresql://db.example/books"

    done = machine.run("-c", OPTIONS, "-v", command, LEDGER_DATABASE_URL=url, **KEYS)

    assert json.loads(done.stdout) == timeouts


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("place", "hosts", "ports"),
    [
        ("one:1,two:2", "one,two", "1,2"),
        ("one,two:2", "one,two", ",2"),
        ("[::1]:1,127.0.0.1:2", "::1,127.0.0.1", "1,2"),
        ("%2Frun%2Fpostgresql", "/run/postgresql", ""),
        ("", "", ""),
    ],
)
def test_a_postgresql_url_may_have_several_hosts(machine, scheme, place, hosts, ports):
    url = f"{scheme}://ledger:p%40ss@{place}/books?target_session_attrs=read-write"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert (database["HOST"], database["PORT"]) == (hosts, ports)
    assert database["OPTIONS"]["target_session_attrs"] == "read-write"


def test_a_password_may_contain_a_question_mark(machine):
    url = "postgresql://ledger:what?a=b&c@db.example/books?sslmode=require"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert (database["PASSWORD"], database["HOST"]) == ("what?a=b&c", "db.example")
    assert (database["NAME"], database["OPTIONS"]["sslmode"]) == ("books", "require")


def test_hosts_may_be_named_after_the_question_mark_too(machine):
    url = "postgresql://ledger@/books?host=one,two&port=1,2"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert (database["HOST"], database["PORT"], database["NAME"]) == ("one,two", "1,2", "books")


@pytest.mark.parametrize(
    "written",
    ["-c%20work_mem%3D8MB%20-c%20lock_timeout%3D1s", "-c+work_mem=8MB+-c+lock_timeout=1s"],
)
def test_options_of_the_url_override_the_timeouts(machine, written):
    url = f"postgresql://ledger@db.example/books?options={written}"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url, PGOPTIONS="-c work_mem=4MB")[
        "DATABASE"
    ]

    options = database["OPTIONS"]["options"]
    assert options == f"{TIMEOUTS} -c work_mem=8MB -c lock_timeout=1s"


def test_options_of_the_environment_come_after_the_timeouts_too(machine):
    url = "postgresql://ledger@db.example/books"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url, PGOPTIONS="-c work_mem=4MB")[
        "DATABASE"
    ]

    assert database["OPTIONS"]["options"] == f"{TIMEOUTS} -c work_mem=4MB"


@pytest.mark.parametrize("option", ["sslrootcert", "application_name"])
def test_a_plus_is_a_plus_in_every_other_option(machine, option):
    url = f"postgresql://ledger@db.example/books?{option}=/a+b/c%20d%2Be=f"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert database["OPTIONS"][option] == "/a+b/c d+e=f"


def test_the_url_overrides_the_options_of_the_service(machine):
    url = (
        "postgresql://ledger@db.example/books"
        "?connect_timeout=9&client_timeout=60&prepare_threshold=0&application_name=books"
    )

    options = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]["OPTIONS"]

    assert options == {
        "connect_timeout": 9,
        "client_timeout": 60,
        "prepare_threshold": 0,
        "application_name": "books",
        "server_side_binding": True,
        "isolation_level": IsolationLevel.READ_COMMITTED,
        "options": TIMEOUTS,
    }


@pytest.mark.parametrize(("value", "prepared"), [("0", False), ("false", False), ("1", True)])
def test_the_url_can_disable_prepared_statements(machine, value, prepared):
    url = f"postgresql://ledger@db.example/books?server_side_binding={value}"

    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    # Django only accepts True.
    assert database["OPTIONS"]["server_side_binding"] is prepared


def test_a_file_named_memory_is_refused_because_a_database_in_memory_was_meant(machine):
    with pytest.raises(SystemExit) as refused:
        machine.settings(LEDGER_DATABASE_URL="sqlite:///:memory:")

    assert "has a slash too many for a database in memory: sqlite://:memory:" in refused.value.code


@pytest.mark.parametrize(
    ("url", "name"), [("sqlite:///a.db", "{here}/a.db"), ("sqlite:////tmp/a.db", "/tmp/a.db")]
)
def test_a_sqlite_file_is_relative_to_the_project(machine, url, name):
    database = machine.settings("DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert database["NAME"] == name.format(here=machine.directory)
    assert database["OPTIONS"] == {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
        ),
    }
