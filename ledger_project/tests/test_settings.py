"""What a machine may set, and what stops the start with one clear line."""

import json

import pytest
from psycopg import IsolationLevel

KEYS = {
    "LEDGER_SECRET_KEY": "a-secret-key-of-more-than-32-bytes",
    "LEDGER_JWT_SIGNING_KEY": "a-signing-key-of-more-than-32-bytes",
}
SHOWN = (
    "import json; from ledger_project import settings; "
    "print(json.dumps({name: getattr(settings, name) for name in %r}, default=str))"
)


@pytest.fixture(scope="module")
def machine(new_machine):
    return new_machine()


def read(machine, *names, **environment):
    """Return the settings of these names as a start in this environment reads them."""
    done = machine.run("-c", SHOWN % (names,), **KEYS, **environment)
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "ledger.db"),
        ("DATABASE_URL", "mysql://ledger@127.0.0.1/ledger"),
        ("DATABASE_URL", "postgresql+asyncpg://ledger@127.0.0.1/ledger"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1:port/ledger"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?server_side_binding=maybe"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?connect_timeout=soon"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?prepare_threshold=often"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?client_timeout=true"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?ssl_mode=require"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?pool=true"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?=on"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?isolation_level=3"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?connect_timeout=0"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?client_timeout=0"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?sslmode=always"),
        ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?target_session_attrs=write"),
        ("DATABASE_URL", "postgresql://ledger@one,two:port/ledger"),
        ("DATABASE_URL", "postgresql://ledger@one:1,two:2,three:65536/ledger"),
        ("DATABASE_URL", "postgresql://ledger@one,two,three/ledger?port=1,2"),
        ("DATABASE_URL", "postgresql://ledger@[::1,two:2/ledger"),
        ("DATABASE_URL", "postgres://"),
        ("DATABASE_URL", "sqlite://ledger.db"),
        ("DATABASE_URL", "sqlite:///ledger.db?timeout=5"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///no/such/folder/ledger.db"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_LEVEL", "WARN"),
        ("LOG_LEVEL", "NOTSET"),
        ("LOG_LEVEL", "info"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "x" * 31),
        ("JWT_SIGNING_KEY", ""),
        ("JWT_SIGNING_KEY", "x" * 31),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "ledger.example,"),
        ("ALLOWED_HOSTS", "https://ledger.example"),
        ("ALLOWED_HOSTS", "ledger.example:8000"),
        ("HTTPS", "2"),
        ("TRUSTED_PROXIES", "the-proxy"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.300"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "app.example"),
        ("CORS_ORIGINS", "https://*.app.example"),
        ("CORS_ORIGINS", "https://app.example/"),
        ("CORS_ORIGINS", "https://app.example:443"),
        ("CORS_ORIGINS", "https://App.example"),
        ("CORS_ORIGINS", "https://app.example,"),
        ("CURRENCIES", ""),
        ("CURRENCIES", "USD,usd"),
        ("CURRENCIES", "USD,EUR,USD"),
        ("CURRENCIES", "EUR,GBP"),
        ("DEFAULT_CURRENCY", "dollar"),
        ("DEFAULT_CURRENCY", "CHF"),
        ("PUBLIC_READS", "sometimes"),
        ("SELF_SERVICE_CASH", ""),
        ("LOGIN_RATE", "10"),
        ("LOGIN_RATE", "0/minute"),
        ("LOGIN_RATE", "10/fortnight"),
    ],
)
def test_a_bad_value_stops_the_start_with_one_line_that_names_it(machine, variable, value):
    done = machine.run("manage.py", "check", **{**KEYS, f"LEDGER_{variable}": value})

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Mini Ledger can't start: ")
    assert f"LEDGER_{variable}" in done.stderr
    assert len(done.stderr) < 200
    assert "[" not in done.stderr.replace(value, "")


def test_a_list_may_have_spaces_between_its_items(machine):
    settings = read(
        machine,
        *("ALLOWED_HOSTS", "TRUSTED_PROXIES", "CURRENCIES"),
        LEDGER_ALLOWED_HOSTS="localhost, .ledger.example, [::1]",
        LEDGER_TRUSTED_PROXIES="10.0.0.0/8, ::1",
        LEDGER_CURRENCIES="USD, EUR",
    )

    assert settings == {
        "ALLOWED_HOSTS": ["localhost", ".ledger.example", "[::1]"],
        "TRUSTED_PROXIES": ["10.0.0.0/8", "::1"],
        "CURRENCIES": ["USD", "EUR"],
    }


def test_one_key_for_both_purposes_stops_the_start(machine):
    key = KEYS["LEDGER_SECRET_KEY"]

    done = machine.run("manage.py", "check", **{**KEYS, "LEDGER_JWT_SIGNING_KEY": key})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Mini Ledger can't start: LEDGER_JWT_SIGNING_KEY must be another key than"
        " LEDGER_SECRET_KEY\n"
    )


@pytest.mark.parametrize("missing", KEYS)
def test_a_machine_that_does_not_debug_needs_its_own_keys(machine, missing):
    given = {name: key for name, key in KEYS.items() if name != missing}

    done = machine.run("manage.py", "check", **given)

    assert done.returncode == 1
    assert done.stderr == (f'Mini Ledger can\'t start: Environment variable "{missing}" not set\n')


def test_a_machine_that_debugs_starts_without_keys(machine):
    done = machine.run("manage.py", "check", LEDGER_DEBUG="true")

    assert done.returncode == 0


def test_a_deployment_that_debugs_is_warned_of_the_keys_that_everybody_can_read(machine):
    done = machine.run("manage.py", "check", "--deploy", LEDGER_DEBUG="true")

    assert "(security.W009) Your SECRET_KEY" in done.stderr


ANSWERS = """
import django, json
django.setup()
from django.core.management import call_command
from django.test import Client
from ledger_project import urls

call_command("migrate", verbosity=0)
client = Client(raise_request_exception=False)
client.get("/")
urls.urlpatterns[0].callback = lambda request: 1 / 0
answers = [client.get("/nowhere"), client.get("/healthz", headers={"host": "elsewhere"}),
           client.get("/auth/token")]
print(json.dumps([[answer.status_code, answer["Content-Type"]] for answer in answers]))
"""


def test_errors_are_problem_documents_and_logged_on_a_machine_that_debugs(machine):
    done = machine.run(
        "-c",
        ANSWERS,
        DJANGO_SETTINGS_MODULE="ledger_project.settings",
        LEDGER_DEBUG="true",
        LEDGER_DATABASE_URL="sqlite://:memory:",
        LEDGER_LOG_LEVEL="ERROR",
        LEDGER_ALLOWED_HOSTS="testserver",
    )

    assert "ZeroDivisionError" in done.stderr
    assert json.loads(done.stdout) == [
        [status, "application/problem+json"] for status in (404, 400, 500)
    ]


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
    done = machine.run("manage.py", "check", **KEYS, LEDGER_DATABASE_URL=url)

    assert done.returncode == 1
    assert "LEDGER_DATABASE_URL" in done.stderr
    assert "to%20p" not in done.stderr
    assert "to p" not in done.stderr


def test_every_setting_has_its_documented_default(machine):
    settings = read(
        machine,
        *("DEBUG", "APP_NAME", "LOG_LEVEL", "ALLOWED_HOSTS", "HTTPS", "TRUSTED_PROXIES"),
        *("CURRENCIES", "DEFAULT_CURRENCY", "PUBLIC_READS", "SELF_SERVICE_CASH", "LOGIN_RATE"),
        "DATABASE_URL",
    )

    assert settings == {
        "DEBUG": False,
        "APP_NAME": "Mini Ledger API",
        "LOG_LEVEL": "INFO",
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "HTTPS": False,
        "TRUSTED_PROXIES": [],
        "CURRENCIES": ["USD", "EUR", "GBP", "JPY"],
        "DEFAULT_CURRENCY": "USD",
        "PUBLIC_READS": False,
        "SELF_SERVICE_CASH": True,
        "LOGIN_RATE": "10/minute",
        "DATABASE_URL": "sqlite:///mini_ledger.db",
    }


TIMEOUTS = (
    "-c lock_timeout=3000 -c statement_timeout=8000 -c idle_in_transaction_session_timeout=10000"
    " -c jit=off"
)
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_spellings_of_a_postgresql_url_mean_the_same(machine, scheme):
    url = f"{scheme}://ledger:p%40ss@db.example:5433/books?sslmode=require"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert database == {
        "ENGINE": "ledger_project.postgresql",
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
def test_a_postgresql_url_may_name_several_hosts(machine, scheme, place, hosts, ports):
    url = f"{scheme}://ledger:p%40ss@{place}/books?target_session_attrs=read-write"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert (database["HOST"], database["PORT"]) == (hosts, ports)
    assert database["OPTIONS"]["target_session_attrs"] == "read-write"


def test_a_password_may_have_a_question_mark_in_it(machine):
    url = "postgresql://ledger:what?a=b&c@db.example/books?sslmode=require"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert (database["PASSWORD"], database["HOST"]) == ("what?a=b&c", "db.example")
    assert (database["NAME"], database["OPTIONS"]["sslmode"]) == ("books", "require")


def test_hosts_may_be_named_after_the_question_mark_too(machine):
    url = "postgresql://ledger@/books?host=one,two&port=1,2"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert (database["HOST"], database["PORT"], database["NAME"]) == ("one,two", "1,2", "books")


@pytest.mark.parametrize(
    "written",
    ["-c%20work_mem%3D8MB%20-c%20lock_timeout%3D1s", "-c+work_mem=8MB+-c+lock_timeout=1s"],
)
def test_options_of_the_url_come_after_the_timeouts_and_win(machine, written):
    url = f"postgresql://ledger@db.example/books?options={written}"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url, PGOPTIONS="-c work_mem=4MB")[
        "DATABASE"
    ]

    options = database["OPTIONS"]["options"]
    assert options == f"{TIMEOUTS} -c work_mem=8MB -c lock_timeout=1s"


def test_options_of_the_environment_come_after_the_timeouts_too(machine):
    url = "postgresql://ledger@db.example/books"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url, PGOPTIONS="-c work_mem=4MB")[
        "DATABASE"
    ]

    assert database["OPTIONS"]["options"] == f"{TIMEOUTS} -c work_mem=4MB"


def test_the_url_may_set_what_the_service_sets_itself(machine):
    url = (
        "postgresql://ledger@db.example/books"
        "?connect_timeout=9&client_timeout=60&prepare_threshold=0&application_name=books"
    )

    options = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]["OPTIONS"]

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
def test_the_url_of_a_postgresql_can_switch_prepared_statements_off(machine, value, prepared):
    url = f"postgresql://ledger@db.example/books?server_side_binding={value}"

    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    # Django takes nothing but True for on.
    assert database["OPTIONS"]["server_side_binding"] is prepared


@pytest.mark.parametrize(
    ("url", "name"), [("sqlite:///a.db", "{here}/a.db"), ("sqlite:////tmp/a.db", "/tmp/a.db")]
)
def test_a_sqlite_file_is_relative_to_the_project(machine, url, name):
    database = read(machine, "DATABASE", LEDGER_DATABASE_URL=url)["DATABASE"]

    assert database["NAME"] == name.format(here=machine.directory)
    assert database["OPTIONS"] == {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
        ),
    }


def test_the_environment_wins_over_the_env_file(new_machine):
    machine = new_machine()
    (machine.directory / ".env").write_text("LEDGER_APP_NAME=of the file\nLEDGER_CURRENCIES=USD\n")

    settings = read(machine, "APP_NAME", "CURRENCIES", LEDGER_APP_NAME="of the environment")

    assert settings == {"APP_NAME": "of the environment", "CURRENCIES": ["USD"]}


def test_the_keys_may_stand_in_the_env_file(new_machine):
    machine = new_machine()
    lines = [f"{name}={key}\n" for name, key in KEYS.items()]
    (machine.directory / ".env").write_text("".join(lines))

    done = machine.run("manage.py", "check")

    assert done.returncode == 0


def test_the_deployment_check_is_silent_on_a_machine_behind_tls(machine):
    keys = {
        "LEDGER_SECRET_KEY": "a-key-as-long-as-the-one-that-make-run-writes-into-env-0",
        "LEDGER_JWT_SIGNING_KEY": "another-as-long-as-the-one-that-make-run-writes-into-env",
    }

    done = machine.run(
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        **keys,
        LEDGER_HTTPS="true",
        LEDGER_ALLOWED_HOSTS="ledger.example",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (2 silenced).\n"
